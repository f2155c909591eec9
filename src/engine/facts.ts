// What a packet's record says beyond the header, for the rules that ask: owner, CPU, Ethernet addresses.
// Owns bytes 88 to 127 of a record (RECORD_CPU_OFF and what follows); net/complete.ts says what the fields are.
import {
  HDR_SEQ_OFF,
  MORE_EXTRA,
  MORE_SOCKET,
  MORE_SOCKET_FOUND,
  MORE_SOCKET_TRANSPARENT,
  MORE_SOCKET_WILDCARD,
  MORE_SPI,
  OWNER_UNKNOWN,
  RECORD_BYTES,
  RECORD_CPU_OFF,
  RECORD_FRAG_OFF,
  RECORD_GID_OFF,
  RECORD_HAS_CPU,
  RECORD_HAS_MAC_DST,
  RECORD_HAS_MAC_SRC,
  RECORD_HAS_OFF,
  RECORD_HAS_PKTTYPE,
  RECORD_MAC_DST_OFF,
  RECORD_MAC_SRC_OFF,
  RECORD_MORE_OFF,
  RECORD_PKTTYPE_OFF,
  RECORD_UID_OFF,
} from '../../assembly/layout.js'
import { PACKET_TYPES } from '../net/complete.js'
import { FRAGMENT_MORE, FRAGMENT_OFFSET } from '../net/fragment.js'
import type { Packet } from '../net/packet.js'

/** Writes that nothing is known. */
export function writeNoFacts(view: DataView, at: number): void {
  for (let i = RECORD_CPU_OFF; i < RECORD_BYTES; i += 4) view.setUint32(at + i, 0, true)
  view.setUint32(at + RECORD_UID_OFF, OWNER_UNKNOWN, true)
  view.setUint32(at + RECORD_GID_OFF, OWNER_UNKNOWN, true)
}

/** Writes what a complete packet says. */
export function writeFacts(view: DataView, at: number, packet: Packet): void {
  writeNoFacts(view, at)
  let has = 0
  view.setUint32(at + RECORD_UID_OFF, packet.uid ?? OWNER_UNKNOWN, true)
  view.setUint32(at + RECORD_GID_OFF, packet.gid ?? OWNER_UNKNOWN, true)
  if (packet.cpu !== undefined) {
    view.setUint32(at + RECORD_CPU_OFF, packet.cpu, true)
    has |= RECORD_HAS_CPU
  }
  if (packet.mac !== undefined) {
    writeMac(view, at + RECORD_MAC_SRC_OFF, packet.mac)
    has |= RECORD_HAS_MAC_SRC
  }
  if (packet.mac_dst !== undefined) {
    writeMac(view, at + RECORD_MAC_DST_OFF, packet.mac_dst)
    has |= RECORD_HAS_MAC_DST
  }
  if (packet.pkttype !== undefined) {
    view.setUint16(at + RECORD_PKTTYPE_OFF, PACKET_TYPES.indexOf(packet.pkttype), true)
    has |= RECORD_HAS_PKTTYPE
  }
  view.setUint8(at + RECORD_HAS_OFF, has)
  const frag = packet.frag ?? 0
  view.setUint16(at + RECORD_FRAG_OFF, (frag & FRAGMENT_OFFSET) | (frag & FRAGMENT_MORE ? 0x8000 : 0), true)
  view.setUint8(at + RECORD_MORE_OFF, moreOf(packet))
  if (packet.spi !== undefined) view.setUint32(at + HDR_SEQ_OFF, packet.spi, true)
}

function moreOf({ socket, spi, extra_len: extra = 0 }: Packet): number {
  const found = socket === undefined || socket === 'none' ? 0 : MORE_SOCKET_FOUND
  return (
    (socket === undefined ? 0 : MORE_SOCKET | found) |
    (socket?.startsWith('transparent') ? MORE_SOCKET_TRANSPARENT : 0) |
    (socket?.endsWith('wildcard') ? MORE_SOCKET_WILDCARD : 0) |
    (spi === undefined ? 0 : MORE_SPI) |
    (extra > 0 ? MORE_EXTRA : 0)
  )
}

function writeMac(view: DataView, at: number, mac: string): void {
  for (let i = 0; i < 6; i++) view.setUint8(at + i, Number.parseInt(mac.slice(i * 3, i * 3 + 2), 16))
}

function readMac(view: DataView, at: number): string {
  return [0, 1, 2, 3, 4, 5]
    .map((i) =>
      view
        .getUint8(at + i)
        .toString(16)
        .padStart(2, '0'),
    )
    .join(':')
}

/** Reads them back into a packet. */
export function readFacts(view: DataView, at: number, packet: Packet): void {
  const has = view.getUint8(at + RECORD_HAS_OFF)
  const uid = view.getUint32(at + RECORD_UID_OFF, true)
  const gid = view.getUint32(at + RECORD_GID_OFF, true)
  if (uid !== OWNER_UNKNOWN) packet.uid = uid
  if (gid !== OWNER_UNKNOWN) packet.gid = gid
  if (has & RECORD_HAS_MAC_SRC) packet.mac = readMac(view, at + RECORD_MAC_SRC_OFF)
  if (has & RECORD_HAS_MAC_DST) packet.mac_dst = readMac(view, at + RECORD_MAC_DST_OFF)
  if (has & RECORD_HAS_PKTTYPE) packet.pkttype = PACKET_TYPES[view.getUint16(at + RECORD_PKTTYPE_OFF, true) & 3]!
  if (has & RECORD_HAS_CPU) packet.cpu = view.getUint32(at + RECORD_CPU_OFF, true)
  const frag = view.getUint16(at + RECORD_FRAG_OFF, true)
  if (frag !== 0) packet.frag = (frag & FRAGMENT_OFFSET) | (frag & 0x8000 ? FRAGMENT_MORE : 0)
}
