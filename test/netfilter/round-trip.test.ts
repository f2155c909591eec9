// Printing and reading are each other's inverse, for rule sets in every form; the generators reach every form.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rulesets } from '../../src/arbitraries/netfilter.js'
import { canonicalRules, formatRules } from '../../src/netfilter/fmt.js'
import type { Family, Match, Rule, Ruleset, Target } from '../../src/netfilter/model.js'
import { printRule, printRules } from '../../src/netfilter/print.js'
import { readRules } from '../../src/netfilter/read.js'

const test = suite('netfilter: print and read')

/** A rule set without what a text cannot hold. */
function bare(ruleset: Ruleset): unknown {
  return {
    ...ruleset,
    file: '',
    tables: ruleset.tables.map((t) => ({
      ...t,
      chains: t.chains.map((c) => ({ ...c, rules: c.rules.map((r) => ({ ...r, line: 0 })) })),
    })),
  }
}

test('read(print(model)) is the model', () => {
  fc.assert(
    fc.property(rulesets(), (model) => {
      const read = readRules(printRules(model), { file: '', family: model.family })
      assert.equal(bare(read), bare(model))
    }),
    { numRuns: 150 },
  )
})

test('print(read(text)) is the text; fmt of it is its own fmt', () => {
  fc.assert(
    fc.property(rulesets(), fc.boolean(), (model, counters) => {
      const text = printRules(model, { counters })
      assert.is(printRules(readRules(text, { file: '', family: model.family })), text)
      const once = formatRules(text, { file: '', family: model.family })
      assert.is(formatRules(once, { file: '', family: model.family }), once)
      assert.is(once, printRules(canonicalRules(model), { counters: false }))
    }),
    { numRuns: 75 },
  )
})

const MATCHES: readonly Match['match'][] = [
  ...([
    'comment',
    'tcp',
    'udp',
    'sctp',
    'icmp',
    'icmp6',
    'conntrack',
    'state',
    'mark',
    'connmark',
    'addrtype',
  ] as const),
  ...(['statistic', 'recent', 'multiport', 'iprange', 'set', 'limit', 'physdev', 'nfacct'] as const),
  ...([
    'length',
    'ttl',
    'hl',
    'tos',
    'dscp',
    'ecn',
    'cpu',
    'owner',
    'quota',
    'hashlimit',
    'time',
    'rpfilter',
    'connbytes',
    'connlimit',
  ] as const),
]
const TARGETS: readonly Target['target'][] = [
  ...(['jump', 'goto', 'ACCEPT', 'DROP', 'RETURN', 'REJECT', 'DNAT', 'SNAT', 'MASQUERADE', 'REDIRECT'] as const),
  ...(['MARK', 'CONNMARK', 'LOG', 'NFLOG', 'CT', 'NOTRACK', 'TCPMSS', 'CHECKSUM', 'NETMAP', 'SNPT', 'DNPT'] as const),
]
const NEVER_NEGATED = ['connlimit', 'hashlimit', 'time', 'rpfilter', 'comment', 'limit', 'nfacct']

test('the generators reach every match and target, negated where that is possible, in both families', () => {
  const seen = new Set<string>()
  const note = (family: Family, rule: Rule): void => {
    const text = printRule('X', rule)
    for (const m of rule.matches) {
      const part = printRule('X', { matches: [m], line: 0 })
      seen.add(`${family} ${m.match}`)
      if (part.includes(' ! ')) seen.add(`${family} ! ${m.match}`)
    }
    for (const letter of ['s', 'd', 'i', 'o', 'p', 'f']) {
      if (text.includes(` ! -${letter}`)) seen.add(`${family} ! -${letter}`)
    }
    if (rule.target !== undefined) seen.add(`${family} ${rule.target.target}`)
  }
  const wanted: string[] = []
  for (const family of ['ipv4', 'ipv6'] as const) {
    const other = family === 'ipv4' ? ['icmp6', 'hl'] : ['icmp', 'ttl']
    for (const m of MATCHES.filter((x) => !other.includes(x))) {
      wanted.push(`${family} ${m}`)
      if (!NEVER_NEGATED.includes(m)) wanted.push(`${family} ! ${m}`)
    }
    for (const t of TARGETS) if (family === 'ipv6' || !t.endsWith('NPT')) wanted.push(`${family} ${t}`)
    for (const letter of family === 'ipv4' ? 'sdiopf' : 'sdiop') wanted.push(`${family} ! -${letter}`)
  }
  let missing = wanted
  for (let round = 0; round < 40 && missing.length > 0; round++) {
    for (const model of fc.sample(rulesets({ rules: 8 }), { numRuns: 50, seed: round + 1 })) {
      for (const table of model.tables) for (const c of table.chains) for (const r of c.rules) note(model.family, r)
    }
    missing = missing.filter((w) => !seen.has(w))
  }
  assert.equal(missing, [])
})

test.run()
