// Rules by their lines: each is printed as iptables prints it, or refused as iptables refuses it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatRules } from '../../src/netfilter/fmt.js'
import { HOST_LINES } from './host-lines.js'
import { ruleLines } from './rule-lines.js'

const test = suite('netfilter: lines')

for (const { line, family, text, printed } of [...ruleLines(), ...ruleLines([HOST_LINES])]) {
  test(line, () => {
    const format = (): string =>
      formatRules(text, { file: 'rules', family })
        .split('\n')
        .filter((l) => l.startsWith('-A '))
        .join(' ; ')
    if (printed === null) assert.throws(format, (e: unknown) => (e as Error).name === 'FaultError')
    else assert.is(format(), printed)
  })
}

test.run()
