// Connections that the image brings along: the entries that a namespace has at clock 0, as ctnetlink takes them.
// Kernel: net/netfilter/nf_conntrack_netlink.c (ctnetlink_create_conntrack).
import { BySource } from './by-source'
import { Conntrack } from './conntrack'
import {
  CONNECTION_BYTES,
  CONNECTION_COUNTS_OFF,
  CONNECTION_FAMILY_OFF,
  CONNECTION_HELPER_OFF,
  CONNECTION_MARK_OFF,
  CONNECTION_ORIG_OFF,
  CONNECTION_PROTO_OFF,
  CONNECTION_REPLY_OFF,
  CONNECTION_STATE_OFF,
  CONNECTION_STATUS_OFF,
  CONNECTION_TIMEOUT_OFF,
  CONNECTION_ZONE_OFF,
  CT_COUNTS_OFF,
  CT_CREATED_OFF,
  CT_FAMILY_OFF,
  CT_HELPER_OFF,
  CT_MARK_OFF,
  CT_PROTO_OFF,
  CT_STATE_OFF,
  CT_STATUS_OFF,
  CT_TCP_FLAGS_OFF,
  CT_TCP_LAST_INDEX_OFF,
  CT_ZONE_OFF,
  IPS_LABELLED,
  IPS_SRC_NAT_DONE,
  SCTPF_TAG_UNKNOWN,
  SECTION_CONNECTIONS,
  SYSCTL_LABELS,
  TCPF_CLOSE_INIT,
  TCPF_LIBERAL,
} from './layout'
import { Memory } from './memory'
import { Sysctl } from './sysctl'
import { Table } from './table'
import { Tuple } from './tuple'

export class Loaded {
  /** Takes them all; false when there is no room. */
  static load(): bool {
    const section = Memory.section(SECTION_CONNECTIONS)
    const count = Memory.sectionBytes(SECTION_CONNECTIONS) / CONNECTION_BYTES
    for (let i: u32 = 0; i < count; i++) {
      const record = section + i * CONNECTION_BYTES
      const ct = Table.take()
      if (ct === 0) return false
      const status = load<u32>(record + CONNECTION_STATUS_OFF)
      const zone = load<u32>(record + CONNECTION_ZONE_OFF)
      store<u32>(ct + CT_STATUS_OFF, Sysctl.get(SYSCTL_LABELS) !== 0 ? status | IPS_LABELLED : status)
      store<u32>(ct + CT_MARK_OFF, load<u32>(record + CONNECTION_MARK_OFF))
      store<u32>(ct + CT_PROTO_OFF, load<u32>(record + CONNECTION_PROTO_OFF))
      store<u32>(ct + CT_FAMILY_OFF, load<u32>(record + CONNECTION_FAMILY_OFF))
      store<u32>(ct + CT_STATE_OFF, load<u32>(record + CONNECTION_STATE_OFF))
      store<u32>(ct + CT_ZONE_OFF, zone | (zone << 16))
      // Older than any rule about the age of a flow asks for.
      store<f64>(ct + CT_CREATED_OFF, -10000)
      Tuple.copy(Table.tuple(ct, 0), record + CONNECTION_ORIG_OFF)
      Tuple.copy(Table.tuple(ct, 1), record + CONNECTION_REPLY_OFF)
      const cold = Table.coldOf(ct)
      store<u32>(cold + CT_HELPER_OFF, load<u32>(record + CONNECTION_HELPER_OFF))
      memory.copy(cold + CT_COUNTS_OFF, record + CONNECTION_COUNTS_OFF, 32)
      if (load<u32>(ct + CT_PROTO_OFF) === 132) {
        store<u32>(cold + CT_TCP_FLAGS_OFF, SCTPF_TAG_UNKNOWN)
        store<u32>(cold + CT_TCP_FLAGS_OFF + 4, SCTPF_TAG_UNKNOWN)
      } else if (load<u32>(ct + CT_PROTO_OFF) === 6) {
        // Its windows are not known: nothing is outside. A flow that is closing was closed by one of its sides.
        const state = load<u32>(ct + CT_STATE_OFF)
        const closing = state >= 4 && state <= 7
        store<u32>(cold + CT_TCP_LAST_INDEX_OFF, 5)
        store<u32>(cold + CT_TCP_FLAGS_OFF, closing ? TCPF_LIBERAL | TCPF_CLOSE_INIT : TCPF_LIBERAL)
        store<u32>(cold + CT_TCP_FLAGS_OFF + 4, TCPF_LIBERAL)
      }
      const timeout = load<u32>(record + CONNECTION_TIMEOUT_OFF)
      // What has no time left is gone; of entries that clash the first stays.
      if (timeout === 0 || Conntrack.isTaken(ct)) {
        Table.drop(ct)
        continue
      }
      if (status & IPS_SRC_NAT_DONE) BySource.link(ct)
      Table.insert(ct, <f64>timeout * 1000)
    }
    return true
  }
}
