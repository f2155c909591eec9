// The words of the naive engine: a packet on its way, a connection, a route that was found, and the state that all
// files share. Owns the types only. The names follow the kernel's: a packet is what an skb is, `World` is a struct net.

import type { Answer, DroppedBy, DropReason, Packet, PacketType, Step } from '../net/packet.js'
import type { Family, HookName, Ruleset, TableName } from '../netfilter/model.js'
import type { NetworkNamespace, NextHop, RouteType } from '../netns/model.js'
import type { WallClock } from '../netns/wall-clock.js'
import type { CountedLists } from './connlimit.js'
import type { ConntrackTable } from './conntrack-table.js'
import type { Fragments } from './defrag.js'
import type { Ether } from './ether.js'
import type { Bridges } from './fdb.js'
import type { LimitStates } from './match-limits.js'
import type { PacketDraws } from './prf.js'
import type { RecentLists } from './recent.js'
import type { IpSets } from './set.js'

export type CtStateNow = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED'
/** 0: ORIGINAL, 1: REPLY. */
export type Direction = 0 | 1
export type Manip = 'SRC' | 'DST'

/** Which packets belong together. Ports for protocols that have them; `type`, `code`, `id` for ICMP. */
export interface FlowTuple {
  readonly src: string
  readonly dst: string
  /** Protocol number. */
  readonly proto: number
  readonly sport?: number
  readonly dport?: number
  readonly type?: number
  readonly code?: number
  readonly id?: number
}

/** A conntrack zone and the directions in which it counts (0 in the other). */
export interface Zone {
  readonly id: number
  readonly directions: 'both' | 'original' | 'reply'
}

/** What the TCP tracker remembers of one direction: the kernel's ip_ct_tcp_state. Numbers are u32 and wrap. */
export interface TcpSide {
  /** Highest segment end this side sent. */
  end: number
  /** Highest segment end that the other side's window allows. */
  maxEnd: number
  /** Largest window this side offered; 0: nothing is known of this side. */
  maxWin: number
  /** Highest acknowledgement this side sent; null: none yet. */
  maxAck: number | null
  /** Window scale. */
  scale: number
  windowScale: boolean
  sackPermitted: boolean
  unacked: boolean
  /** This direction's FIN took the flow to FIN_WAIT. */
  closeInit: boolean
  /** Segments of this side are never called out of the window. */
  liberal: boolean
}

/** The segment remembered last; each part is noted at its own occasion. */
export interface TcpLast {
  index: string
  dir: Direction
  seq: number
  ack: number
  end: number
  win: number
  /** Options of an ignored SYN. */
  scale: number
  windowScale: boolean
  sackPermitted: boolean
}

/** Packets, and bytes of whole IP packets; 64 bits that wrap. */
export interface Count {
  packets: bigint
  bytes: bigint
}

export interface Connection {
  readonly family: Family
  readonly proto: number
  readonly zone: Zone
  /** Original and reply. NAT changes the reply tuple before the entry is confirmed. */
  tuples: [FlowTuple, FlowTuple]
  confirmed: boolean
  /** Removed from the table before its time. */
  killed: boolean
  seenReply: boolean
  assured: boolean
  srcNat: boolean
  dstNat: boolean
  srcNatDone: boolean
  dstNatDone: boolean
  /** Bits that only loaded entries have. */
  otherStatus: readonly string[]
  fixedTimeout: boolean
  /** What was counted, by direction; null: it began when connections were not counted. */
  counted: readonly [Count, Count] | null
  /** Its conntrack helper. */
  helper: string | undefined
  /** Labels that rules gave it, as they are printed; null: it began when no rule asked for labels. */
  readonly labels: Set<string> | null
  mark: number
  /** Clock at which it ends. */
  endMs: number
  /** Length of the timeout set last, ms: counts from confirm for a new entry. */
  timeoutMs: number
  createdMs: number
  /** TCP or SCTP state. */
  state: string
  tcp: {
    sides: [TcpSide, TcpSide]
    last: TcpLast
    retransmits: number
    /** The next ACK of the other side may be a challenge for an ignored SYN. */
    challenge: boolean
    /** Both sides opened at once. */
    simultaneous: boolean
  }
  /** Verification tags by direction (0: none yet, null: unknown), who sent an INIT, and who a heartbeat with a new tag. */
  sctp: { tags: [number | null, number | null]; init: [boolean, boolean]; heartbeatFailed: Direction | null }
  /** The interface MASQUERADE chose the address of. */
  masqueradedBy: string | null
}

/** What a look-up found. `error`: the kernel's verdict for a route that leads nowhere. */
export interface RouteResult {
  readonly type: RouteType
  readonly table?: number
  readonly dst?: string
  readonly hop?: NextHop
  /** All next hops of the route found. */
  readonly hops?: readonly NextHop[]
  readonly prefsrc?: string
  /** Of the route; undefined: as the interface has it. */
  readonly mtu?: number
  /** 'none': nothing matched. */
  readonly outcome: 'route' | 'none' | 'unreachable' | 'prohibit' | 'blackhole' | 'forwarding is off'
}

/** A packet on its way. */
export interface Skb {
  readonly family: Family
  /** The header as it stands; `iface` inside it is only where it first came from. */
  packet: Packet
  mark: number
  inIface: string | null
  outIface: string | null
  route: RouteResult | null
  connection: Connection | null
  /** null: conntrack has not looked yet. INVALID and UNTRACKED have no connection. */
  state: CtStateNow | null
  dir: Direction
  /** Set by `-j CT --zone`: the zone for conntrack to use. */
  template: Zone | null
  /** Likewise: the helper and the timeout policy of a new connection. */
  attached?: { readonly helper?: string; readonly timeout?: string } | undefined
  /** Bytes of the longest piece that it was put together of; undefined: it came whole. */
  longest?: number
  /** TPROXY gave it to a socket: it is not forwarded. */
  taken?: boolean
  /** Sent by this host to answer another packet. */
  readonly isAnswer: boolean
  /** A frame for another host, while hooks see it as if it were for this one. */
  forOther?: boolean
  /** A copy of TEE: it has no sender. */
  readonly isCopy?: true
  /** An answer to a link-local address goes by this interface only. */
  readonly bound: string | null
  /** Sent by this host (answers too). */
  readonly fromHere: boolean
  /** What sends it: a process of this host, the kernel (ICMP errors), or nothing here. */
  readonly socket: 'process' | 'kernel' | 'none'
  /** Its Ethernet header; null: the device it is on has none. */
  ether: Ether | null
  pktType: PacketType
  /** The bridge ports that rules may ask for; null: it met iptables without a bridge. `unknown`: it leaves by one, which is not known. */
  bridged: { readonly physIn: string; readonly physOut: string | null } | null
  /** The bridge port by which it left. */
  outPort: string | null
  /** Zone in which conntrack looked, for the answer's `ct`. */
  zone: Zone
}

export type HookResult = { readonly ok: true } | { readonly ok: false; readonly by: DroppedBy; readonly errno?: string }

/** Where trace lines and steps go. */
export interface Recorder {
  steps: Step[]
  trace: string[]
  traceReply: string[]
  /** Ports by which frames left that a bridge flooded, in their order. */
  flooded: string[]
}

/** The evaluation state of one namespace. */
export interface World {
  ns: NetworkNamespace
  readonly seed: bigint
  rulesets: ReadonlyMap<Family, LiveRuleset>
  conntrackOn: ReadonlySet<Family>
  /** What the packet being processed completed, when it was a fragment. */
  whole: Packet | null
  /** Families whose packets are put together before the rules. */
  reassembled: ReadonlySet<Family>
  readonly fragments: Fragments
  readonly table: ConntrackTable
  readonly bridges: Bridges
  /** Bridged packets meet iptables (br_netfilter). */
  readonly bridgeCalls: { readonly ipv4: boolean; readonly ipv6: boolean }
  readonly recent: RecentLists
  readonly sets: IpSets
  readonly limits: LimitStates
  /** Some rule asks for labels of connections. */
  labelled: boolean
  /** What rules of connlimit have met. */
  readonly counted: CountedLists
  /** The wall clock at clock 0; undefined: not given. */
  readonly wallClock: WallClock | undefined
  /** Per rule state of `limit` and `statistic nth`, by the match object. */
  readonly counters: Map<object, { value: number; at: number }>
  now: number
  /** Fresh for each packet. */
  draws: PacketDraws
  recorder: Recorder
  /** The packet that is being processed, as given. */
  given: Packet | null
  /** An answer that left or arrived, for the packet being processed. */
  sent: { answer: Answer['reply']; with: string } | null
  /** Sends an answer (RST, ICMP error) of this host on its way. */
  send: (answer: Packet, cause: Skb, how: AnswerKind) => void
  /** Sends a copy of a packet on its way to a gateway. */
  copy: (cause: Skb, gateway: string, hook: HookName) => void
  /** A copy is on its way: it is not copied again. */
  copying: boolean
}

/** How an answer finds its way: an ICMP error chooses its source by the route back, a RST keeps the one it has. */
export interface AnswerKind {
  readonly name: string
  /** The interface by which alone it goes. */
  readonly bound?: string
}

/** A rule set with its counters as they stand. */
export interface LiveRuleset {
  readonly ruleset: Ruleset
  /** packets and bytes by rule object or chain object (policy). */
  readonly hits: Map<object, { packets: bigint; bytes: bigint }>
  readonly chains: ReadonlyMap<TableName, ReadonlyMap<string, import('../netfilter/model.js').Chain>>
}

export type { DroppedBy, DropReason, Family, HookName, TableName }
