// The rule model, continued: matches that count and limit: quota, hashlimit.
// Spec: iptables-extensions(8) 1.8.9; include/uapi/linux/netfilter/xt_hashlimit.h (revision 3).

export type HashlimitPart = 'srcip' | 'srcport' | 'dstip' | 'dstport'

export type LimitMatch =
  | {
      readonly match: 'quota'
      readonly not: boolean
      /** Bytes, 0..2^64-1. */
      readonly quota: bigint
    }
  | {
      readonly match: 'hashlimit'
      /** `--hashlimit-above`; else `--hashlimit-upto`. */
      readonly not: boolean
      /** The rate is in bytes, else in packets. */
      readonly bytes: boolean
      /** As the kernel keeps it. Packets: microseconds from one to the next. Bytes: 0xffffffff / (rate / 16 + 1). */
      readonly avg: number
      /** Packets: 1..1000000. Bytes: how often the credit of a second may be filled up at once; 0 = no burst was given. */
      readonly burst: number
      /** What the limit is kept for; in the order of the type. */
      readonly mode: readonly HashlimitPart[]
      /** Of the table, which all rules of the family that name it share; the first one's options hold. */
      readonly name: string
      /** Buckets and entries of the table, 0..1048576; 0 = the kernel's choice. */
      readonly size: number
      readonly max: number
      /** Milliseconds. */
      readonly gcInterval: number
      readonly expire: number
      /** Prefix lengths; absent: the whole address. */
      readonly srcMask?: number
      readonly dstMask?: number
      /** `--hashlimit-rate-match`: seconds over which the rate is measured. */
      readonly rateInterval?: number
    }
