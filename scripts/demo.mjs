// `npm run demo`: the main job on the files of examples/, as a person would type it.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))

/** [what it shows, arguments] */
const STEPS = [
  [
    'A pod calls a Service: which endpoint, by which rules? From the cluster alone.',
    [
      'trace',
      '--cluster',
      'examples/cluster.yaml',
      '--node',
      'worker-a1',
      'pod/shop/web-6d4b75cb6d-2vjrx > svc/shop/web:http',
    ],
  ],
  [
    'A client from outside calls a node port. From what the node itself printed.',
    ['trace', '--bundle', 'examples/node-bundle', 'in eth0 tcp 203.0.113.9:51812 > 192.168.10.11:30080'],
  ],
  [
    'Seven packets, one JSON line each.',
    ['replay', '--bundle', 'examples/node-bundle', '--packets', 'examples/packets.jsonl'],
  ],
]

const quote = (word) => (/^[\w./-]+$/.test(word) ? word : `'${word}'`)
for (const [title, args] of STEPS) {
  process.stdout.write(`\n# ${title}\n$ nodeplane ${args.map(quote).join(' ')}\n\n`)
  const { status } = spawnSync(process.execPath, [main, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
