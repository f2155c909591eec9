// Rules as records: words worked out by hand, what is refused and where, and the depth of chains.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as L from '../../assembly/layout.js'
import { chainDepth } from '../../src/compile/chain-depth.js'
import { checkImage, ImageError } from '../../src/compile/check.js'
import { compile } from '../../src/compile/compile.js'
import { imageChecksum, sectionTable, sectionWords } from '../../src/compile/image.js'
import { limitCredits } from '../../src/compile/matches.js'
import { FaultError } from '../../src/net/fault.js'
import type { Chain, Rule, Ruleset } from '../../src/netfilter/model.js'
import type { IpSet } from '../../src/netns/model.js'
import { namespaceOf } from '../engine/rules-arbitrary.js'

const test = suite('compile/rules')

const ZERO = { packets: 0n, bytes: 0n }
function filter(rules: readonly Rule[], more: readonly Chain[] = []): Ruleset {
  const chains: Chain[] = [
    { name: 'FORWARD', policy: 'DROP', counters: { packets: 5n, bytes: (1n << 32n) + 7n }, rules },
    ...more,
  ]
  return { family: 'ipv4', backend: 'legacy', file: 'rules.v4', tables: [{ name: 'filter', chains }] }
}
const rule = (r: Partial<Rule>): Rule => ({ matches: [], line: 1, ...r })
const faultsOf = (rulesets: readonly Ruleset[], sets: readonly IpSet[] = [], limits = {}): string => {
  try {
    compile(namespaceOf(rulesets, sets), { limits })
  } catch (error) {
    assert.instance(error, FaultError)
    return (error as Error).message
  }
  return 'none'
}

test('an exact rule is one record, decided without further matches', () => {
  const { bytes } = compile(
    namespaceOf(
      [
        filter([
          rule({
            src: { not: true, value: '10.0.0.0/8' },
            dst: { not: false, value: '10.96.0.10/32' },
            proto: { not: false, value: 17 },
            inIface: { not: false, value: 'eth1' },
            outIface: { not: true, value: 'nowhere' },
            matches: [
              { match: 'comment', comment: 'dns' },
              { match: 'udp', dport: { not: false, value: { from: 53, to: 54 } } },
            ],
            target: { target: 'MARK', value: 0x4000, mask: 0x4000 },
          }),
        ]),
      ],
      [],
    ),
  )
  const flags =
    L.RULE_HAS_SRC |
    L.RULE_NOT_SRC |
    L.RULE_HAS_DST |
    L.RULE_HAS_PROTO |
    L.RULE_HAS_DPORTS |
    L.RULE_LAYER4 |
    L.RULE_HAS_IN |
    L.RULE_HAS_OUT |
    L.RULE_NOT_OUT
  assert.equal(
    [...sectionWords(bytes, L.SECTION_RULES4)],
    [
      flags,
      17,
      53 + 54 * 65536,
      0,
      3, // lo, eth0, eth1
      0xffffffff,
      0,
      0,
      L.TARGET_MARK,
      0x4000,
      0x4000,
      1, // counter 0 is the chain's
      0x0a000000,
      0xff000000,
      0x0a60000a,
      0xffffffff,
    ],
  )
  // policy DROP; 5 packets, 2^32 + 7 bytes at the start
  assert.equal([...sectionWords(bytes, L.SECTION_CHAINS)], [0, 1, 0, L.CHAIN_POLICY_DROP])
  assert.equal([...sectionWords(bytes, L.SECTION_COUNTERS)], [5, 0, 7, 1, 0, 0, 0, 0])
  // IPv4, filter (3), FORWARD (2)
  const roots = sectionWords(bytes, L.SECTION_ROOTS)
  assert.equal(
    [...roots].map((r, i) => [i, r]).filter(([, r]) => r !== 0),
    [[17, 1]],
  )
})

test('conntrack runs only for a family with a rule that needs it', () => {
  const flagsOf = (r: Partial<Rule>): number => {
    const { bytes } = compile(namespaceOf([filter([rule(r)])], []))
    return new DataView(bytes.buffer).getUint32(L.IMAGE_FLAGS_OFF, true)
  }
  assert.is(flagsOf({ target: { target: 'MARK', value: 1, mask: 1 } }), 0)
  assert.is(flagsOf({ target: { target: 'CT', notrack: true } }), 0)
  assert.is(flagsOf({ target: { target: 'NOTRACK' } }), 0)
  assert.is(flagsOf({ target: { target: 'CT', zone: 3 } }), L.IMAGE_FLAG_CONNTRACK4 | L.IMAGE_FLAG_WHOLE4)
  assert.is(flagsOf({ target: { target: 'MASQUERADE', range: {} } }), L.IMAGE_FLAG_CONNTRACK4 | L.IMAGE_FLAG_WHOLE4)
  assert.is(
    flagsOf({ matches: [{ match: 'connmark', mark: { not: false, value: { value: 1, mask: 1 } } }] }),
    L.IMAGE_FLAG_CONNTRACK4 | L.IMAGE_FLAG_WHOLE4,
  )
  assert.is(
    flagsOf({ matches: [{ match: 'state', state: { not: false, value: ['NEW'] } }] }),
    L.IMAGE_FLAG_CONNTRACK4 | L.IMAGE_FLAG_WHOLE4,
  )
})

test('what cannot be evaluated is refused with its file and line', () => {
  const at = (r: Partial<Rule>): string => faultsOf([filter([rule({ line: 12, ...r })])])
  assert.match(
    at({ matches: [{ match: 'set', not: false, name: 'no', dirs: ['src'] }] }),
    /^rules\.v4:12:.*set no does not exist/,
  )
  assert.match(at({ matches: [{ match: 'udp' }] }), /^rules\.v4:12: the match udp needs `-p udp`/)
  assert.match(
    at({ matches: [{ match: 'multiport', on: 'dports', not: false, ports: [{ from: 1, to: 1 }] }] }),
    /^rules\.v4:12: the match multiport needs/,
  )
  assert.match(at({ src: { not: false, value: 'fd00::/64' } }), /^rules\.v4:12: `fd00::\/64` is not an ipv4 prefix/)
  assert.match(
    at({ target: { target: 'DNAT', range: { from: '::1' } } }),
    /^rules\.v4:12: `::1` is not an ipv4 address/,
  )
  assert.match(at({ target: { target: 'jump', chain: 'X' } }), /^rules\.v4:12:.*chain X does not exist/)
  assert.match(
    at({ matches: [{ match: 'limit', rate: 1, unit: 'day', burst: 10000 }] }),
    /^rules\.v4:12:1: limit 1\/day burst 10000 is out of the kernel's range/,
  )
  const mac: IpSet = { name: 'm', type: 'hash:mac', family: 'ipv4', entries: [], options: {} }
  const uses = rule({ line: 3, matches: [{ match: 'set', not: false, name: 'm', dirs: ['src'] }] })
  assert.match(faultsOf([filter([uses])], [mac]), /^rules\.v4:3:.*hash:mac/)
  assert.is(faultsOf([filter([])], [mac]), 'none')
})

test('a rule, chain or element too many names the limit and the place', () => {
  const rules = [rule({ line: 5 }), rule({ line: 6 }), rule({ line: 7 })]
  assert.is(faultsOf([filter(rules)], [], { maxRules: 3 }), 'none')
  assert.is(
    faultsOf([filter(rules)], [], { maxRules: 2 }),
    'rules.v4:7: rule 3 is one too many for the configured capacity: raise the limit maxRules (2)',
  )
  const user: Chain = { name: 'A', policy: null, counters: ZERO, rules: [] }
  assert.match(faultsOf([filter([], [user])], [], { maxChains: 1 }), /maxChains/)
  const set: IpSet = {
    name: 's',
    type: 'hash:ip',
    family: 'ipv4',
    entries: ['10.0.0.1/32', '10.0.0.2/32'].map((prefix) => ({ parts: [{ part: 'net', prefix }], nomatch: false })),
    options: {},
  }
  const uses = rule({ line: 9, matches: [{ match: 'set', not: false, name: 's', dirs: ['src'] }] })
  assert.match(faultsOf([filter([uses])], [set], { maxSetElements: 1 }), /^rules\.v4:9: .*maxSetElements/)
})

test('depth counts the chains that are open at once; a loop has none', () => {
  assert.is(chainDepth([]), 0)
  assert.is(chainDepth([[]]), 1)
  assert.is(chainDepth([[1, 2], [2], [3], []]), 4)
  assert.is(chainDepth([[1], [0]]), -1)
  assert.is(chainDepth([[], [2], [1]]), -1)
  assert.is(chainDepth(Array.from({ length: 100_000 }, (_, i) => (i < 99_999 ? [i + 1] : []))), 100_000)
})

test('a loop of chains is refused', () => {
  const to = (name: string, chain: string): Chain => ({
    name,
    policy: null,
    counters: ZERO,
    rules: [rule({ target: { target: 'jump', chain } })],
  })
  assert.match(faultsOf([filter([], [to('A', 'B'), to('B', 'A')])]), /loop/)
})

test('limit credits are the kernel arithmetic', () => {
  // 3/hour: avg 12000000 -> 1200 * 32000; 5/sec: avg 2000 -> 2000 * 32000 / 10000
  assert.is(limitCredits(12_000_000), 38_400_000)
  assert.is(limitCredits(2000), 6400)
  // on both sides of the point where the division comes first
  assert.is(limitCredits(134_217), 429_494)
  assert.is(limitCredits(134_218), 416_000)
})

test('references that leave the image are found', () => {
  const ruleset = filter(
    [
      rule({
        matches: [
          { match: 'statistic', mode: 'nth', not: false, every: 2, packet: 0 },
          { match: 'recent', op: 'set', not: false, name: 'r', side: 'source', mask: '255.255.255.255' },
        ],
        target: { target: 'jump', chain: 'A' },
        inIface: { not: false, value: 'eth+' },
      }),
    ],
    [
      {
        name: 'A',
        policy: null,
        counters: ZERO,
        rules: [rule({ target: { target: 'DNAT', range: { from: '10.0.0.1' } } })],
      },
    ],
  )
  const { bytes } = compile(namespaceOf([ruleset], []))
  checkImage(bytes)
  const table = sectionTable(bytes)
  const bad = (section: number, offset: number, value: number): string => {
    const copy = bytes.slice()
    const words = new Uint32Array(copy.buffer)
    words[(table.get(section)!.offset + offset) >>> 2] = value
    words[L.IMAGE_CHECKSUM_OFF >>> 2] = imageChecksum(copy)
    try {
      checkImage(copy)
    } catch (error) {
      assert.instance(error, ImageError)
      return (error as Error).message
    }
    return 'none'
  }
  const rules = L.SECTION_RULES4
  assert.match(bad(rules, L.RULE_A_OFF, 2), /unknown chain/)
  assert.match(bad(rules, L.RULE_A_OFF, 0), /loop/)
  assert.match(bad(rules, L.RULE_IN_OFF, 1), /unknown interface pattern/)
  assert.match(bad(rules, L.RULE_CODE_OFF, 1 << 20), /match/)
  assert.match(bad(rules, L.RULE_CODE_COUNT_OFF, 1 << 20), /too many matches/)
  assert.match(bad(rules, L.RULE_COUNTER_OFF, 4), /counter/)
  assert.match(bad(rules, L.RULE_TARGET_OFF, 99), /target 99/)
  assert.match(bad(rules, L.RULE4_BYTES + L.RULE_B_OFF, 1 << 20), /translation outside/)
  // CODE: word 0 unused; nth 4 words at 1; recent 8 words at 5
  assert.match(bad(L.SECTION_CODE, 16, 2), /state lies outside/)
  assert.match(bad(L.SECTION_CODE, 24, 1), /unknown recent list/)
  assert.match(bad(L.SECTION_CHAINS, L.CHAIN_RULES_OFF, 9), /more rules/)
  assert.match(bad(L.SECTION_ROOTS, 4 * 17, 9), /unknown chain/)
  assert.match(bad(L.SECTION_ROOTS, 4 * 17, 2), /no policy/)
  assert.match(bad(L.SECTION_RECENTS, L.RECENTS_BUCKETS_OFF, 3), /senseless size/)
})

test('a quarter of a million rules compile in linear time', () => {
  const rules = Array.from({ length: 250_000 }, (_, i) =>
    rule({
      dst: { not: false, value: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}/32` },
      proto: { not: false, value: 6 },
      matches: [
        { match: 'comment', comment: 'a service' },
        { match: 'tcp', dport: { not: false, value: { from: 80, to: 80 } } },
      ],
      target: { target: 'ACCEPT' },
      line: i + 1,
    }),
  )
  // The processor's time, not the clock's: others may be at work on the machine.
  const timed = <T>(work: () => T): [T, number] => {
    const before = process.cpuUsage()
    const result = work()
    return [result, process.cpuUsage(before).user / 1000]
  }
  const tenth = Math.min(
    ...[0, 1, 2].map(() => timed(() => compile(namespaceOf([filter(rules.slice(0, 25_000))], [])))[1]),
  )
  const [{ bytes }, compiled] = timed(() => compile(namespaceOf([filter(rules)], [])))
  checkImage(bytes)
  // 64 bytes a record, 16 a counter, 4 a line
  assert.ok(bytes.length < 250_000 * 85, `${bytes.length} bytes`)
  assert.ok(compiled < 30 * Math.max(tenth, 20), `${compiled} ms, a tenth of the rules ${tenth} ms`)
})

test.run()
