// What a record holds of a segment's TCP options, in the header's bytes that only ICMP uses otherwise.
import {
  HDR_ID_OFF,
  HDR_TYPE_OFF,
  HDR_WIN_OFF,
  TCPO_HAS_EDGE,
  TCPO_HAS_SCALE,
  TCPO_PRESENT,
  TCPO_SACK_PERMITTED,
} from '../../assembly/layout.js'
import type { Packet } from '../net/packet.js'
import { tcpOptionsOf } from '../net/tcp-options.js'

/** Writes them; false: the packet has none. */
export function writeTcpOptions(view: DataView, at: number, packet: Packet): boolean {
  if (packet.tcp_options === undefined) return false
  const options = tcpOptionsOf(packet.tcp_options)
  if (!options.present) return false
  let edge = packet.ack ?? 0
  for (const other of options.sackEdges) if (((other - edge) | 0) > 0) edge = other
  const bits =
    TCPO_PRESENT |
    (options.scale === null ? 0 : TCPO_HAS_SCALE | options.scale) |
    (options.sackPermitted ? TCPO_SACK_PERMITTED : 0) |
    (options.sackEdges.length > 0 ? TCPO_HAS_EDGE : 0)
  view.setUint8(at + HDR_TYPE_OFF, bits)
  view.setUint16(at + HDR_ID_OFF, edge & 0xffff, true)
  view.setUint16(at + HDR_WIN_OFF + 2, edge >>> 16, true)
  return true
}
