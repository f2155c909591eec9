// One case again: a file that `--keep` wrote. Prints the difference and a small case: `again.ts FILE [BUDGET]`.
import { readFileSync } from 'node:fs'
import { printRules } from '../../src/netfilter/print.js'
import { Capabilities } from './capable.js'
import { Machine } from './machine.js'
import type { KernelCase } from './play.js'
import { shrink } from './shrink.js'

const [file = '', budget = '250'] = process.argv.slice(2)
const machine = new Machine()
const it = JSON.parse(readFileSync(file, 'utf8'), (_, v: unknown) =>
  typeof v === 'string' && /^\d+n$/.test(v) ? BigInt(v.slice(0, -1)) : v,
) as KernelCase
const capable = new Capabilities()
const fit = { ...it, namespace: await capable.fit(machine, it.namespace, it.backend) }
const small = await shrink(machine, fit, Number(budget))
machine.close()
if (small === null) console.log('agrees')
else {
  const { namespace, lines } = small.it
  for (const line of lines) console.log(JSON.stringify(line))
  for (const r of namespace.rulesets) console.log(printRules(r))
  for (const l of namespace.links)
    console.log(l.name, l.up ? '' : 'down', l.addresses.map((a) => `${a.address}/${a.prefixLength}`).join(' '))
  console.log(
    JSON.stringify({
      sysctls: namespace.sysctls,
      sets: namespace.sets,
      connections: namespace.connections,
      force: namespace.forceConntrack,
    }),
  )
  for (const r of small.run.namespace.routes)
    console.log(r.family, r.table, r.type, r.dst, JSON.stringify(r.nextHops), r.metric, r.prefsrc ?? '')
  for (const r of namespace.policyRules) console.log(JSON.stringify(r))
  console.log(small.faults.join('\n'))
}
