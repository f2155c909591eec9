// Connection records of the core as conntrack entries.
import {
  CT_COLD_BYTES,
  CT_COUNTS_OFF,
  CT_END_OFF,
  CT_FAMILY_OFF,
  CT_HELPER_OFF,
  CT_HOT_BYTES,
  CT_MARK_OFF,
  CT_ORIG_OFF,
  CT_PROTO_OFF,
  CT_REPLY_OFF,
  CT_STATE_OFF,
  CT_STATUS_OFF,
  CT_ZONE_OFF,
  IPS_COUNTED,
  TUPLE_DPORT_OFF,
  TUPLE_DST_OFF,
  TUPLE_SPORT_OFF,
  TUPLE_SRC_OFF,
} from '../../assembly/layout.js'
import { SCTP_STATES, STATUS_BITS, TCP_STATES } from '../compile/connections.js'
import type { Image } from '../compile/image.js'
import type { ConntrackEntry, FlowCount, Tuple } from '../net/packet.js'
import { hasPorts, isIcmp, PROTOCOL_DCCP, PROTOCOL_GRE, PROTOCOL_SCTP, PROTOCOL_TCP, protoName } from '../net/proto.js'
import { addressText } from './address-text.js'
import type { CoreExports } from './core.js'

function readTuple(view: DataView, at: number, family: number, proto: number): Tuple {
  const tuple: Tuple = {
    src: addressText(view, at + TUPLE_SRC_OFF, family),
    dst: addressText(view, at + TUPLE_DST_OFF, family),
  }
  const first = view.getUint32(at + TUPLE_SPORT_OFF, true)
  const second = view.getUint32(at + TUPLE_DPORT_OFF, true)
  if (isIcmp(proto)) {
    tuple.icmp_type = second >>> 8
    tuple.icmp_code = second & 255
    tuple.icmp_id = first
  } else if ((hasPorts(proto) && proto !== PROTOCOL_DCCP) || proto === PROTOCOL_GRE) {
    tuple.sport = first
    tuple.dport = second
  }
  return tuple
}

function readCounts(view: DataView, at: number): NonNullable<ConntrackEntry['counted']> {
  const count = (from: number): FlowCount => ({
    packets: Number(view.getBigUint64(from, true)),
    bytes: Number(view.getBigUint64(from + 8, true)),
  })
  return { orig: count(at), reply: count(at + 16) }
}

/** The entry of record number + 1 `n`. */
export function readConnection(core: CoreExports, view: DataView, n: number, { symbols }: Image): ConntrackEntry {
  const hot = (core.hotRecords() >>> 0) + (n - 1) * CT_HOT_BYTES
  const cold = (core.coldRecords() >>> 0) + (n - 1) * CT_COLD_BYTES
  const family = view.getUint32(hot + CT_FAMILY_OFF, true)
  const proto = view.getUint32(hot + CT_PROTO_OFF, true)
  const status = view.getUint32(hot + CT_STATUS_OFF, true)
  const zones = view.getUint32(hot + CT_ZONE_OFF, true)
  const zone = (zones & 0xffff) | (zones >>> 16)
  const state = view.getUint32(hot + CT_STATE_OFF, true)
  const helper = symbols.attached?.[view.getUint32(cold + CT_HELPER_OFF, true) - 1]
  const names = proto === PROTOCOL_TCP ? TCP_STATES : proto === PROTOCOL_SCTP ? SCTP_STATES : null
  return {
    family: family === 4 ? 'ipv4' : 'ipv6',
    proto: protoName(proto),
    protonum: proto,
    timeout: Math.floor((view.getFloat64(hot + CT_END_OFF, true) - core.now()) / 1000),
    ...(names === null ? {} : { state: names[state] ?? 'NONE' }),
    orig: readTuple(view, cold + CT_ORIG_OFF, family, proto),
    reply: readTuple(view, cold + CT_REPLY_OFF, family, proto),
    status: STATUS_BITS.filter(([, bit]) => (status & bit) !== 0).map(([name]) => name),
    mark: view.getUint32(hot + CT_MARK_OFF, true),
    ...(zone === 0 ? {} : { zone }),
    ...(helper === undefined ? {} : { helper: helper.slice('helper '.length) }),
    ...((status & IPS_COUNTED) === 0 ? {} : { counted: readCounts(view, cold + CT_COUNTS_OFF) }),
  }
}

/** The entry as an answer shows it: without its helper and what it has carried. */
export function shownConnection(core: CoreExports, view: DataView, n: number, image: Image): ConntrackEntry {
  const { counted: _, helper: _h, ...entry } = readConnection(core, view, n, image)
  return entry
}
