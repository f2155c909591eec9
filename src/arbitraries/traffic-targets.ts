// The targets of generated rules, where the kernel allows each, with weights: translations into few addresses and ports,
// jumps, verdicts, marks.
import fc from 'fast-check'
import type { Family, NatRange, Range, TableName, Target } from '../netfilter/model.js'
import { netmapNearby, nptNearby } from './map-targets.js'
import { changingTargets } from './other-targets.js'
import { linkNumber, once, PORTS, pick, poolAddress, poolMark, rarely, weighted, worldOf } from './pool.js'
import { setTarget } from './set-rules.js'

/** A jump is drawn as "so many chains further on" and named when the chains are. */
export type DraftTarget = Target | { readonly target: 'jump' | 'goto'; readonly ahead: number }

const ports = (rare = 1): fc.Arbitrary<Range | undefined> =>
  weighted<Range | undefined>(
    [2, fc.constant(undefined)],
    [
      rare,
      weighted(
        [2, pick([8080, 80, 53].map((p) => ({ from: p, to: p })))],
        [
          2,
          pick([
            { from: 40000, to: 40001 },
            { from: 40000, to: 40003 },
            { from: 30000, to: 30031 },
          ]),
        ],
        [1, fc.tuple(pick(PORTS.slice(0, 10)), fc.nat({ max: 200 })).map(([from, n]) => ({ from, to: from + n }))],
      ),
    ],
  )

/** Where translation leads: mostly one address, now and then two neighbouring ones. */
const address = (family: Family): fc.Arbitrary<{ from: string; to: string }> => {
  const world = worldOf(family)
  const neighbour = fc.tuple(linkNumber, fc.nat({ max: 1 })).map(([k, i]) => world.neighbour(k, i))
  return weighted(
    [
      5,
      weighted<string>([4, neighbour], [2, linkNumber.map(world.own)], [1, poolAddress(family)]).map((a) => ({
        from: a,
        to: a,
      })),
    ],
    [2, linkNumber.map((k) => ({ from: world.neighbour(k, 0), to: world.neighbour(k, 1) }))],
    [1, linkNumber.map((k) => ({ from: world.own(k), to: world.neighbour(k, 1) }))],
  )
}

const flag = (name: keyof NatRange): fc.Arbitrary<NatRange> => rarely(5).map((on) => (on ? { [name]: true } : {}))

function natTarget(family: Family, kind: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT'): fc.Arbitrary<Target> {
  const withAddress = kind === 'DNAT' || kind === 'SNAT'
  const full = kind === 'SNAT' || kind === 'MASQUERADE'
  return fc
    .record({
      address: weighted<{ from?: string; to?: string }>(
        ...(withAddress ? [[9, address(family)] as [number, fc.Arbitrary<{ from?: string; to?: string }>]] : []),
        [1, fc.constant({})],
      ),
      ports: ports(),
      base: rarely(3),
      random: flag('random'),
      fully: full ? flag('randomFully') : fc.constant({}),
      persistent: withAddress ? flag('persistent') : fc.constant({}),
    })
    .map((d) => {
      const portRange = d.ports ?? (withAddress && d.address.from === undefined ? { from: 8080, to: 8080 } : undefined)
      const base = kind === 'DNAT' && d.base && portRange !== undefined && portRange.to > portRange.from
      return {
        target: kind,
        range: {
          ...d.address,
          ...(portRange ? { ports: portRange } : {}),
          ...(base ? { basePort: 79 } : {}),
          ...d.random,
          ...d.fully,
          ...d.persistent,
        },
      }
    })
}

const REJECTS: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    'icmp-port-unreachable',
    'icmp-net-unreachable',
    'icmp-host-unreachable',
    'icmp-proto-unreachable',
    'icmp-net-prohibited',
    'icmp-host-prohibited',
    'icmp-admin-prohibited',
    'tcp-reset',
  ],
  ipv6: [
    'icmp6-port-unreachable',
    'icmp6-no-route',
    'icmp6-adm-prohibited',
    'icmp6-addr-unreachable',
    'icmp6-policy-fail',
    'icmp6-reject-route',
    'tcp-reset',
  ],
}

const zone = pick<number | 'mark'>([1, 2, 0, 'mark'])
const value = <T extends string>(target: T): fc.Arbitrary<{ readonly target: T }> => fc.constant({ target })

const connmark: fc.Arbitrary<Target> = fc
  .record({
    op: pick(['set', 'save', 'restore'] as const),
    value: poolMark,
    ctmask: pick([0xffffffff, 0xff]),
    nfmask: pick([0xffffffff, 0x4001]),
  })
  .map((d) => ({
    target: 'CONNMARK' as const,
    op: d.op,
    value: d.op === 'set' ? d.value : 0,
    ctmask: d.ctmask,
    nfmask: d.op === 'set' ? 0xffffffff : d.nfmask,
  }))

/** Targets anywhere, then those of this table; `group` says which translations the chain's hooks allow. */
export const targets: (family: Family, table: TableName, group: string) => fc.Arbitrary<DraftTarget | undefined> = once(
  (family, table, group) => {
    const choices: [number, fc.Arbitrary<DraftTarget | undefined>][] = [
      [2, fc.constant(undefined)],
      [4, fc.record({ target: pick(['jump', 'jump', 'goto'] as const), ahead: fc.nat({ max: 2 }) })],
      [2, value('ACCEPT')],
      [2, value('RETURN')],
      [2, fc.record({ target: fc.constant('MARK' as const), value: poolMark, mask: pick([0xffffffff, 0x4000, 0xff]) })],
      [1, connmark],
      [1, fc.record({ target: fc.constant('LOG' as const), level: pick([4, 7]) })],
      [1, fc.record({ target: fc.constant('NFLOG' as const), group: pick([0, 5]) })],
    ]
    choices.push(...changingTargets(family, table, group), [2, setTarget(family, table)])
    if (table !== 'nat') choices.push([1, value('DROP')])
    if (table === 'filter')
      choices.push([4, pick(REJECTS[family]).map((w) => ({ target: 'REJECT' as const, with: w }))])
    if (table === 'mangle') choices.push([1, value('CHECKSUM')])
    if (table === 'mangle' || table === 'filter')
      choices.push([1, fc.constant({ target: 'TCPMSS' as const, mss: 1400 })])
    if (table === 'mangle' && (group === 'FORWARD' || group === 'POSTROUTING'))
      choices.push([1, fc.constant({ target: 'TCPMSS' as const, mss: 'clamp-to-pmtu' as const })])
    if (table === 'mangle' && family === 'ipv6') {
      if (group === 'PREROUTING' || group === 'OUTPUT') choices.push([2, nptNearby('DNPT')])
      if (group === 'INPUT' || group === 'POSTROUTING') choices.push([2, nptNearby('SNPT')])
    }
    if (table === 'raw')
      choices.push(
        [2, value('NOTRACK')],
        [1, fc.constant({ target: 'CT' as const, notrack: true })],
        [2, zone.map((z) => ({ target: 'CT' as const, zone: z }))],
        [1, zone.map((z) => ({ target: 'CT' as const, zoneOrig: z }))],
        [1, zone.map((z) => ({ target: 'CT' as const, zoneReply: z }))],
        [1, pick(['ftp', 'sip']).map((helper) => ({ target: 'CT' as const, helper }))],
      )
    if (table === 'nat') {
      if (group === 'D' || group === 'PREROUTING' || group === 'OUTPUT')
        choices.push([10, natTarget(family, 'DNAT')], [3, natTarget(family, 'REDIRECT')], [2, netmapNearby(family)])
      if (group === 'S' || group === 'INPUT' || group === 'P' || group === 'POSTROUTING')
        choices.push([6, natTarget(family, 'SNAT')], [1, netmapNearby(family)])
      if (group === 'P' || group === 'POSTROUTING') choices.push([6, natTarget(family, 'MASQUERADE')])
    }
    return weighted(...choices)
  },
)
