// The rule model, continued: targets.
// Spec: iptables-extensions(8) 1.8.9.
import type { Prefix, Range, SetDirection } from './model.js'

/** A set that the target SET works on, with the packet's sides in the order of the set's parts. */
export interface SetReference {
  readonly name: string
  readonly dirs: readonly SetDirection[]
}

/** Where NAT may translate to. Absent `from`/`to`: the address stays (only ports change). */
export interface NatRange {
  readonly from?: string
  readonly to?: string
  readonly ports?: Range
  /** `--to-destination A:p-q/base`: ports keep their distance to `base`. */
  readonly basePort?: number
  readonly random?: boolean
  readonly randomFully?: boolean
  readonly persistent?: boolean
}

export type Target =
  | { readonly target: 'jump'; readonly chain: string }
  | { readonly target: 'goto'; readonly chain: string }
  | { readonly target: 'ACCEPT' | 'DROP' | 'RETURN' }
  | { readonly target: 'REJECT'; readonly with: string }
  | { readonly target: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT'; readonly range: NatRange }
  /** The bits of the address under the prefix's mask become the prefix's; the others stay. */
  | { readonly target: 'NETMAP'; readonly to: Prefix }
  /** IPv6, without conntrack (RFC 6296): the prefix is replaced, checksum-neutrally. Lengths of at most 64. */
  | { readonly target: 'SNPT' | 'DNPT'; readonly srcPrefix: Prefix; readonly dstPrefix: Prefix }
  /** `(mark & ~mask) ^ value`; `--set-mark`, `--and-mark`, `--or-mark`, `--xor-mark` are forms of it. */
  | { readonly target: 'MARK'; readonly value: number; readonly mask: number }
  | {
      readonly target: 'CONNMARK'
      readonly op: 'set' | 'save' | 'restore'
      /** set: `(ctmark & ~ctmask) ^ value`. */
      readonly value: number
      readonly ctmask: number
      readonly nfmask: number
      /** What is set, saved or restored is shifted to the left (above 0) or right by so many bits, -31..31; absent: not. */
      readonly shift?: number
    }
  | {
      readonly target: 'LOG'
      readonly level: number
      readonly prefix?: string
      readonly tcpSequence?: boolean
      readonly tcpOptions?: boolean
      readonly ipOptions?: boolean
      readonly uid?: boolean
      readonly macdecode?: boolean
    }
  | {
      readonly target: 'NFLOG'
      readonly group: number
      readonly prefix?: string
      readonly size?: number
      readonly range?: number
      readonly threshold?: number
    }
  | {
      readonly target: 'CT'
      readonly notrack?: boolean
      readonly helper?: string
      readonly timeout?: string
      readonly ctevents?: readonly string[]
      readonly expevents?: readonly string[]
      readonly zone?: number | 'mark'
      readonly zoneOrig?: number | 'mark'
      readonly zoneReply?: number | 'mark'
    }
  | { readonly target: 'NOTRACK' }
  | { readonly target: 'TCPMSS'; readonly mss: number | 'clamp-to-pmtu' }
  | { readonly target: 'CHECKSUM' }
  | {
      /** Adds, deletes, then maps: each where it is given, at least one. */
      readonly target: 'SET'
      readonly add?: SetReference & {
        /** What is there already is renewed. */
        readonly exist?: boolean
        /** Seconds, 0 for ever; absent: the set's own. */
        readonly timeout?: number
      }
      readonly del?: SetReference
      /** What the element says is given to the packet; priority and queue are nothing that is modelled. */
      readonly map?: SetReference & {
        readonly mark?: boolean
        readonly prio?: boolean
        readonly queue?: boolean
      }
    }
  | OtherTarget

export type HeaderTarget =
  /** TTL: IPv4's; HL: IPv6's hop limit. `inc` stops at 255, `dec` at 0. */
  | { readonly target: 'TTL' | 'HL'; readonly op: 'set' | 'inc' | 'dec'; readonly value: number }
  /** 0..63, in the place of the upper six bits of the TOS byte. */
  | { readonly target: 'DSCP'; readonly dscp: number }
  /** `(tos & ~mask) ^ value`; `--and-tos`, `--or-tos`, `--xor-tos` are forms of it. */
  | { readonly target: 'TOS'; readonly value: number; readonly mask: number }
  | {
      readonly target: 'ECN'
      /** What TCP's ECE and CWR bits become; `--ecn-tcp-remove` is 0 for both. */
      readonly ece?: 0 | 1
      readonly cwr?: 0 | 1
      /** The IP header's codepoint, 0..3. */
      readonly ect?: number
    }
  | {
      readonly target: 'HMARK'
      /** Lengths of the prefixes of source and destination that count; absent: they do not count. */
      readonly srcPrefix?: number
      readonly dstPrefix?: number
      readonly sportMask?: number
      readonly dportMask?: number
      /** In place of both port masks. */
      readonly spiMask?: number
      /** ORed to what the masks leave. */
      readonly sport?: number
      readonly dport?: number
      readonly spi?: number
      readonly protoMask?: number
      readonly rnd: number
      /** The mark is `hash % mod + offset`. */
      readonly mod: number
      readonly offset?: number
      /** Addresses and ports are those of the connection's original and reply tuple. */
      readonly ct?: true
    }

export type DivertingTarget =
  | {
      readonly target: 'NFQUEUE'
      readonly queue: number
      /** `--queue-balance queue:to`: one of these queues. */
      readonly to?: number
      /** Without a listener the packet goes on. */
      readonly bypass?: true
      readonly cpuFanout?: true
    }
  | { readonly target: 'TEE'; readonly gateway: string; readonly oif?: string }
  /** A socket at `ip` (0.0.0.0, ::: the address of the in interface) and `port` (0: the packet's) takes the packet. */
  | {
      readonly target: 'TPROXY'
      readonly port: number
      readonly ip: string
      readonly value: number
      readonly mask: number
    }
  | {
      readonly target: 'SYNPROXY'
      readonly sackPerm?: true
      readonly timestamp?: true
      readonly wscale?: number
      readonly mss?: number
      readonly ecn?: true
    }

export type IdleTarget =
  | { readonly target: 'TRACE' }
  | { readonly target: 'AUDIT'; readonly type: 'accept' | 'drop' | 'reject' }
  | { readonly target: 'CLASSIFY'; readonly major: number; readonly minor: number }
  | { readonly target: 'CONNSECMARK'; readonly op: 'save' | 'restore' }
  | { readonly target: 'SECMARK'; readonly context: string }
  | { readonly target: 'IDLETIMER'; readonly timeout: number; readonly label: string; readonly alarm?: true }
  | {
      readonly target: 'LED'
      readonly trigger: string
      /** Milliseconds; 0xffffffff: for ever. */
      readonly delay?: number
      readonly alwaysBlink?: true
    }
  /** Interval: 250 ms << interval (0..5); the average covers interval << log. */
  | { readonly target: 'RATEEST'; readonly name: string; readonly interval: number; readonly log: number }
  /** Option numbers 2..255, ascending. */
  | { readonly target: 'TCPOPTSTRIP'; readonly options: readonly number[] }

export type OtherTarget = HeaderTarget | DivertingTarget | IdleTarget
