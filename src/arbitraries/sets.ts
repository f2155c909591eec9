// The ip sets of generated namespaces.
import fc from 'fast-check'
import type { Family } from '../netfilter/model.js'
import type { IpSet, SetEntry, SetPart } from '../netns/model.js'
import { prefixFor } from './policy.js'
import {
  bitsOf,
  canonical,
  LINK_NAMES,
  listOf,
  once,
  pick,
  poolAddress,
  poolMark,
  poolPort,
  rarely,
  SETS,
  weighted,
  worldOf,
} from './pool.js'

const net = (prefix: string): SetPart => ({ part: 'net', prefix: canonical(prefix) })

/** Is the second element there already when the first is? A wildcard stands for every interface that begins so. */
const covers = (a: readonly SetPart[], b: readonly SetPart[]): boolean => {
  const [iface, other] = [a.at(-1), b.at(-1)]
  if (iface?.part !== 'iface' || other?.part !== 'iface' || !iface.wildcard) return false
  const isSame = JSON.stringify(a.slice(0, -1)) === JSON.stringify(b.slice(0, -1))
  return isSame && iface.physdev === other.physdev && other.name.startsWith(iface.name)
}

/** The sets of one family; names are followed by `6` for IPv6. */
export const setsOf: (family: Family) => fc.Arbitrary<IpSet[]> = once((family) => {
  const host = poolAddress(family)
    .filter((a) => a !== '0.0.0.0' && a !== '::')
    .map((a) => net(`${a}/${bitsOf(family)}`))
  const some = prefixFor(family)
    .filter((p) => !p.endsWith('/0'))
    .map(net)
  // Elements of several parts meet a packet only when all parts do: wide networks, few ports.
  const half = pick(family === 'ipv4' ? ['0.0.0.0/1', '128.0.0.0/1'] : ['8000::/1', '::/1']).map(net)
  const wide = weighted([1, half], [1, some])
  const port = fc
    .record({ proto: pick([17, 6]), port: weighted([3, pick([80, 53])], [1, pick([40000, 40001])], [1, poolPort]) })
    .map((p): SetPart => ({ part: 'port', ...p }))
  const ping: SetPart = { part: 'port', proto: family === 'ipv4' ? 1 : 58, port: (family === 'ipv4' ? 8 : 128) * 256 }
  const world = worldOf(family)
  const few = [...world.services, world.neighbour(0, 0), world.neighbour(1, 0), world.own(0)]
  const endpoint = pick(few).map((a) => net(`${a}/${bitsOf(family)}`))
  const client = fc
    .tuple(fc.nat({ max: 2 }), fc.nat({ max: 1 }))
    .map(([k, i]) => net(`${world.neighbour(k, i)}/${bitsOf(family)}`))
  const service = weighted<SetPart>([5, port], [1, fc.constant(ping)])
  const iface = weighted<SetPart>(
    [6, pick([...LINK_NAMES, 'lo']).map((name) => ({ part: 'iface', name }))],
    [1, pick(['eth', 'c', 'v']).map((name) => ({ part: 'iface', name, wildcard: true }))],
    [1, fc.constant({ part: 'iface', name: 'eth0', physdev: true })],
  )
  const skbmark = fc.option(fc.record({ value: poolMark, mask: pick([0xffffffff, 0xff, 0x4000]) }), { nil: undefined })
  const timeout = weighted<number | undefined>([4, fc.constant(undefined)], [1, pick([1, 30])])
  const made = (
    type: string,
    parts: fc.Arbitrary<SetPart[]>,
    nomatch: fc.Arbitrary<boolean> = fc.constant(false),
  ): fc.Arbitrary<Omit<IpSet, 'name'>> =>
    fc
      .record({
        entries: listOf(fc.record({ parts, nomatch, timeout, counted: fc.nat({ max: 3 }), mark: skbmark }), 0, 24),
        timeout: weighted<string | undefined>([3, fc.constant(undefined)], [1, pick(['0', '1', '30'])]),
        counters: rarely(3),
        skbinfo: rarely(4),
        room: weighted<number | undefined>([3, fc.constant(undefined)], [1, fc.nat({ max: 3 })]),
      })
      .map((d) => {
        // Of those with the same parts the first.
        const keys = d.entries.map((e) => JSON.stringify(e.parts))
        const first = d.entries.filter((_, i) => keys.indexOf(keys[i]!) === i)
        const entries = first.filter((e, i) => !first.slice(0, i).some((f) => covers(f.parts, e.parts)))
        const timed = d.timeout ?? (entries.some((e) => e.timeout !== undefined) ? '0' : undefined)
        return {
          type,
          family,
          entries: entries.map((e): SetEntry => {
            const counted = d.counters && e.counted > 0
            return {
              parts: e.parts,
              nomatch: e.nomatch,
              ...(e.timeout === undefined ? {} : { timeout: e.timeout }),
              ...(counted ? { packets: BigInt(e.counted), bytes: BigInt(e.counted * 40) } : {}),
              ...(d.skbinfo && e.mark !== undefined ? { skbmark: e.mark } : {}),
            }
          }),
          options: {
            ...(d.room !== undefined && type.startsWith('hash:') ? { maxelem: String(entries.length + d.room) } : {}),
            ...(timed === undefined ? {} : { timeout: timed }),
            ...(d.counters ? { counters: '' } : {}),
            ...(d.skbinfo ? { skbinfo: '' } : {}),
            ...(type === 'bitmap:port' ? { range: '0-65535' } : {}),
          },
        }
      })
  const end = family === 'ipv6' ? '6' : ''
  const member = pick([`hosts${end}`, `nets${end}`]).map((name): SetPart => ({ part: 'set', name }))
  const mark = poolMark.map((n): SetPart => ({ part: 'mark', mark: n }))
  const bit = poolPort.map((n): SetPart => ({ part: 'port', proto: 0, port: n }))
  const byName: Record<string, fc.Arbitrary<Omit<IpSet, 'name'>>> = {
    hosts: made('hash:ip', fc.tuple(host)),
    nets: made('hash:net', fc.tuple(some), rarely(4)),
    ports: fc.oneof(
      made('hash:ip,port', fc.tuple(endpoint, service)),
      made('hash:net,port', fc.tuple(wide, service), rarely(4)),
    ),
    pairs: fc.oneof(
      made('hash:ip,port,ip', fc.tuple(endpoint, service, client)),
      made('hash:ip,port,net', fc.tuple(endpoint, service, wide), rarely(4)),
      made('hash:net,port,net', fc.tuple(wide, service, wide), rarely(4)),
    ),
    ifaces: made('hash:net,iface', fc.tuple(wide, iface), rarely(4)),
    list: made('list:set', fc.tuple(member)),
    two: made('hash:net,net', fc.tuple(wide, wide), rarely(4)),
    marks: made('hash:ip,mark', fc.tuple(endpoint, mark)),
    bits: made('bitmap:port', fc.tuple(bit)),
  }
  return fc
    .tuple(...SETS.map((name) => byName[name] as fc.Arbitrary<Omit<IpSet, 'name'>>))
    .map((sets) => sets.map((set, i) => ({ name: `${SETS[i]}${end}`, ...set })))
})
