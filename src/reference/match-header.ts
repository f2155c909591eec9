// Matches on single fields of the header, and the CPU. Kernel: net/netfilter/xt_length.c, xt_hl.c, xt_dscp.c, xt_ecn.c,
// xt_cpu.c.
import { packetLength } from '../net/length.js'
import type { HeaderMatch } from '../netfilter/model-header.js'
import { ask, type MatchContext } from './asked.js'
import { flagsOf } from './tcp.js'
import type { Skb } from './types.js'

const ECE = 64
const CWR = 128

export function matchesHeader(m: HeaderMatch, skb: Skb, context: MatchContext): boolean {
  const { packet } = skb
  const hops = packet.ttl ?? 64
  const service = packet.tos ?? 0
  switch (m.match) {
    case 'length': {
      const length = packetLength(packet)
      return (length >= m.length.value.from && length <= m.length.value.to) !== m.length.not
    }
    case 'ttl':
    case 'hl':
      if (m.op === 'eq') return hops === m.value
      if (m.op === 'ne') return hops !== m.value
      return m.op === 'lt' ? hops < m.value : hops > m.value
    case 'tos':
      return ((service & m.tos.value.mask) === m.tos.value.value) !== m.tos.not
    case 'dscp':
      return (service >> 2 === m.dscp.value) !== m.dscp.not
    case 'ecn': {
      if (m.ect !== undefined && ((service & 3) === m.ect.value) === m.ect.not) return false
      const flags = flagsOf(packet)
      if (m.ece !== undefined && ((flags & ECE) !== 0) === m.ece.not) return false
      return m.cwr === undefined || ((flags & CWR) !== 0) !== m.cwr.not
    }
    case 'cpu': {
      const cpu = context.world.given?.cpu
      if (cpu === undefined) return ask('cpu', context)
      return (cpu === m.cpu.value) !== m.cpu.not
    }
  }
}
