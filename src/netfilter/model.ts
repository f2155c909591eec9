// The rule model: iptables and ip6tables rules as plain data, in iptables' own words.
// Owns the types only. read.ts makes it from text, print.ts prints it, compile/ and reference/ evaluate it.
// Spec: iptables(8), iptables-extensions(8) 1.8.9; include/uapi/linux/netfilter/x_tables.h.
// Addresses are canonical text (`10.0.0.0/8`, `fd00::/64`); `Prefix` always carries its length.
// All names are literal strings as iptables prints them.

import type { ConnectionMatch } from './model-connection.js'
import type { ContextMatch } from './model-context.js'
import type { HeaderMatch } from './model-header.js'
import type { LimitMatch } from './model-limits.js'
import type { LinkMatch } from './model-link.js'
import type { ListedMatch } from './model-listed.js'
import type { NatRange, SetReference, Target } from './model-target.js'

export type Family = 'ipv4' | 'ipv6'
export type Backend = 'legacy' | 'nft'
export type TableName = 'raw' | 'mangle' | 'nat' | 'filter' | 'security'
export type HookName = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING'

/** `ADDRESS/LENGTH`, canonical and masked, e.g. `10.0.0.0/8`, `192.168.0.2/32`, `fd00::1/128`. A mask that is no prefix is `ADDRESS/MASK`. */
export type Prefix = string

/** Everything an `iptables-save` dump holds, one family. */
export interface Ruleset {
  readonly family: Family
  readonly backend: Backend
  /** The file it was read from, for messages; '' when it was built. */
  readonly file: string
  /** In the order of the text. A table stands here at most once. */
  readonly tables: readonly Table[]
}

export interface Table {
  readonly name: TableName
  /** Built-in and user chains in the order of the text. */
  readonly chains: readonly Chain[]
}

export interface Chain {
  readonly name: string
  /** The policy of a built-in chain; null for a user chain. */
  readonly policy: 'ACCEPT' | 'DROP' | null
  readonly counters: Counters
  readonly rules: readonly Rule[]
}

/** Packets and bytes, each 0..2^64-1. */
export interface Counters {
  readonly packets: bigint
  readonly bytes: bigint
}

export interface Negatable<T> {
  readonly not: boolean
  readonly value: T
}

/** An inclusive range; `from === to` is a single value. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** value/mask as in `--mark 0x1/0xff`; mask 0xffffffff when none was written. */
export interface Masked {
  readonly value: number
  readonly mask: number
}

export interface Rule {
  readonly src?: Negatable<Prefix>
  readonly dst?: Negatable<Prefix>
  /** Interface name; a trailing `+` matches any name that begins so. */
  readonly inIface?: Negatable<string>
  readonly outIface?: Negatable<string>
  /** Protocol number, 1..255 (0 = all is left out). */
  readonly proto?: Negatable<number>
  /** `-f`: second and further fragments (IPv4). */
  readonly fragment?: Negatable<true>
  /** In the order written; evaluation goes from left to right and stops at the first that does not match. */
  readonly matches: readonly Match[]
  /** Absent: the rule only counts. */
  readonly target?: Target
  readonly counters?: Counters
  /** Line in `file`, from 1; 0 when built. */
  readonly line: number
  /** The file it came from, when that is not `Ruleset.file` (it was restored later). */
  readonly file?: string
}

export type SetDirection = 'src' | 'dst'

/** `--packets-eq 5` and the like; `ne` is written `! --packets-eq`. */
export interface SetCounterTest {
  readonly op: 'eq' | 'ne' | 'lt' | 'gt'
  /** 0..2^64-1. */
  readonly value: bigint
}

export type Match =
  | { readonly match: 'comment'; readonly comment: string }
  | {
      readonly match: 'tcp'
      readonly sport?: Negatable<Range>
      readonly dport?: Negatable<Range>
      /** Bits: FIN 1 SYN 2 RST 4 PSH 8 ACK 16 URG 32. `--syn` is mask FIN,SYN,RST,ACK comp SYN. */
      readonly flags?: Negatable<{ readonly mask: number; readonly comp: number }>
      readonly option?: Negatable<number>
    }
  | { readonly match: 'udp'; readonly sport?: Negatable<Range>; readonly dport?: Negatable<Range> }
  | {
      readonly match: 'sctp'
      readonly sport?: Negatable<Range>
      readonly dport?: Negatable<Range>
      readonly chunks?: Negatable<{
        readonly how: 'all' | 'any' | 'only'
        /** Chunk type numbers; `flags` as written, e.g. `Be`. */
        readonly types: readonly { readonly type: number; readonly flags?: string }[]
      }>
    }
  | {
      /** ICMP and ICMPv6. type 255 with codes 0-255 is `any` (IPv4 only). */
      readonly match: 'icmp' | 'icmp6'
      readonly type: Negatable<{ readonly type: number; readonly codes: Range }>
    }
  | {
      readonly match: 'conntrack'
      readonly ctstate?: Negatable<readonly CtStateName[]>
      readonly ctproto?: Negatable<number>
      readonly ctorigsrc?: Negatable<Prefix>
      readonly ctorigdst?: Negatable<Prefix>
      readonly ctreplsrc?: Negatable<Prefix>
      readonly ctrepldst?: Negatable<Prefix>
      readonly ctorigsrcport?: Negatable<Range>
      readonly ctorigdstport?: Negatable<Range>
      readonly ctreplsrcport?: Negatable<Range>
      readonly ctrepldstport?: Negatable<Range>
      readonly ctstatus?: Negatable<readonly ('NONE' | 'EXPECTED' | 'SEEN_REPLY' | 'ASSURED' | 'CONFIRMED')[]>
      /** Seconds left. */
      readonly ctexpire?: Negatable<Range>
      readonly ctdir?: 'ORIGINAL' | 'REPLY'
    }
  | { readonly match: 'state'; readonly state: Negatable<readonly CtStateName[]> }
  | { readonly match: 'mark'; readonly mark: Negatable<Masked> }
  | { readonly match: 'connmark'; readonly mark: Negatable<Masked> }
  | {
      readonly match: 'addrtype'
      readonly srcType?: Negatable<readonly AddrTypeName[]>
      readonly dstType?: Negatable<readonly AddrTypeName[]>
      readonly limitIface?: 'in' | 'out'
    }
  | {
      readonly match: 'statistic'
      readonly mode: 'random'
      readonly not: boolean
      /** The kernel's 31-bit fixed point: round(p * 2^31), 0..2^31. iptables prints value / 2^31 with 11 decimals. */
      readonly probability: number
    }
  | {
      readonly match: 'statistic'
      readonly mode: 'nth'
      readonly not: boolean
      readonly every: number
      readonly packet: number
    }
  | {
      readonly match: 'recent'
      readonly op: 'set' | 'rcheck' | 'update' | 'remove'
      readonly not: boolean
      readonly name: string
      readonly side: 'source' | 'dest'
      readonly mask: string
      readonly seconds?: number
      readonly reap?: boolean
      readonly hitcount?: number
      readonly rttl?: boolean
    }
  | {
      readonly match: 'multiport'
      readonly on: 'sports' | 'dports' | 'ports'
      readonly not: boolean
      readonly ports: readonly Range[]
    }
  | {
      readonly match: 'iprange'
      readonly src?: Negatable<{ readonly from: string; readonly to: string }>
      readonly dst?: Negatable<{ readonly from: string; readonly to: string }>
    }
  | {
      readonly match: 'set'
      readonly not: boolean
      readonly name: string
      /** One to six; a set uses as many as its type has parts, and matches nothing when there are fewer. */
      readonly dirs: readonly SetDirection[]
      readonly returnNomatch?: boolean
      /** `! --update-counters`: the element's counters stay. */
      readonly keepCounters?: boolean
      /** `! --update-subcounters`: those of the members of a list stay. */
      readonly keepSubcounters?: boolean
      /** Compared with the element's counters, after this packet is counted. */
      readonly packets?: SetCounterTest
      readonly bytes?: SetCounterTest
    }
  | {
      readonly match: 'limit'
      /** Packets per `unit`. */
      readonly rate: number
      readonly unit: 'sec' | 'min' | 'hour' | 'day'
      readonly burst: number
    }
  | {
      readonly match: 'physdev'
      readonly in?: Negatable<string>
      readonly out?: Negatable<string>
      readonly isIn?: Negatable<true>
      readonly isOut?: Negatable<true>
      readonly isBridged?: Negatable<true>
    }
  | { readonly match: 'nfacct'; readonly name: string }
  | ConnectionMatch
  | HeaderMatch
  | ContextMatch
  | LimitMatch
  | LinkMatch
  | ListedMatch

export type CtStateName = 'INVALID' | 'NEW' | 'ESTABLISHED' | 'RELATED' | 'UNTRACKED' | 'SNAT' | 'DNAT'
export type AddrTypeName =
  | 'UNSPEC'
  | 'UNICAST'
  | 'LOCAL'
  | 'BROADCAST'
  | 'ANYCAST'
  | 'MULTICAST'
  | 'BLACKHOLE'
  | 'UNREACHABLE'
  | 'PROHIBIT'
  | 'THROW'
  | 'NAT'
  | 'XRESOLVE'

export type { NatRange, SetReference, Target }

/** The built-in chains of each table, in the order of the hooks. */
export const BUILTIN_CHAINS: Readonly<Record<TableName, readonly HookName[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
}
