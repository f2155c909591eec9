// A packet as a line of JSON, and what became of it: the two shapes that both engines and every tool speak.
// Owns the types. Names are those of the published file formats (snake_case), so a line is the value itself.

export type ProtoName =
  | 'tcp'
  | 'udp'
  | 'sctp'
  | 'icmp'
  | 'icmpv6'
  | 'gre'
  | 'esp'
  | 'ah'
  | 'dccp'
  | 'udplite'
  | 'igmp'
  | 'ipip'
  | number

/** The header fields of one packet. Ports for tcp, udp, udplite, dccp, sctp; icmp_* for icmp and icmpv6. */
export interface Header {
  proto: ProtoName
  /** Canonical text; both of one family. */
  src: string
  dst: string
  sport?: number
  dport?: number
  /** TCP flags, letters of `SFRPAUEC` in that order. */
  flags?: string
  /** 0..255; default 64. */
  ttl?: number
  tos?: number
  icmp_type?: number
  icmp_code?: number
  /** Query identifier (echo, timestamp …); absent on errors. */
  icmp_id?: number
  /** The packet that an ICMP error quotes. */
  inner?: Quoted
  seq?: number
  ack?: number
  /**
   * Of a fragment: offset in units of 8 bytes, + 0x2000 when more follow (the field of the IPv4 header; IPv6 likewise, 8
   * bytes of fragment header more). Absent: a whole packet. What stands in a fragment that is not the first is given as
   * if it were a packet of its own, and only counts.
   */
  frag?: number
}

/** A quoted packet: what decides its length besides its header. Answers print only the header. */
export interface Quoted extends Header {
  payload_len?: number
  sctp_chunk?: string | number
}

/** A concrete packet: what `process` takes. All defaults are filled by `completePacket`. */
export interface Packet extends Header {
  id?: number | string
  /** The interface it arrives on, or `local`: sent by a process of this namespace. */
  iface: string
  mark?: number
  /** TCP window. */
  win?: number
  /** TCP options as they are on the wire, in hex, at most 40 bytes; padded with zeros to whole words. */
  tcp_options?: string
  /** Bytes after the layer-4 header. */
  payload_len?: number
  /** Bytes that no other field stands for and that only count: IP options, extension headers, TCP options … Default: 0. */
  extra_len?: number
  /** Chunk name or number of the first SCTP chunk, e.g. `INIT`. */
  sctp_chunk?: string | number
  /** SCTP verification tag; filled from the chunk when it is not given. */
  vtag?: number
  /** The layer-4 checksum is wrong. */
  bad_csum?: boolean
  /** How many bytes of the quoted packet an ICMP error carries at most. Default: 548 for ICMP, 1232 for ICMPv6. */
  inner_len?: number
  /** Owner of the sending process, for `local`: numbers, 0 to 4294967294. */
  uid?: number
  gid?: number
  /** The CPU that handles the packet, 0 to 4294967295. */
  cpu?: number
  /** The sending process's other groups, for `local`. */
  groups?: readonly number[]
  /** The sending socket's class (net_cls), 0 to 4294967295, and the path of its cgroup below the mount of cgroup2, e.g. `/system.slice`. */
  cgroup?: number
  cgroup_path?: string
  /** TCP: the operating system that the fingerprints of `osf` find for it, or `unknown`. */
  os?: string
  /** Flags of the first SCTP chunk, 0 to 255. Default: 3 (a whole message) for DATA, else 0. */
  sctp_flags?: number
  /** DCCP: packet type, a name such as `REQUEST` or 0 to 15, and its options in hex, at most 1000 bytes. */
  dccp_type?: string | number
  dccp_options?: string
  /** Security parameter index of esp and ah, 0 to 4294967295; of ipcomp its 16 bits. */
  spi?: number
  /** What a look-up of sockets finds for this packet: `none`, `bound` (to an address), `wildcard`, each also as `transparent …`. */
  socket?: SocketKind
  /**
   * Ethernet source address. Default: by a port of a bridge, that of the neighbour with this source or of the only host
   * behind the port; else not known, and a rule that asks for it says so.
   */
  mac?: string
  /**
   * Ethernet destination address. Default: what the sender would write: of a broadcast or multicast address its own; by a
   * port of a bridge, that of the host itself for a destination in a subnet of the bridge that is no address of this host
   * (so the frame is bridged, to a port that is not known when the host's address is not); else the interface's (the bridge's).
   */
  mac_dst?: string
  /** What the driver made of the destination address. Default: as `mac_dst` says. */
  pkttype?: PacketType
  /**
   * Identification of the IPv4 header or the IPv6 fragment header, 0 to 4294967295: what a packet's fragments share; without,
   * a fragment belongs to no other.
   */
  ip_id?: number
  /**
   * IPv4: the bit "don't fragment". Default: rules that read it ask for it; routers may not cut whole packets, and may cut
   * pieces again. `frag` without 0x4000 says false, with it true.
   */
  df?: boolean
  /** IPv6, 0 to 1048575. */
  flow_label?: number
  /** Sequence number of an ICMP query or reply, 0 to 65535. */
  icmp_seq?: number
  /** Second word of an ICMP error (MTU, pointer …), 0 to 4294967295. */
  icmp_rest?: number
  /** The bytes after the layer-4 header in hex; `payload_len` is then their number. Not of ICMP errors that quote a packet. */
  payload?: string
  /** Absolute time in milliseconds, never less than the packet's before. Default: the clock stays. */
  at_ms?: number
}

/** A socket: bound to an address or to all (`wildcard`), and whether it is transparent (IP_TRANSPARENT). */
export type SocketKind = 'none' | 'bound' | 'wildcard' | 'transparent bound' | 'transparent wildcard'

/** `queue`: handed to a program that nobody knows (NFQUEUE); where none listens the kernel drops it. */
export type Verdict = 'forward' | 'out' | 'local' | 'reject' | 'drop' | 'queue' | 'skipped'
/** For this host, for all, for a group, for another host. */
export type PacketType = 'host' | 'broadcast' | 'multicast' | 'otherhost'

/** One step of the way, in order. Both engines give the same list. */
export type Step =
  | { step: 'hook'; hook: string }
  | {
      step: 'conntrack'
      state: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED'
      dir?: 'ORIGINAL' | 'REPLY'
    }
  /** `rule` counts from 1; the policy and the end of a user chain (`return`) are steps as TRACE lists them. */
  | { step: 'rule'; table: string; chain: string; rule: number | 'policy' | 'return' }
  /** Result of a route look-up. `type` is the route's; none found: `unreachable` with no `dst`. */
  | {
      step: 'route'
      why: 'input' | 'output' | 'reroute'
      type: string
      table?: number
      dst?: string
      dev?: string
      via?: string
    }
  /** A bridge gives the frame to a port, or, `local`, to the host. */
  | { step: 'bridge'; to: string }
  /** TEE: a copy goes to this gateway; what follows up to its end is the copy's way. */
  | { step: 'copy'; to: string }
  /** A binding was set up: the address (and port or id) before and after. */
  | { step: 'nat'; manip: 'DNAT' | 'SNAT'; from: string; to: string }

export interface Tuple {
  src: string
  dst: string
  /** Ports; of GRE the keys, which are 0 but for PPTP. */
  sport?: number
  dport?: number
  icmp_type?: number
  icmp_code?: number
  icmp_id?: number
}

export type CtStatus =
  | 'EXPECTED'
  | 'SEEN_REPLY'
  | 'ASSURED'
  | 'CONFIRMED'
  | 'SRC_NAT'
  | 'DST_NAT'
  | 'SEQ_ADJUST'
  | 'SRC_NAT_DONE'
  | 'DST_NAT_DONE'
  | 'FIXED_TIMEOUT'

/** What was counted in one direction; exact up to 2^53. */
export interface FlowCount {
  packets: number
  bytes: number
}

export interface ConntrackEntry {
  family: 'ipv4' | 'ipv6'
  proto: ProtoName
  protonum: number
  /** Seconds left, rounded down. */
  timeout: number
  /** TCP and SCTP only. */
  state?: string
  orig: Tuple
  reply: Tuple
  /** In the order of the type above. */
  status: CtStatus[]
  mark: number
  /** Left out when 0. */
  zone?: number
  /** Where connections are counted (nf_conntrack_acct); left out in an answer's `ct`. Bytes are those of whole IP packets. */
  counted?: { orig: FlowCount; reply: FlowCount }
  /** The conntrack helper that the entry had when it was listed; what a helper does to packets is not modelled. */
  helper?: string
}

/** Where a packet was dropped by something that is no rule. */
export type DropReason =
  | 'martian source'
  | 'martian destination'
  | 'rp_filter'
  | 'no route'
  | 'unreachable'
  | 'prohibit'
  | 'blackhole'
  | 'throw'
  | 'forwarding is off'
  | 'ttl exceeded'
  | 'too big'
  | 'nat: no free tuple'
  | 'nat: clash at confirmation'
  | 'nat: no address'
  | 'nat: interface changed'
  | 'conntrack table full'
  | 'multicast not for this host'
  | 'invalid source for sending'
  | 'not for this host'
  | 'bridge: port state'
  | 'bridge: source address'
  | 'bridge: no port'
  | 'fragment kept for reassembly'
  | 'fragments do not fit together'
  | 'taken by a socket'

export interface DroppedBy {
  table?: string
  chain?: string
  /** From 1, or `policy`. */
  rule?: number | 'policy'
  file?: string
  line?: number
  reason?: DropReason
}

/** What became of a packet. `in` is the packet as given; the header keys are those at the end of the way. */
export interface Answer extends Partial<Header> {
  id?: number | string
  verdict: Verdict
  in: Packet
  out_iface?: string
  /** The bridge port by which it left, when `out_iface` is a bridge and the port is known. */
  out_port?: string
  /** Ports by which frames of it left when a bridge flooded it, in their order. Present with `trace`. */
  flooded?: string[]
  in_iface?: string
  /** Mark at the end of POSTROUTING or INPUT. */
  mark?: number
  /** iptables' name of the answer, e.g. `icmp-port-unreachable`, `tcp-reset`. */
  reject_with?: string
  /** The answer that was sent; `out_iface` is `local` when it went to this host itself, the port of a bridge when it is known. */
  reply?: Header & { out_iface: string }
  /** What a sending process saw: EPERM, EHOSTUNREACH, EACCES, ENETUNREACH, EINVAL. */
  errno?: string
  /** Number of the queue, for `queue`; `dropped_by` is the rule. */
  queue?: number
  dropped_by?: DroppedBy
  /** The packet's connection after it; null: none. Present when asked for. */
  ct?: ConntrackEntry | null
  /** `table:CHAIN:rule:N`, `…:return`, `…:policy`. Present when asked for, like `trace_reply` and `steps`. */
  trace?: string[]
  trace_reply?: string[]
  steps?: Step[]
}
