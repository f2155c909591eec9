// The commands as a user meets them: what they print, and the one line that wrong input gets.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeProgram } from '../../src/cli/main.js'
import { FaultError } from '../../src/net/fault.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const bundle = join(root, 'examples/node-bundle')
const cluster = join(root, 'examples/cluster.yaml')
const dir = mkdtempSync(join(tmpdir(), 'nodeplane-cli-'))

interface Ran {
  out: string
  err: string
  /** Faults as the command would print them; '' when it went well. */
  faults: string
}

async function run(...args: string[]): Promise<Ran> {
  const { stdout, stderr } = process
  const write = [stdout.write, stderr.write] as const
  const ran: Ran = { out: '', err: '', faults: '' }
  const into = (key: 'out' | 'err') => (text: string) => {
    ran[key] += text
    return true
  }
  stdout.write = into('out') as typeof stdout.write
  stderr.write = into('err') as typeof stderr.write
  try {
    await makeProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    ran.faults = error.message
  } finally {
    stdout.write = write[0]
    stderr.write = write[1]
  }
  return ran
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

const cli = suite('commands')
cli.after(() => rmSync(dir, { recursive: true }))

cli('every command says how it is used', () => {
  const program = makeProgram()
  for (const command of [program, ...program.commands]) {
    const text = command.helpInformation()
    assert.match(text, `Usage: ${command === program ? '' : 'nodeplane '}${command.name()}`)
  }
})

cli('trace: final word first, then the walk with places of rules', async () => {
  const { out, faults } = await run(
    'trace',
    '--bundle',
    bundle,
    'in veth3f1a9c02 tcp 10.244.1.10:41001 > 10.96.200.44:80',
  )
  assert.is(faults, '')
  const rule =
    readFileSync(join(bundle, 'iptables-save'), 'utf8')
      .split('\n')
      .findIndex((l) => l.includes('-d 10.96.200.44/32')) + 1
  assert.match(
    out.split('\n')[0] as string,
    `REJECTED with icmp-port-unreachable by filter KUBE-SERVICES rule 1 (${bundle}/iptables-save:${rule})`,
  )
  assert.match(out, '\nbecause   shop/old-cart:http has no endpoints\n')
  assert.match(out, 'FORWARD\n')
  assert.match(out, 'the answer on its way')
})

cli('trace: a packet that --cluster took for a file is the packet', async () => {
  const packet = 'udp 10.244.1.12:41000 > 10.96.0.10:53'
  const plain = await run('trace', '--node', 'worker-a1', '--cluster', cluster, '--', packet)
  const taken = await run('trace', '--node', 'worker-a1', '--cluster', cluster, packet)
  const words = await run('trace', '--node', 'worker-a1', '--cluster', cluster, ...packet.split(' '))
  assert.equal([taken.out, words.out], [plain.out, plain.out])
  assert.match(plain.out, /^FORWARDED/)
  assert.is(
    (await run('trace', '--cluster', cluster, packet)).faults,
    '--node: missing: which node of the cluster? It has worker-a1, worker-a2, worker-b1',
  )
  assert.match(
    (await run('trace', '--cluster', cluster, '--node', 'worker-a1')).faults,
    /^PACKET: missing: which packet/,
  )
  assert.match((await run('trace', '--node', 'worker-a1', packet)).faults, /^--bundle: missing/)
})

cli('trace --json: the same as data, with what was assumed', async () => {
  const { out, err } = await run(
    'trace',
    '--cluster',
    cluster,
    '--node',
    'worker-a1',
    '--json',
    'udp 10.244.1.12:41000 > 10.96.0.10:53',
  )
  const data = JSON.parse(out) as {
    verdict: string
    endpoint: { service: string }
    assumed: string[]
    steps: unknown[]
  }
  assert.is(data.verdict, 'forward')
  assert.is(data.endpoint.service, 'kube-system/kube-dns')
  assert.ok(data.steps.length > 5)
  assert.is(err.split('\n').filter((l) => l.startsWith('assumed: ')).length, data.assumed.length)
})

cli('replay: both engines print the same bytes', async () => {
  const args = ['replay', '--bundle', bundle, '--packets', join(root, 'examples/packets.jsonl'), '--trace', '--ct']
  const wasm = await run(...args)
  const naive = await run(...args, '--engine', 'reference')
  assert.is(wasm.out, naive.out)
  const lines = wasm.out
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l) as { id: number; verdict: string })
  assert.equal(
    lines.map((l) => [l.id, l.verdict]),
    [
      [1, 'forward'],
      [2, 'forward'],
      [3, 'forward'],
      [4, 'forward'],
      [5, 'forward'],
      [6, 'reject'],
      [7, 'drop'],
    ],
  )
})

cli('replay: counters, connections and a summary', async () => {
  const counters = join(dir, 'counters')
  const connections = join(dir, 'connections')
  const packets = join(root, 'examples/packets.jsonl')
  const { out } = await run(
    'replay',
    '--bundle',
    bundle,
    '--packets',
    packets,
    '--summary',
    '--counters',
    counters,
    '--conntrack',
    connections,
  )
  const summary = JSON.parse(out) as { packets: number; verdicts: Record<string, number> }
  assert.equal([summary.packets, summary.verdicts], [7, { forward: 5, reject: 1, drop: 1 }])
  // The rejected packet is one SYN of 40 bytes; the rule had counted nothing before.
  assert.match(readFileSync(counters, 'utf8'), /^\[1:40\] -A KUBE-SERVICES -d 10\.96\.200\.44\/32/m)
  assert.match(
    readFileSync(connections, 'utf8'),
    /^ipv4 {5}2 tcp {6}6 \d+ ESTABLISHED src=203\.0\.113\.9 dst=192\.168\.10\.11 sport=51812/m,
  )
})

cli('trace: which endpoints the node uses, and why not', async () => {
  const trace = (...args: string[]) => run('trace', '--cluster', cluster, '--node', 'worker-a1', ...args)
  const { out } = await trace('pod/shop/web-6d4b75cb6d-2vjrx > svc/shop/web:http')
  const lines = out.split('\n')
  assert.is(lines[2], 'endpoints 3 of 4 used on worker-a1')
  assert.is(lines[6], '  not used 10.244.3.13:8080  pod shop/web-6d4b75cb6d-zz8mf on worker-b1: not ready')
  const data = JSON.parse((await trace('--json', 'pod/shop/web-6d4b75cb6d-2vjrx > svc/shop/web:http')).out)
  assert.equal(
    data.service_port.endpoints.map((e: { internal: { used: boolean } }) => e.internal.used),
    [true, true, true, false],
  )
  // A load balancer's address: who is let in, and what Local leaves on this node.
  const blocked = (await trace('in eth0 tcp 192.0.2.7:40000 > 198.51.100.20:443')).out
  assert.match(blocked, /^DROPPED by filter KUBE-PROXY-FIREWALL/)
  assert.match(blocked, '\nallowed   only from 203.0.113.0/24, 192.168.50.0/24 (loadBalancerSourceRanges)\n')
})

cli('rules: settings of kube-proxy without effect are listed', async () => {
  const config = (text: string) =>
    file('kp.yaml', `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${text}`)
  const rules = (path: string) => run('rules', '--cluster', cluster, '--node', 'worker-a1', '--proxy-config', path)
  const path = config('ipvs: {scheduler: rr}\nhostnameOverride: worker-b1\n')
  const { err } = await rules(path)
  assert.match(err, `note: ${path}: no effect on rules and packets: ipvs.scheduler (about the mode ipvs)\n`)
  assert.match(err, 'hostnameOverride is worker-b1: passed over for node worker-a1')
  assert.match((await rules(config('mode: ipvs\n'))).faults, /kp\.yaml:3:7: mode: Invalid value: "ipvs"/)
})

cli('rules: what is printed loads again, and names no node that is not there', async () => {
  const { out } = await run('rules', '--cluster', cluster, '--node', 'worker-a1')
  assert.match(out, '-A KUBE-SERVICES -d 10.96.41.7/32 -p tcp')
  assert.is((await run('fmt', file('rules', out))).faults, '')
  assert.match((await run('rules', '--cluster', cluster, '--node', 'worker-9')).faults, 'no Node of that name')
})

cli('fmt: as iptables-save prints it', async () => {
  const { out } = await run(
    'fmt',
    file('ssh.rules', '*filter\n-A INPUT -p tcp --dport ssh -s 10.1.2.3 -j ACCEPT\nCOMMIT\n'),
  )
  assert.match(out, '-A INPUT -s 10.1.2.3/32 -p tcp -m tcp --dport 22 -j ACCEPT\n')
})

const save = (rules: string): string => `*filter\n:INPUT ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n${rules}COMMIT\n`
const service = (ports: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec:\n  clusterIP: 10.96.0.5\n  ports:\n${ports}`
const tar = (name: string): Uint8Array => {
  const header = new Uint8Array(1536)
  const put = (at: number, text: string): void => void header.set(new TextEncoder().encode(text), at)
  put(0, name)
  put(100, '0000644\0')
  put(124, '00000000000\0')
  put(136, '00000000000\0')
  put(156, '0')
  put(257, 'ustar\x0000')
  put(148, '        ')
  const sum = header.subarray(0, 512).reduce((a, b) => a + b, 0)
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `)
  return header
}

const wrong: [string, (path: (name: string, content: string | Uint8Array) => string) => string[], RegExp][] = [
  [
    'truncated YAML',
    (f) => ['rules', '--node', 'n', '--cluster', f('cut.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {name: we')],
    /cut\.yaml:3:\d+: /,
  ],
  [
    'a Service with port 70000',
    (f) => ['rules', '--node', 'n', '--cluster', f('port.yaml', service('  - port: 70000\n    protocol: TCP\n'))],
    /port\.yaml:7:11: .*ports\[0\]\.port.*70000/,
  ],
  [
    'an address that is none',
    (f) => [
      'rules',
      '--node',
      'n',
      '--cluster',
      f('addr.yaml', service('  - port: 80\n').replace('10.96.0.5', '10.96.0.500')),
    ],
    /addr\.yaml:5:14: .*clusterIP.*10\.96\.0\.500/,
  ],
  [
    'a chain that is not defined',
    (f) => ['fmt', f('undefined.rules', save('-A INPUT -j NOWHERE\n'))],
    /undefined\.rules:5:13: .*NOWHERE/,
  ],
  [
    'a loop by jump',
    (f) => ['fmt', f('loop.rules', save('-A INPUT -j A\n-A A -j B\n-A B -j A\n'))],
    /loop\.rules:\d+.*loop/,
  ],
  [
    'a loop by goto',
    (f) => ['fmt', f('goto.rules', save('-A INPUT -j A\n-A A -g B\n-A B -g A\n'))],
    /goto\.rules:\d+.*loop/,
  ],
  [
    '--probability 1.5',
    (f) => ['fmt', f('prob.rules', save('-A INPUT -m statistic --mode random --probability 1.5 -j DROP\n'))],
    /prob\.rules:5:\d+: .*1\.5/,
  ],
  [
    'a match that is not known',
    (f) => ['fmt', f('match.rules', save('-A INPUT -m quantum --spin up -j DROP\n'))],
    /match\.rules:5:13: .*quantum/,
  ],
  [
    'a packet line with an unknown protocol',
    (f) => [
      'replay',
      '--bundle',
      bundle,
      '--packets',
      f('proto.jsonl', '{"iface":"eth0","proto":"tpc","src":"1.2.3.4","dst":"192.168.10.11"}\n'),
    ],
    /proto\.jsonl:1:\d+: .*tpc/,
  ],
  [
    'a packet line with an unknown interface',
    (f) => [
      'replay',
      '--bundle',
      bundle,
      '--packets',
      f('iface.jsonl', '{"iface":"eth7","proto":"icmp","src":"1.2.3.4","dst":"192.168.10.11"}\n'),
    ],
    /iface\.jsonl:1:\d+: .*eth7/,
  ],
  [
    'a reference to a later packet',
    (f) => ['replay', '--bundle', bundle, '--packets', f('later.jsonl', '{"id":1,"reply_to":2}\n')],
    /later\.jsonl:1:\d+: /,
  ],
  ['an empty file', (f) => ['fmt', f('empty.rules', '')], /empty\.rules: no table in this file/],
  ['an empty cluster file', (f) => ['rules', '--node', 'n', '--cluster', f('empty.yaml', '')], /empty\.yaml.*empty/],
  [
    'a binary file',
    (f) => ['fmt', f('binary.rules', new Uint8Array([0, 255, 254, 1, 2, 3, 0, 200]))],
    /binary\.rules: .*(binary|UTF-8)/,
  ],
  ['a gzip bomb', (f) => ['fmt', f('bomb.gz', gzipSync(new Uint8Array(300_000_000)))], /bomb\.gz: .*bytes/],
  [
    'a YAML bomb',
    (f) => [
      'rules',
      '--node',
      'n',
      '--cluster',
      f(
        'bomb.yaml',
        `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
          .split('')
          .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(',')}]\n`)
          .join('')}`,
      ),
    ],
    /bomb\.yaml.*alias/i,
  ],
  [
    'a tar that leaves its folder',
    (f) => ['trace', '--bundle', f('evil.tar', tar('../../etc/passwd')), '10.0.0.1 > 10.0.0.2:1'],
    /evil\.tar: .*\.\./,
  ],
  [
    '__proto__ as a key',
    (f) => [
      'replay',
      '--bundle',
      bundle,
      '--packets',
      f('key.jsonl', '{"__proto__":1,"iface":"eth0","proto":"tcp","src":"1.2.3.4","dst":"192.168.10.11","dport":1}\n'),
    ],
    /key\.jsonl:1:\d+: .*__proto__/,
  ],
  ['no bundle and no cluster', () => ['trace', '10.0.0.1 > 10.0.0.2:1'], /--bundle: missing/],
]
for (const [what, args, message] of wrong)
  cli(`refused: ${what}`, async () => {
    const { faults, out } = await run(...args(file))
    assert.match(faults, message)
    assert.is(out, '', 'nothing was printed')
    assert.ok(faults.split('\n').length <= 3, 'one clear error')
  })

cli('a note, not an error: an EndpointSlice without its Service', async () => {
  const text = `apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\nstatus: {addresses: [{type: InternalIP, address: 10.0.0.1}]}\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: lost-1, namespace: shop, labels: {kubernetes.io/service-name: lost}}\naddressType: IPv4\nports: [{port: 80}]\nendpoints: [{addresses: [10.244.0.9]}]\n`
  const { faults, err } = await run('rules', '--node', 'node-1', '--cluster', file('lost.yaml', text))
  assert.is(faults, '')
  assert.match(err, /note: .*lost/)
})

cli('text from outside is escaped', async () => {
  const rules = save('-A INPUT -m comment --comment "\u001b[31mred" -p tcp -j DROP\n')
  const files = mkdtempSync(join(dir, 'escape-'))
  writeFileSync(join(files, 'iptables-save'), rules)
  writeFileSync(join(files, 'ip-addr.json'), readFileSync(join(bundle, 'ip-addr.json')))
  const { out, faults } = await run('trace', '--bundle', files, 'in eth0 tcp 203.0.113.9:1 > 192.168.10.11:80')
  assert.not.match(out + faults, '\u001b')
  assert.match(out + faults, '\\u{1b}[31mred')
})

cli.run()
