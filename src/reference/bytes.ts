// The bytes of a packet from its IP header on, as rules read them: of each its value, the bits that nobody knows, and the field
// of a packet line that would say them. RFC 791, 8200, 9293, 768, 3828, 9260, 792, 4443, 4303.
import { addressToBytes, parseAddress } from '../net/ip.js'
import { packetLength } from '../net/length.js'
import type { AskedField } from '../net/missing.js'
import type { Packet } from '../net/packet.js'
import { hasPorts, sctpChunkNumber } from '../net/proto.js'
import { tcpOptionBytes } from '../net/tcp-options.js'
import { flagsOf } from './tcp.js'
import { isError, protoOf } from './tuple.js'
import type { Skb } from './types.js'

export interface PacketByte {
  readonly value: number
  /** Bits that are not known; 0 in `value`. */
  readonly unknown: number
  /** What to ask for them. */
  readonly field: AskedField | null
}

const known = (...values: number[]): PacketByte[] => values.map((value) => ({ value, unknown: 0, field: null }))

const addressBytes = (text: string): Uint8Array => addressToBytes(parseAddress(text)!)

function numberBytes(value: number, size: 1 | 2 | 4): PacketByte[] {
  const all = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
  return known(...all.slice(4 - size))
}

/** Flags of the first SCTP chunk: of DATA a whole message, of others none, unless they are given. */
export function sctpFlagsOf({ sctp_flags: flags, sctp_chunk: chunk = 'INIT' }: Packet): number {
  return flags ?? (sctpChunkNumber(chunk) === 0 ? 3 : 0)
}

/** Makes the bytes of one packet. */
class Maker {
  readonly #skb: Skb
  constructor(skb: Skb) {
    this.#skb = skb
  }

  /** Bytes that are not known. Of what this host answers, nothing is known but the header. */
  missing(size: number, field: AskedField, unknown = 255, value = 0): PacketByte[] {
    const asked = this.#skb.isAnswer ? 'header bytes' : field
    return Array.from({ length: size }, () => ({ value, unknown, field: asked }))
  }

  given(value: number | undefined, size: 2 | 4, field: AskedField): PacketByte[] {
    return value === undefined || this.#skb.isAnswer ? this.missing(size, field) : numberBytes(value, size)
  }

  ipv4(): PacketByte[] {
    const { packet } = this.#skb
    const [frag, tos, ttl] = [packet.frag ?? 0, packet.tos ?? 0, packet.ttl ?? 64]
    const high = ((frag & 0x2000) | (frag & 0x1f00)) >> 8
    const { df } = packet
    const bits =
      df === undefined || this.#skb.isAnswer ? this.missing(1, 'df', 0x40, high) : known(high | (df ? 0x40 : 0))
    const header = [
      ...(packet.extra_len ? this.missing(1, 'header bytes', 15, 0x40) : known(0x45)),
      ...known(tos),
      ...numberBytes(packetLength(packet), 2),
      ...this.given(packet.ip_id, 2, 'ip_id'),
      ...bits,
      ...known(frag & 255, ttl, protoOf(packet), 0, 0),
      ...known(...addressBytes(packet.src), ...addressBytes(packet.dst)),
    ]
    const hole = header.find((byte) => byte.unknown !== 0)
    if (hole !== undefined) header.splice(10, 2, ...this.missing(2, hole.field!))
    else {
      let sum = header.reduce((all, byte, i) => all + (i % 2 === 0 ? byte.value * 256 : byte.value), 0)
      while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000)
      header.splice(10, 2, ...numberBytes(0xffff - sum, 2))
    }
    return header
  }

  ipv6(): PacketByte[] {
    const { packet } = this.#skb
    const { flow_label: label, tos = 0, ttl = 64 } = packet
    const open = label === undefined || this.#skb.isAnswer
    const low = (tos & 15) << 4
    const piece = packet.frag !== undefined && packet.frag !== 0
    const header = [
      ...known(0x60 | (tos >> 4)),
      ...(open ? this.missing(1, 'flow_label', 15, low) : known(low | (label >> 16))),
      ...(open ? this.missing(2, 'flow_label') : numberBytes(label, 2)),
      ...numberBytes(packetLength(packet) - 40, 2),
      ...(packet.extra_len ? this.missing(1, 'header bytes') : known(piece ? 44 : protoOf(packet))),
      ...known(ttl, ...addressBytes(packet.src), ...addressBytes(packet.dst)),
    ]
    if (!piece || packet.extra_len) return header
    const field = ((packet.frag! & 0x1fff) << 3) | (packet.frag! & 0x2000 ? 1 : 0)
    return [...header, ...known(protoOf(packet), 0), ...numberBytes(field, 2), ...this.given(packet.ip_id, 4, 'ip_id')]
  }

  tcp(): PacketByte[] {
    const { packet } = this.#skb
    const options = this.#skb.isAnswer ? [] : tcpOptionBytes(packet.tcp_options)
    return [
      ...numberBytes(packet.seq ?? 0, 4),
      ...numberBytes(packet.ack ?? 0, 4),
      ...known((5 + options.length / 4) << 4, flagsOf(packet)),
      ...this.given(packet.win ?? 0, 2, 'header bytes'),
      ...this.missing(2, 'checksum'),
      ...known(0, 0, ...options),
    ]
  }

  sctp(length: number): PacketByte[] {
    const { packet } = this.#skb
    const chunk = sctpChunkNumber(packet.sctp_chunk ?? 'INIT') ?? 1
    return [
      ...numberBytes(packet.vtag ?? 0, 4),
      ...this.missing(4, 'checksum'),
      ...known(chunk, sctpFlagsOf(packet)),
      ...numberBytes(chunk === 0 ? 16 + (packet.payload_len || 4) : length - 12, 2),
      ...this.missing(chunk === 0 ? 12 : length - 16, 'header bytes'),
    ]
  }

  icmp(): PacketByte[] {
    const { packet } = this.#skb
    const error = isError(packet)
    return [
      ...known(packet.icmp_type ?? 0, packet.icmp_code ?? 0),
      ...this.missing(2, 'checksum'),
      ...(error ? [] : numberBytes(packet.icmp_id ?? 0, 2)),
      ...(error ? this.given(packet.icmp_rest, 4, 'icmp_rest') : this.given(packet.icmp_seq, 2, 'icmp_seq')),
    ]
  }

  /** The transport header, as far as it is one. `length`: of all behind the network header. */
  layer4(length: number): PacketByte[] {
    const { packet } = this.#skb
    const proto = protoOf(packet)
    const ports = hasPorts(proto) ? [...numberBytes(packet.sport ?? 0, 2), ...numberBytes(packet.dport ?? 0, 2)] : []
    switch (proto) {
      case 6:
        return [...ports, ...this.tcp()]
      case 17:
        return [
          ...ports,
          ...(packet.frag ? this.missing(2, 'header bytes') : numberBytes(length, 2)),
          ...this.missing(2, 'checksum'),
        ]
      case 136:
        return [...ports, ...this.missing(2, 'header bytes'), ...this.missing(2, 'checksum')]
      case 33:
        return [...ports, ...this.missing(length - 4, 'header bytes')]
      case 132:
        return [...ports, ...this.sctp(length)]
      case 1:
      case 58:
        return this.icmp()
      case 47:
        return this.missing(4, 'header bytes')
      case 50:
        return [...this.given(packet.spi, 4, 'spi'), ...this.missing(4, 'header bytes')]
      default:
        return []
    }
  }

  all(): PacketByte[] {
    const { packet, family } = this.#skb
    const network = family === 'ipv4' ? this.ipv4() : this.ipv6()
    const length = packetLength(packet)
    const behind = length - network.length
    if (packet.extra_len) return [...network, ...this.missing(behind, 'header bytes')]
    const header = [...network, ...this.layer4(behind)]
    const quotes = isError(packet) && packet.inner !== undefined
    const payload = this.#skb.isAnswer ? [] : (packet.payload?.match(/../g) ?? []).map((b) => Number.parseInt(b, 16))
    if (!quotes) header.push(...known(...payload))
    const rest = Math.max(0, length - header.length)
    return [...header, ...this.missing(rest, quotes ? 'header bytes' : 'payload')].slice(0, length)
  }
}

/** All bytes of the packet as it stands. */
export function bytesOf(skb: Skb): readonly PacketByte[] {
  return new Maker(skb).all()
}
