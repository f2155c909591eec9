// The target HMARK: the packet's mark becomes a hash of its addresses, ports and protocol, the same both ways.
// Kernel: net/netfilter/xt_HMARK.c, include/linux/jhash.h.
import { hasPorts } from '../net/proto.js'
import type { OtherTarget } from '../netfilter/model-target.js'
import { addressWordsOf, maskWordsOf } from './address.js'
import { ask, type MatchContext } from './asked.js'
import { jhash2 } from './jhash.js'
import { isError, protoOf } from './tuple.js'
import type { Skb } from './types.js'

type Hmark = Extract<OtherTarget, { readonly target: 'HMARK' }>

/** What is hashed. `ports`: source and destination, or the two halves of an SPI; null: there are none. */
interface Hashed {
  readonly src: string
  readonly dst: string
  readonly proto: number
  readonly ports: readonly [number, number] | null
}

const [ICMP, ESP, AH] = [1, 50, 51] as const

/** Of an error it is the packet that it quotes. */
function ofPacket(skb: Skb, context: MatchContext): Hashed | null {
  const { packet } = skb
  const fragment = ((packet.frag ?? 0) & 0x3fff) !== 0
  const quoting = isError(packet) && !(skb.family === 'ipv6' && (fragment || packet.icmp_type === 0))
  const header = quoting ? packet.inner : packet
  if (header === undefined) return null
  const { src, dst } = header
  const proto = protoOf(header)
  if (fragment && !quoting) return { src, dst, proto, ports: null }
  if (proto === ESP || proto === AH) {
    const spi = (quoting ? undefined : packet.spi) ?? ask('spi', context)
    return { src, dst, proto, ports: [spi >>> 16, spi & 0xffff] }
  }
  return { src, dst, proto, ports: hasPorts(proto) ? [header.sport ?? 0, header.dport ?? 0] : null }
}

/** Sources of both directions of the connection. */
function ofConnection({ connection }: Skb): Hashed | null {
  if (connection === null) return null
  const [orig, reply] = connection.tuples
  const proto = connection.proto
  const ports = proto === ICMP ? null : ([orig.sport ?? orig.id ?? 0, reply.sport ?? reply.id ?? 0] as const)
  return { src: orig.src, dst: reply.src, proto, ports }
}

/** The address under the mask; IPv6's words are joined by exclusive or. */
function masked(skb: Skb, address: string, length: number | undefined): number {
  const mask = maskWordsOf(skb.family, length ?? 0)
  return addressWordsOf(address).reduce((all, word, i) => (all ^ (word & mask[i]!)) >>> 0, 0)
}

/** Gives the packet its mark; without what is to be hashed it keeps its own. */
export function markByHash(skb: Skb, t: Hmark, context: MatchContext): void {
  const hashed = t.ct ? ofConnection(skb) : ofPacket(skb, context)
  if (hashed === null) return
  const ends = [masked(skb, hashed.src, t.srcPrefix), masked(skb, hashed.dst, t.dstPrefix)].sort((a, b) => a - b)
  let ports = 0
  if (hashed.ports !== null) {
    const mask = t.spiMask ?? (t.sportMask ?? 0) * 65536 + (t.dportMask ?? 0)
    const set = t.spi ?? (t.sport ?? 0) * 65536 + (t.dport ?? 0)
    const both = (((hashed.ports[0] * 65536 + hashed.ports[1]) & mask) | set) >>> 0
    const [low, high] = [both >>> 16, both & 0xffff].sort((a, b) => a - b) as [number, number]
    ports = high * 65536 + low
  }
  const hash = (jhash2([...ends, ports], t.rnd) ^ (hashed.proto & (t.protoMask ?? 0))) >>> 0
  skb.mark = (Number((BigInt(hash) * BigInt(t.mod)) >> 32n) + (t.offset ?? 0)) % 2 ** 32
}
