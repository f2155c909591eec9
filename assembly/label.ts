// Matches on what is only known of a connection: its labels, and the node of a cluster that its source belongs to.
// Kernel: net/netfilter/xt_connlabel.c, nf_conntrack_labels.c, xt_cluster.c (of a little-endian machine).
import { Address } from './address'
import { Jhash } from './jhash'
import {
  CONNLABEL_SET,
  CT_LABELS_OFF,
  CT_STATUS_OFF,
  CTX_CT_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_PKTTYPE_AT,
  IPS_LABELLED,
  MATCH_NOT,
  PKTTYPE_HOST,
  PKTTYPE_MULTICAST,
  TUPLE_SRC_OFF,
} from './layout'
import { Table } from './table'

export class LabelMatch {
  /** Has the connection this label? With CONNLABEL_SET it has from now on. */
  static label(bit: u32, flags: u32): bool {
    const inverted = (flags & MATCH_NOT) !== 0
    const ct = <usize>load<u32>(CTX_CT_AT)
    if (ct === 0 || (load<u32>(ct + CT_STATUS_OFF) & IPS_LABELLED) === 0) return inverted
    const at = Table.coldOf(ct) + CT_LABELS_OFF + (((bit & 127) >>> 5) << 2)
    const labels = load<u32>(at)
    const mask: u32 = 1 << (bit & 31)
    if ((labels & mask) !== 0) return !inverted
    if ((flags & CONNLABEL_SET) === 0) return inverted
    store<u32>(at, labels | mask)
    return !inverted
  }

  /** Is the connection one of the nodes in the mask? */
  static cluster(total: u32, nodes: u32, seed: u32, inverted: bool): bool {
    const family = load<u32>(CTX_FAMILY_AT)
    // A frame to a group's address with a packet for one host is the host's from now on.
    if (load<u32>(CTX_PKTTYPE_AT) === PKTTYPE_MULTICAST) {
      const group = family === 4 ? load<u32>(CTX_DST_AT) >>> 28 === 14 : Address.isMulticast(CTX_DST_AT, 6)
      if (!group) store<u32>(CTX_PKTTYPE_AT, PKTTYPE_HOST)
    }
    const ct = <usize>load<u32>(CTX_CT_AT)
    if (ct === 0) return false
    // Of an IPv6 address the kernel takes the first word only.
    const source = load<u32>(Table.tuple(ct, 0) + TUPLE_SRC_OFF)
    const hash = Jhash.words(bswap<u32>(source), 0, 0, 1, seed)
    const node = <u32>((<u64>hash * <u64>total) >> 32)
    return (((nodes >>> node) & 1) !== 0) !== inverted
  }
}
