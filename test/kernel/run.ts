// Random cases through the kernel and both engines: `npm run test:kernel -- --cases N --seed S`.
//   --family 4|6   --backend legacy|nft|both (each in turn)   --jobs N   --keep FOLDER   --first N   --budget N   --table   --repeat N
import { parseArgs } from 'node:util'
import { runCases, summary } from './runner.js'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    family: { type: 'string' },
    backend: { type: 'string', default: 'both' },
    jobs: { type: 'string', default: '4' },
    first: { type: 'string', default: '0' },
    budget: { type: 'string', default: '120' },
    repeat: { type: 'string', default: '1' },
    keep: { type: 'string' },
    kinds: { type: 'string' },
    table: { type: 'boolean', default: false },
  },
})

const totals = await runCases({
  cases: Number(values.cases),
  seed: Number(values.seed),
  backend: values.backend as 'legacy' | 'nft' | 'both',
  family: values.family === undefined ? undefined : values.family === '6' ? 'ipv6' : 'ipv4',
  jobs: Number(values.jobs),
  first: Number(values.first),
  budget: Number(values.budget),
  ...(values.kinds === undefined ? {} : { kinds: values.kinds.split(',') }),
  repeat: Number(values.repeat),
  keep: values.keep,
  say: (text) => process.stdout.write(text),
})
if (values.table) {
  const { lines, zeros } = totals.table.print()
  process.stdout.write(`${lines.join('\n')}\nnever: ${zeros.join(', ') || 'nothing'}\n`)
}
process.stdout.write(`${summary(totals)}\n`)
process.exit(totals.different > 0 ? 1 : 0)
