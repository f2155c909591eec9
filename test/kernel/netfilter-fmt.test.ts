// The printer and the reader against iptables itself: generated rule sets are loaded by iptables-legacy-restore in a new
// network namespace, and what iptables-legacy-save prints is what printRules prints. Wrong rules are refused by both.
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rulesets } from '../../src/arbitraries/netfilter.js'
import { FaultError } from '../../src/net/fault.js'
import { canonicalRules, formatRules } from '../../src/netfilter/fmt.js'
import type { Family } from '../../src/netfilter/model.js'
import { printRules } from '../../src/netfilter/print.js'
import { readRules } from '../../src/netfilter/read.js'
import { RIGHT, WRONG } from '../netfilter/rule-cases.js'
import { haveKernel } from '../support/needs.js'

const test = suite('netfilter: print and read against iptables')
const SEPARATOR = '#### next'

/** Loads each text in turn in one new namespace (every table is emptied before); what the tool says and then prints. */
function load(family: Family, texts: readonly string[]): { ok: boolean; said: string; saved: string }[] {
  const tool = family === 'ipv4' ? 'iptables-legacy' : 'ip6tables-legacy'
  const script = texts
    .map((_, i) => `unshare -n sh -c '${tool}-restore -c 2>&1 <<E${i}_; echo "$?"; ${tool}-save -c'`)
    .map((command, i) => {
      const text = texts[i]!.endsWith('\n') ? texts[i]! : `${texts[i]}\n`
      return `cat > "$dir/in" <<'END_OF_RULES'\n${text}END_OF_RULES\n${command.replace(`<<E${i}_`, '< "$0"').replace("-save -c'", `-save -c' "$dir/in"`)}\necho '${SEPARATOR}'`
    })
  const run = spawnSync('sh', ['-c', `dir=$(mktemp -d)\n${script.join('\n')}\nrm -r "$dir"`], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  return run.stdout
    .split(`${SEPARATOR}\n`)
    .slice(0, texts.length)
    .map((part) => {
      const lines = part.split('\n')
      const code = lines.findIndex((l) => /^[0-9]+$/.test(l))
      return {
        ok: lines[code] === '0',
        said: lines.slice(0, code).join('\n'),
        saved: lines
          .slice(code + 1)
          .filter((l) => !l.startsWith('#'))
          .join('\n'),
      }
    })
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
        fc.property(fc.array(rulesets({ family, selfContained: true }), { minLength: 20, maxLength: 20 }), (models) => {
          const results = load(
            family,
            models.map((m) => printRules(m, { counters: true })),
          )
          for (const [i, { ok, said, saved }] of results.entries()) {
            const text = printRules(canonicalRules(models[i]!), { counters: true })
            assert.ok(ok, `iptables-restore refuses:\n${said}\n${text}`)
            assert.is(sorted(saved), sorted(text))
            const read = readRules(saved, { file: '', family })
            assert.is(sorted(printRules(read, { counters: true })), sorted(text))
          }
        }),
        { numRuns: 6, endOnFailure: true },
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
