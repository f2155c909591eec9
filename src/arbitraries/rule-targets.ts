// Targets in every form that iptables prints, where it takes them.
import fc from 'fast-check'
import type { Family, Negatable, Target } from '../netfilter/model.js'
import { CT_EVENTS, REJECT_NAMES } from '../netfilter/names.js'
import { netmapTarget, nptTarget } from './map-targets.js'
import { printedTargets } from './other-targets.js'
import {
  type Arb,
  addresses,
  addressRange,
  nonEmpty,
  on,
  pick,
  port,
  portRange,
  type RulePlace,
  record,
  some,
  subsetOf,
  u32,
} from './rule-values.js'

function natTarget(target: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT', family: Family, ported: boolean): Arb<Target> {
  const toAddress = target === 'DNAT' || target === 'SNAT'
  const flags =
    target === 'DNAT'
      ? some<{ random: true; persistent: true }>({ random: on, persistent: on })
      : target === 'SNAT'
        ? some<{ random: true; randomFully: true; persistent: true }>({ random: on, randomFully: on, persistent: on })
        : target === 'MASQUERADE'
          ? some<{ random: true; randomFully: true }>({ random: on, randomFully: on })
          : some<{ random: true }>({ random: on })
  const to = fc.oneof(
    addresses(family).map((a) => ({ from: a, to: a })),
    addressRange(family),
  )
  return fc
    .tuple(to, portRange, fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 65535 }), fc.boolean(), flags)
    .map(([address, ports, form, base, shifted, f]) => {
      const withPorts = ported && form !== 0
      const withAddress = toAddress && (form !== 2 || !withPorts)
      const shift = withPorts && shifted && target === 'DNAT' && ports.from !== ports.to
      return {
        target,
        range: {
          ...(withPorts ? { ports } : {}),
          ...(shift ? { basePort: base } : {}),
          ...(withAddress ? address : {}),
          ...f,
        },
      }
    })
}

/** Targets that iptables takes at this place; `syn`: the rule asks for SYN. */
export function targets(place: RulePlace, proto: Negatable<number> | undefined, syn: boolean): Arb<Target | undefined> {
  const { family, table, chains } = place
  const straight = proto?.not === false ? proto.value : 0
  const ported = proto !== undefined && [6, 17, 132, 33, 1].includes(proto.value)
  const list: Arb<Target | undefined>[] = [
    fc.constant(undefined),
    pick([{ target: 'ACCEPT' }, { target: 'RETURN' }] as const),
    record({ target: fc.constant('MARK' as const), value: u32, mask: u32 }),
    fc.oneof(
      u32.chain((value) =>
        u32.map((ctmask) => ({ target: 'CONNMARK' as const, op: 'set' as const, value, ctmask, nfmask: 0xffffffff })),
      ),
      record({
        target: fc.constant('CONNMARK' as const),
        op: pick(['save', 'restore'] as const),
        value: fc.constant(0),
        ctmask: u32,
        nfmask: u32,
      }),
    ),
    some<{ prefix: string; tcpSequence: true; tcpOptions: true; ipOptions: true; uid: true; macdecode: true }>({
      prefix: nonEmpty(29),
      tcpSequence: on,
      tcpOptions: on,
      ipOptions: on,
      uid: on,
      macdecode: on,
    }).chain((f) => fc.nat({ max: 7 }).map((level) => ({ target: 'LOG' as const, level, ...f }))),
    fc
      .tuple(
        port,
        some<{ prefix: string; size: number; threshold: number }>({
          prefix: nonEmpty(63),
          size: u32,
          threshold: fc.integer({ min: 1, max: 65535 }),
        }),
        fc.option(fc.integer({ min: 1, max: 0xffffffff }), { nil: undefined }),
      )
      .map(([group, f, range]) => ({
        target: 'NFLOG' as const,
        group,
        ...f,
        ...(f.size === undefined && range !== undefined ? { range } : {}),
      })),
  ]
  if (table !== 'nat') list.push(fc.constant({ target: 'DROP' as const }))
  if (chains.length > 0) {
    const jump = record({ target: pick(['jump', 'goto'] as const), chain: pick(chains) })
    list.push(jump, jump)
  }
  if (table === 'filter') {
    const names = REJECT_NAMES[family].map((n) => n[0]).filter((n) => n !== 'tcp-reset' || straight === 6)
    list.push(pick(names).map((w) => ({ target: 'REJECT' as const, with: w })))
  }
  if (place.nat === 'destination') list.push(natTarget('DNAT', family, ported), natTarget('REDIRECT', family, ported))
  if (place.nat === 'source') {
    list.push(natTarget('SNAT', family, ported))
    if (place.hook !== 'INPUT') list.push(natTarget('MASQUERADE', family, ported))
  }
  if (place.nat !== 'none') list.push(netmapTarget(family))
  if (family === 'ipv6' && table === 'mangle') {
    if (place.hook === 'PREROUTING' || place.hook === 'OUTPUT') list.push(nptTarget('DNPT'))
    if (place.hook === 'INPUT' || place.hook === 'POSTROUTING') list.push(nptTarget('SNPT'))
  }
  if (table === 'raw') list.push(fc.constant({ target: 'NOTRACK' as const }), ctTarget(place, straight))
  list.push(...printedTargets(family, table, place.hook, straight))
  if (table === 'mangle') list.push(fc.constant({ target: 'CHECKSUM' as const }))
  if (syn && straight === 6) {
    // Seldom possible, so it is drawn often then.
    const mss = fc.nat({ max: 65495 }).map((n) => ({ target: 'TCPMSS' as const, mss: n }))
    list.push(mss, mss, mss, mss)
  }
  const clamps = place.hook === 'FORWARD' || place.hook === 'OUTPUT' || place.hook === 'POSTROUTING'
  if (syn && straight === 6 && clamps)
    list.push(fc.constant({ target: 'TCPMSS' as const, mss: 'clamp-to-pmtu' as const }))
  return fc.oneof(...list)
}

function ctTarget(place: RulePlace, straight: number): Arb<Target> {
  const zone = fc.oneof(fc.integer({ min: 1, max: 65535 }), fc.constant('mark' as const))
  const zones = fc.oneof(
    fc.constant({}),
    zone.map((z) => ({ zone: z })),
    zone.map((z) => ({ zoneOrig: z })),
    zone.map((z) => ({ zoneReply: z })),
  )
  const named = straight !== 0 && !place.selfContained
  return fc
    .tuple(
      some<{ notrack: true; ctevents: string[]; expevents: string[] }>({
        notrack: on,
        ctevents: subsetOf(CT_EVENTS),
        expevents: fc.constant(['new']),
      }),
      zones,
      some<{ helper: string; timeout: string }>({ helper: pick(['ftp', 'sip']), timeout: pick(['short']) }),
    )
    .map(([f, z, names]) => ({ target: 'CT' as const, ...f, ...z, ...(named ? names : {}) }))
}
