// The printer and the reader against iptables itself: generated rule sets are loaded by iptables-legacy-restore in a new
// network namespace, and what iptables-legacy-save prints is what printRules prints. Wrong rules are refused by both.
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rulesets } from '../../src/arbitraries/netfilter.js'
import { FaultError } from '../../src/net/fault.js'
import { canonicalRules, formatRules } from '../../src/netfilter/fmt.js'
import type { Backend, Family } from '../../src/netfilter/model.js'
import { printRules } from '../../src/netfilter/print.js'
import { readRules } from '../../src/netfilter/read.js'
import { RIGHT, WRONG } from '../netfilter/rule-cases.js'
import { ruleLines } from '../netfilter/rule-lines.js'
import { haveKernel } from '../support/needs.js'

const test = suite('netfilter: print and read against iptables')
const SEPARATOR = '#### next'

/** Loads each text in a namespace of its own; whether the tool took it, what it said, and what it then prints. */
function load(
  family: Family,
  texts: readonly string[],
  backend: Backend = 'legacy',
): { ok: boolean; said: string; saved: string }[] {
  const tool = `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}`
  return texts.map((input) => {
    const script = `${tool}-restore -c 2>&1 || exit 1; echo; echo '${SEPARATOR}'; ${tool}-save -c`
    const run = spawnSync('unshare', ['-n', 'sh', '-c', script], { input, encoding: 'utf8', maxBuffer: 1 << 26 })
    const [said = '', saved = ''] = run.stdout.split(`${SEPARATOR}\n`)
    const lines = saved.split('\n').filter((l) => !l.startsWith('#'))
    return { ok: run.status === 0, said, saved: lines.join('\n') }
  })
}

/** The rules of a text, without counters. */
function rulesOf(text: string): string {
  const lines = text.split('\n').map((l) => l.replace(/^\[.*?\] /, ''))
  return lines.filter((l) => l.startsWith('-A ')).join(' ; ')
}

/** Tables by name: the tool prints them in the order in which the kernel holds them. */
function sorted(text: string): string {
  return text
    .split(/(?<=^COMMIT\n)/m)
    .sort()
    .join('')
}

if (haveKernel('netfilter: print and read against iptables')) {
  for (const family of ['ipv4', 'ipv6'] as const) {
    test(`generated rule sets, ${family}: saved as printed`, () => {
      fc.assert(
        fc.property(rulesets({ family, selfContained: true }), (model) => {
          const [result] = load(family, [printRules(model, { counters: true })])
          const { ok, said, saved } = result!
          const text = printRules(canonicalRules(model), { counters: true })
          assert.ok(ok, `iptables-restore refuses:\n${said}\n${text}`)
          assert.is(sorted(saved), sorted(text))
          const read = readRules(saved, { file: '', family })
          assert.is(sorted(printRules(read, { counters: true })), sorted(text))
        }),
        { numRuns: 60, endOnFailure: true },
      )
    })

    test(`hand-written rules, ${family}: saved as fmt prints them`, () => {
      const cases = RIGHT.filter((c) => c.family === family && c.loads !== false)
      for (const [i, { ok, said, saved }] of load(
        family,
        cases.map((c) => c.text),
      ).entries()) {
        const { name, text } = cases[i]!
        assert.ok(ok, `${name}: iptables-restore refuses: ${said}`)
        assert.is(sorted(saved), sorted(formatRules(text, { file: name, family, counters: true })), name)
      }
    })

    test(`single lines, ${family}: saved as listed, or refused`, () => {
      const cases = ruleLines().filter((c) => c.family === family)
      for (const [i, { ok, saved }] of load(
        family,
        cases.map((c) => c.text),
      ).entries()) {
        const { line, printed, taken } = cases[i]!
        assert.is(ok, taken, line)
        const rules = saved.split('\n').flatMap((l) => (/^\[.*\] -A /.test(l) ? [l.replace(/^\[.*?\] /, '')] : []))
        if (printed !== null) assert.is(rules.join(' ; '), printed, line)
      }
    })

    test(`single lines, ${family}, nft: taken and saved as fmt says for that backend`, () => {
      const cases = ruleLines().filter((c) => c.family === family && !c.line.includes('RATEEST'))
      const ours = cases.map(({ text }) => {
        try {
          return rulesOf(formatRules(text, { file: 'rules', family, backend: 'nft' }))
        } catch (error) {
          if (!(error instanceof FaultError)) throw error
          return null
        }
      })
      for (const [i, { ok, saved }] of load(
        family,
        cases.map((c) => c.text),
        'nft',
      ).entries()) {
        const { line, taken } = cases[i]!
        const stricter = taken && cases[i]!.printed === null
        if (!stricter) assert.is(ok, ours[i] !== null, line)
        if (ours[i] !== null) assert.is(rulesOf(saved), ours[i], line)
      }
    })

    test(`wrong rules, ${family}: refused by both`, () => {
      const cases = WRONG.filter((c) => c.family === family)
      for (const [i, { ok }] of load(
        family,
        cases.map((c) => c.text),
      ).entries()) {
        const { name, text, stricter } = cases[i]!
        assert.is(ok, stricter === true, `${name}: iptables-restore ${ok ? 'takes' : 'refuses'} it`)
        assert.throws(
          () => readRules(text, { file: name, family }),
          (e: unknown) => e instanceof FaultError,
          name,
        )
      }
    })
  }
} else test.skip('print and read against iptables', () => {})

test.run()
