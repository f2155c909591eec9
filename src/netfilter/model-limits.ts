// The rule model, continued: matches that count and limit: quota.
// Spec: iptables-extensions(8) 1.8.9.

export type LimitMatch = {
  readonly match: 'quota'
  readonly not: boolean
  /** Bytes, 0..2^64-1. */
  readonly quota: bigint
}
