// Random rule sets over every match and target that rules.ts compiles, and packets that are likely to meet them.
// Owns the generator of test/engine/rules.test.ts: small pools of addresses, ports and names, so that rules often match.
import fc from 'fast-check'
import type { Packet } from '../../src/net/packet.js'
import type { Chain, Family, Rule, Ruleset, Target } from '../../src/netfilter/model.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { anyMatch, protoMatches } from './rules-matches.js'
import { namespaceOf, sets } from './rules-scene.js'
import { ADDRESSES, IFACES, negatable, optional, PORTS, PREFIXES } from './rules-words.js'

export { namespaceOf } from './rules-scene.js'
export { ADDRESSES } from './rules-words.js'

const PLAIN_TARGETS: readonly Target[] = [
  { target: 'ACCEPT' },
  { target: 'DROP' },
  { target: 'RETURN' },
  { target: 'RETURN' },
  { target: 'MARK', value: 1, mask: 3 },
  { target: 'MARK', value: 4, mask: 4 },
  { target: 'CONNMARK', op: 'set', value: 2, ctmask: 6, nfmask: 0xffffffff },
  { target: 'CONNMARK', op: 'save', value: 0, ctmask: 7, nfmask: 3 },
  { target: 'CONNMARK', op: 'restore', value: 0, ctmask: 3, nfmask: 7 },
  { target: 'LOG', level: 4 },
  { target: 'NFLOG', group: 1 },
]

function rule(family: Family, targets: readonly Target[]): fc.Arbitrary<Rule> {
  const base = optional({
    src: negatable(fc.constantFrom(...PREFIXES[family])),
    dst: negatable(fc.constantFrom(...PREFIXES[family])),
    inIface: negatable(fc.constantFrom(...IFACES)),
    outIface: negatable(fc.constantFrom(...IFACES)),
  })
  // Few conditions at a time, else nothing ever matches.
  return fc
    .tuple(
      fc.option(base, { nil: {}, freq: 1 }),
      protoMatches(family),
      fc.array(anyMatch(family), { maxLength: 2 }),
      fc.option(fc.constantFrom(...targets), { nil: undefined, freq: 8 }),
      fc.boolean(),
    )
    .map(([b, p, more, target, front]) => {
      const matches = front ? [...more, ...p.matches] : [...p.matches, ...more]
      return {
        ...(b as object),
        ...('proto' in p ? { proto: p.proto } : {}),
        matches,
        ...(target === undefined ? {} : { target }),
        line: 0,
      } as Rule
    })
}

function chain(name: string, policy: Chain['policy'], rules: readonly Rule[]): Chain {
  return { name, policy, counters: { packets: 0n, bytes: 0n }, rules }
}

/** Tables filter and mangle (and raw with CT), user chains A to D that jump and goto only forwards. */
export function ruleset(family: Family): fc.Arbitrary<Ruleset> {
  const names = ['A', 'B', 'C', 'D']
  const to = (list: readonly string[]): Target[] =>
    list.flatMap((c): Target[] => [
      { target: 'jump', chain: c },
      { target: 'jump', chain: c },
      { target: 'goto', chain: c },
    ])
  const reject: Target[] = [
    { target: 'REJECT', with: family === 'ipv6' ? 'icmp6-adm-prohibited' : 'icmp-host-prohibited' },
  ]
  const table = (name: 'filter' | 'mangle', hooks: readonly string[]): fc.Arbitrary<Ruleset['tables'][number]> =>
    fc
      .tuple(
        fc.tuple(
          ...hooks.map(() =>
            fc.array(rule(family, [...PLAIN_TARGETS, ...(name === 'filter' ? reject : []), ...to(names)]), {
              maxLength: 6,
            }),
          ),
        ),
        fc.tuple(
          ...names.map((_, i) =>
            fc.array(rule(family, [...PLAIN_TARGETS, ...to(names.slice(i + 1))]), { maxLength: 5 }),
          ),
        ),
        fc.boolean(),
      )
      .map(([base, user, drop]) => ({
        name,
        chains: [
          ...hooks.map((h, i) => chain(h, drop && i === 0 ? 'DROP' : 'ACCEPT', base[i]!)),
          ...names.map((n, i) => chain(n, null, user[i]!)),
        ],
      }))
  const raw = fc
    .array(
      rule(family, [
        { target: 'NOTRACK' },
        { target: 'CT', notrack: true },
        { target: 'CT', zone: 5 },
        { target: 'ACCEPT' },
        { target: 'MARK', value: 2, mask: 2 },
      ]),
      { maxLength: 3 },
    )
    .map((rules) => ({
      name: 'raw' as const,
      chains: [chain('PREROUTING', 'ACCEPT', rules), chain('OUTPUT', 'ACCEPT', [])],
    }))
  return fc
    .tuple(
      fc.constantFrom('legacy' as const, 'nft' as const),
      table('filter', ['INPUT', 'FORWARD', 'OUTPUT']),
      table('mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']),
      raw,
    )
    .map(([backend, filter, mangle, r]) => ({ family, backend, file: `rules-${family}`, tables: [r, mangle, filter] }))
}

/** Namespaces with random rules of both families and random sets. */
export const namespaces: fc.Arbitrary<NetworkNamespace> = fc
  .tuple(ruleset('ipv4'), ruleset('ipv6'), sets)
  .map(([v4, v6, s]) => namespaceOf([v4, v6], s))

/** One packet: any family and protocol, small steps of time. */
export const packets: fc.Arbitrary<Omit<Packet, 'at_ms'> & { gap: number }> = fc
  .tuple(
    fc.constantFrom('ipv4' as const, 'ipv6' as const),
    fc.constantFrom(6, 17, 132, 1, 50),
    fc.nat(5),
    fc.nat(5),
    fc.constantFrom(...PORTS),
    fc.constantFrom(...PORTS),
    fc.record({
      iface: fc.constantFrom('eth0', 'eth1', 'local'),
      mark: fc.nat(7),
      ttl: fc.constantFrom(64, 63, 2),
      payload_len: fc.constantFrom(0, 10),
      gap: fc.constantFrom(0, 0, 1, 300, 1000, 2500),
    }),
    fc.constantFrom('S', 'SA', 'A', 'R', 'FA'),
    fc.constantFrom(0, 8, 3),
  )
  .map(([family, proto, s, d, sport, dport, rest, flags, type]) => {
    const own = family === 'ipv4' ? '10.0.0.1' : 'fd00:1::1'
    const src = rest.iface === 'local' ? own : ADDRESSES[family][s]!
    const dst = ADDRESSES[family][d]!
    if (proto === 1) {
      const echo = family === 'ipv4' ? (type === 3 ? 8 : type) : type === 0 ? 129 : 128
      const name = family === 'ipv4' ? ('icmp' as const) : ('icmpv6' as const)
      return { ...rest, proto: name, src, dst, icmp_type: echo, icmp_code: 0, icmp_id: sport }
    }
    if (proto === 50) return { ...rest, proto: 'esp' as const, src, dst }
    const base = { ...rest, src, dst, sport, dport }
    if (proto === 6) return { ...base, proto: 'tcp' as const, flags }
    if (proto === 17) return { ...base, proto: 'udp' as const }
    return { ...base, proto: 'sctp' as const, sctp_chunk: type === 0 ? 'DATA' : 'INIT' }
  })
