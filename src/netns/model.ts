// One network namespace as plain, complete, readable data: what compile/ and reference/ evaluate.
// Owns the types. The readers fill in what is missing and say so in `assumed`, so nothing here is optional that the
// kernel always has: every route, policy rule, address and sysctl that counts is written out.
// Kernel: net/ipv4/devinet.c, fib_frontend.c, fib_rules.c; net/ipv6/addrconf.c; net/core/sysctl_net_core.c.
import type { ConntrackEntry } from '../net/packet.js'
import type { Family, Masked, Prefix, Range, Ruleset } from '../netfilter/model.js'

export interface Address {
  /** Canonical text, no length. */
  readonly address: string
  readonly prefixLength: number
  readonly family: Family
  /** RT_SCOPE of the address. */
  readonly scope: 'global' | 'site' | 'link' | 'host'
  /** IPv4: set when the kernel treats it as secondary (same subnet as an earlier one). */
  readonly secondary?: boolean
  /** IPv6: no longer preferred; others are sent from when there are some. */
  readonly deprecated?: boolean
  /** IPv6: a temporary one (RFC 8981); others are sent from (it is what `use_tempaddr` 2 prefers). */
  readonly temporary?: boolean
  /** IPv6: not known to be nobody else's: nothing is sent from it. */
  readonly tentative?: boolean
  readonly broadcast?: string
  /** Point-to-point: the other end; the connected route then leads there. */
  readonly peer?: string
}

export interface Link {
  readonly name: string
  /** ifindex, unique, from 1. */
  readonly index: number
  readonly up: boolean
  readonly loopback: boolean
  /** `bridge`, `veth`, `vxlan`, `tun` …; '' when unknown. */
  readonly kind: string
  /** Name of the bridge (or bond, VRF …) it is a port of. */
  readonly master?: string
  /** Ethernet address; none: the interface carries no Ethernet (tun, lo …). */
  readonly mac?: string
  /** Of a bridge; left out: as a new bridge has it. */
  readonly bridge?: Bridge
  /** Of a bridge's port; left out: as a new port has it. */
  readonly port?: BridgePort
  readonly mtu: number
  /** false: the interface has no MULTICAST flag. */
  readonly multicast?: boolean
  /** true: it has the NOARP flag (a TUN device, a tunnel): nobody's address is solicited there. */
  readonly noarp?: boolean
  /** Number of the interface's group; left out: 0. */
  readonly group?: number
  /** In the kernel's order (`ip addr`). */
  readonly addresses: readonly Address[]
}

/** Settings of a bridge (`ip -d link`, info_data). */
export interface Bridge {
  /** Bridged packets meet iptables, whatever the sysctl says. */
  readonly nfCallIptables: boolean
  readonly nfCallIp6tables: boolean
  readonly vlanFiltering: boolean
  /** How long a learned address is remembered, milliseconds. */
  readonly ageingMs: number
}

/** How a port of a bridge treats frames (`bridge -d link`). */
export interface BridgePort {
  readonly state: 'disabled' | 'listening' | 'learning' | 'forwarding' | 'blocking'
  /** Frames may leave by the port they came by. */
  readonly hairpin: boolean
  /** Nothing goes from one isolated port to another. */
  readonly isolated: boolean
  readonly learning: boolean
  /** Frames to unknown, multicast and broadcast addresses leave by this port. */
  readonly flood: boolean
  readonly mcastFlood: boolean
  readonly bcastFlood: boolean
  /** Its number in the bridge, from 1: frames are flooded to higher numbers first. */
  readonly number: number
}

/** An entry of a bridge's forwarding database. */
export interface FdbEntry {
  readonly bridge: string
  readonly mac: string
  /** The port behind which it is; of the bridge's own address the bridge. */
  readonly port: string
  /** An address of the bridge itself: frames to it are for the host. */
  readonly local: boolean
  /** Learned: forgotten when its time is over. */
  readonly ages: boolean
  /** Does not move to another port when it is seen there. */
  readonly sticky: boolean
}

/** Which Ethernet address an IP address has on an interface. */
export interface Neighbour {
  readonly dev: string
  readonly address: string
  readonly mac: string
}

export type RouteType =
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'unreachable'
  | 'prohibit'
  | 'blackhole'
  | 'throw'

export interface NextHop {
  readonly dev?: string
  readonly via?: string
  /** 1..256. */
  readonly weight: number
}

export interface Route {
  readonly family: Family
  /** 255 local, 254 main, 253 default. */
  readonly table: number
  readonly type: RouteType
  readonly dst: Prefix
  /** At least one for unicast, local, broadcast, anycast and multicast; none for the others. */
  readonly nextHops: readonly NextHop[]
  readonly prefsrc?: string
  /** Lower wins; 0 for IPv4's default, 1024 for IPv6's. */
  readonly metric: number
  readonly scope: 'global' | 'site' | 'link' | 'host' | 'nowhere'
  /** 0: any. */
  readonly tos: number
  /** Longest packet that leaves by it, in bytes; left out: as the interface has it. */
  readonly mtu?: number
}

export interface PolicyRule {
  readonly family: Family
  readonly priority: number
  readonly not: boolean
  readonly from?: Prefix
  readonly to?: Prefix
  readonly iif?: string
  readonly oif?: string
  readonly fwmark?: { readonly value: number; readonly mask: number }
  readonly tos?: number
  readonly ipproto?: number
  readonly sport?: Range
  readonly dport?: Range
  /** Of the sending process; what is forwarded and what the kernel itself sends counts as 0. */
  readonly uidRange?: Range
  readonly action:
    | {
        readonly type: 'table'
        readonly table: number
        /** A route to a prefix of at most so many bits counts as not found. */
        readonly suppressPrefixLength?: number
        /** A route whose first hop is by an interface of this group counts as not found. */
        readonly suppressIfgroup?: number
      }
    | { readonly type: 'unreachable' | 'prohibit' | 'blackhole' }
    | { readonly type: 'goto'; readonly priority: number }
    | { readonly type: 'nop' }
}

/** One part of a set element; a set's type says which parts in which order. */
export type SetPart =
  | { readonly part: 'net'; readonly prefix: Prefix }
  | { readonly part: 'port'; readonly proto: number; readonly port: number }
  | {
      readonly part: 'iface'
      readonly name: string
      /** Written `physdev:NAME`: a bridge port. The kernel compares it with nothing that a rule can ask for. */
      readonly physdev?: boolean
      /** Any interface whose name begins so. */
      readonly wildcard?: boolean
    }
  | { readonly part: 'mac'; readonly mac: string }
  | { readonly part: 'mark'; readonly mark: number }
  | { readonly part: 'set'; readonly name: string }

export interface SetEntry {
  readonly parts: readonly SetPart[]
  readonly nomatch: boolean
  /** Seconds from the start of the clock; absent: for ever. */
  readonly timeout?: number
  /** Of sets with `counters`; absent: 0. */
  readonly packets?: bigint
  readonly bytes?: bigint
  readonly comment?: string
  /** Of sets with `skbinfo`: what `SET --map-set` gives to a packet; absent: mark 0/0, priority 0, queue 0. */
  readonly skbmark?: Masked
  readonly skbprio?: number
  readonly skbqueue?: number
}

export interface IpSet {
  readonly name: string
  /** As ipset has it, e.g. `hash:ip,port`, `bitmap:port`, `list:set`. */
  readonly type: string
  /** Of what it holds; of no meaning for bitmap:port, hash:mac and list:set. */
  readonly family: Family
  /** In the order in which they were added; the members of a list in theirs. */
  readonly entries: readonly SetEntry[]
  /** Options of `create` with their values, '' for those without one. */
  readonly options: Readonly<Record<string, string>>
}

/** A connection that exists at the start; `entry.timeout` seconds are left at clock 0. */
export type ExistingConnection = ConntrackEntry

export interface NetworkNamespace {
  readonly name: string
  readonly links: readonly Link[]
  /** All tables of both families. */
  readonly routes: readonly Route[]
  /** By priority, both families. */
  readonly policyRules: readonly PolicyRule[]
  /** At most one a family; none: no iptables rules. */
  readonly rulesets: readonly Ruleset[]
  readonly sets: readonly IpSet[]
  /** Only what was given: dotted keys, values as text. See sysctl.ts for the values that hold. */
  readonly sysctls: Readonly<Record<string, string>>
  readonly connections: readonly ExistingConnection[]
  /** Forwarding databases of the bridges, beside the addresses of bridges and ports themselves. Left out: empty. */
  readonly fdb?: readonly FdbEntry[]
  /** Neighbours whose Ethernet address is known. Left out: none. */
  readonly neighbours?: readonly Neighbour[]
  /** Conntrack runs although no rule needs it. */
  readonly forceConntrack: boolean
  /** Each assumption that was made to complete the data, one sentence each. */
  readonly assumed: readonly string[]
}
