// Single rules in every form that iptables prints: all matches and targets of the model, negation wherever it is allowed.
// Owns how a rule is put together; where one may stand is decided by netfilter.ts.
import fc from 'fast-check'
import type { Rule } from '../netfilter/model.js'
import { byteForms } from './matches-bytes.js'
import { listedForms } from './matches-listed.js'
import { general } from './rule-matches.js'
import { targets } from './rule-targets.js'
import { ownIcmp, transport } from './rule-transport.js'
import { type Arb, ifaces, negatable, on, pick, prefixes, type RulePlace, record, some } from './rule-values.js'

export { addresses, ifaces, prefixes, type RulePlace, record, texts } from './rule-values.js'

const counters = record({
  packets: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bytes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
})

/**
 * Rules that iptables takes at this place, in every form. `line` is 0.
 *
 * Two matches that share the name of an option (mark and connmark, recent and set) stand in one rule only in an order
 * in which iptables itself can tell them apart: each kind at most once, but for comments and marks.
 */
export function rules(place: RulePlace): Arb<Rule> {
  const byProto = transport()
  const own = [6, 17, 132, 33, 136, 50, 108, ...(place.family === 'ipv4' ? [1, 51] : [58, 135])]
  const proto = fc.oneof(
    fc.constant(undefined),
    pick(own).map((value) => ({ not: false, value })),
    negatable(fc.integer({ min: 1, max: 255 })),
  )
  const incoming = place.hook !== 'OUTPUT' && place.hook !== 'POSTROUTING'
  const outgoing = place.hook !== 'PREROUTING' && place.hook !== 'INPUT'
  const any = place.family === 'ipv4' ? '0.0.0.0/0' : '::/0'
  const address = negatable(prefixes(place.family)).filter((p) => p.not || p.value !== any)
  type Base = Pick<Rule, 'src' | 'dst' | 'inIface' | 'outIface' | 'fragment' | 'counters'>
  const base = some<{ [K in keyof Base]-?: Exclude<Base[K], undefined> }>({
    src: address,
    dst: address,
    inIface: negatable(ifaces),
    outIface: negatable(ifaces),
    fragment: negatable(on),
    counters,
  }).map((b) => {
    const kept: { -readonly [K in keyof Base]: Base[K] } = { ...b }
    if (!incoming) delete kept.inIface
    if (!outgoing) delete kept.outIface
    if (place.family === 'ipv6') delete kept.fragment
    return kept
  })
  // Building generators costs more than drawing from them: one for each protocol and each kind of target.
  const common = general(place)
  const matchesFor = memo((key) => {
    const list = key === '58' || key === '1' ? ownIcmp(byProto, place.family, key) : (byProto[Number(key)] ?? [])
    const kept = [...listedForms(place.family, place.hook, Number(key)), ...byteForms()]
    return fc
      .array(fc.oneof(...list, ...common, ...kept), { maxLength: 4 })
      .map((all) => all.filter((m, i) => m.match === 'comment' || all.findIndex((x) => x.match === m.match) === i))
  })
  const restFor = memo((key) => {
    const [value, not, syn] = key.split(' ')
    const p = value === '0' ? undefined : { not: not === 'true', value: Number(value) }
    return fc.tuple(base, targets(place, p, syn === 'true'))
  })
  return proto.chain((p) =>
    matchesFor(p?.not === false ? String(p.value) : '0').chain((matches) => {
      const syn = matches.some(
        (m) => m.match === 'tcp' && m.flags !== undefined && !m.flags.not && (m.flags.value.comp & 2) !== 0,
      )
      return restFor(`${p?.value ?? 0} ${p?.not ?? false} ${syn}`).map(
        ([b, target]): Rule => ({
          ...b,
          ...(p === undefined ? {} : { proto: p }),
          matches,
          ...(target === undefined ? {} : { target }),
          line: 0,
        }),
      )
    }),
  )
}

function memo<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const fresh = make(key)
    made.set(key, fresh)
    return fresh
  }
}
