// What a connection has carried, by direction; and the match that compares it. Counted where a tracker lets a packet keep
// its connection alive. Kernel: net/netfilter/nf_conntrack_acct.c, nf_conntrack_core.c (__nf_ct_refresh_acct,
// nf_ct_kill_acct), xt_connbytes.c.
import {
  CONNBYTES_AVERAGE,
  CONNBYTES_BYTES,
  CONNBYTES_ORIGINAL,
  CONNBYTES_REPLY,
  CT_COUNTS_OFF,
  CT_STATUS_OFF,
  CTX_CT_AT,
  CTX_LENGTH_AT,
  IPS_COUNTED,
} from './layout'
import { Table } from './table'

export class Accounting {
  /** The packet in the context went that way. */
  static count(ct: usize, direction: u32): void {
    if ((load<u32>(ct + CT_STATUS_OFF) & IPS_COUNTED) === 0) return
    const at = Table.coldOf(ct) + CT_COUNTS_OFF + ((<usize>direction) << 4)
    store<u64>(at, load<u64>(at) + 1)
    store<u64>(at, load<u64>(at, 8) + (load<u32>(CTX_LENGTH_AT) as u64), 8)
  }

  /** One of a connection's counters, of one direction or of both. */
  private static sum(at: usize, what: u32): u64 {
    let sum: u64 = 0
    if ((what & CONNBYTES_ORIGINAL) !== 0) sum += load<u64>(at)
    if ((what & CONNBYTES_REPLY) !== 0) sum += load<u64>(at, 16)
    return sum
  }

  /** The match `connbytes`; `at` is its first word. */
  static match(at: usize): bool {
    const ct = <usize>load<u32>(CTX_CT_AT)
    if (ct === 0 || (load<u32>(ct + CT_STATUS_OFF) & IPS_COUNTED) === 0) return false
    const what = load<u32>(at, 4)
    const counts = Table.coldOf(ct) + CT_COUNTS_OFF
    const packets = Accounting.sum(counts, what)
    let value = packets
    if ((what & (CONNBYTES_BYTES | CONNBYTES_AVERAGE)) !== 0) {
      value = Accounting.sum(counts + 8, what)
      if ((what & CONNBYTES_AVERAGE) !== 0) value = packets === 0 ? 0 : value / packets
    }
    const from = load<u64>(at, 8)
    const to = load<u64>(at, 16)
    return from <= to ? value >= from && value <= to : value < to || value > from
  }
}
