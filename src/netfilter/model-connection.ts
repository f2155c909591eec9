// The rule model, continued: matches on what a connection has carried, and on how many connections there are.
// Spec: iptables-extensions(8) 1.8.9; include/uapi/linux/netfilter/xt_connbytes.h, xt_connlimit.h.

export type ConnectionMatch =
  | {
      readonly match: 'connbytes'
      /** What is measured: packets, bytes, or bytes a packet (rounded down). */
      readonly mode: 'packets' | 'bytes' | 'avgpkt'
      readonly dir: 'original' | 'reply' | 'both'
      /** 0..2^64-1 each. `from` above `to`: below `to` or above `from` (the kernel's way to negate). */
      readonly from: bigint
      readonly to: bigint
    }
  | {
      readonly match: 'connlimit'
      /** More connections than `limit`; else at most as many. */
      readonly above: boolean
      /** 0..2^32-1. */
      readonly limit: number
      /** Length of the prefix whose connections are counted together. */
      readonly mask: number
      readonly side: 'source' | 'dest'
    }
