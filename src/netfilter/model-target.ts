// The rule model, continued: targets that change header fields or take the packet elsewhere, and those that change nothing
// that is modelled here.
// Spec: iptables-extensions(8) 1.8.9.

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
