// kube-proxy's rules in the running kernel: iptables-restore takes them as kube-proxy hands them over, what is there then is
// what we print as iptables-save, and packets to every door of every Service end where both engines send them, with every
// endpoint that may be chosen seen to be chosen. Both backends, both families, a cluster for each group of features.
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ExplainedPort, explainEndpoints } from '../../src/kube/explain.js'
import { keyOf } from '../../src/kube/objects.js'
import { proxyRestoreText, proxyRules } from '../../src/kube/proxy.js'
import { proxyOptions } from '../../src/kube/proxy-options.js'
import type { Backend, Family } from '../../src/netfilter/model.js'
import { printRules } from '../../src/netfilter/print.js'
import { haveKernel } from '../support/needs.js'
import { compareRun } from './compare.js'
import { doorsOf, IDS, type Probe, packetsOf } from './kube-doors.js'
import { FEATURES, type Feature, jumpsOnly, NODE, namespaceOf } from './kube-features.js'
import { Machine } from './machine.js'
import { playKernel } from './play.js'

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']
const BACKENDS: readonly Backend[] = ['legacy', 'nft']
const kernel = suite("kernel: kube-proxy's rules")

/** What a shell prints in a network namespace of its own; `files` are there as $1, $2 … */
function inNamespace(script: string, ...files: string[]): string {
  const named = files.map(
    (text, i) => `f${i + 1}=$(mktemp); cat > $f${i + 1} <<'NODEPLANE-END'\n${text}NODEPLANE-END\n`,
  )
  const ran = spawnSync('unshare', ['-n', 'bash', '-e'], { input: `${named.join('')}${script}\n`, encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`${ran.stderr}${ran.stdout}`)
  return ran.stdout
}

/** The rules of a listing by table, chains in any order (nft lists them as they were made). */
function listing(text: string): string[] {
  let table = ''
  return text
    .split('\n')
    .flatMap((line) => {
      if (line.startsWith('*')) table = line
      if (line === '' || line.startsWith('#') || line.startsWith('*') || line === 'COMMIT') return []
      const bare = line.replace(/ \[\d+:\d+\]$/, '')
      return [`${table} ${bare}`]
    })
    .map((line, i) => ({ key: line.replace(/^(\S+ (?::|-A )\S+).*/, '$1'), line, i }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.i - b.i))
    .map(({ line }) => line)
}

/** Where packets of a probe went: endpoints, or the verdict. */
function ends(probe: Probe, answers: readonly { verdict: string; dst?: string; dport?: number }[]): Set<string> {
  return new Set(
    answers.map(({ verdict, dst, dport }) =>
      verdict === 'drop' || verdict === 'reject' ? verdict : dst === probe.dst ? 'untouched' : `${dst} ${dport}`,
    ),
  )
}

function wanted(probe: Probe, port: ExplainedPort): Set<string> | null {
  const traffic = port[probe.traffic]
  if (probe.want !== undefined) return probe.want === null ? null : new Set([probe.want])
  if (traffic === undefined) return null
  if (traffic.result !== 'endpoints') return new Set([traffic.result])
  const used = port.endpoints.filter((e) => e[probe.traffic]?.used)
  return new Set(used.map(({ endpoint }) => endpoint.replace(/^\[?(.*?)\]?:(\d+)$/, '$1 $2')))
}

function run(feature: Feature, backend: Backend): void {
  const { cluster, config } = feature
  for (const family of FAMILIES) {
    const options = { ...proxyOptions(cluster, NODE, family, config), ...feature.options, backend }
    const program = `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}`
    const whole = printRules(proxyRules(cluster, options))
    kernel(`${feature.name}: ${program}-restore takes both formats`, () => {
      const text = proxyRestoreText(cluster, options)
      const saved = inNamespace(`${program}-restore < $f1; ${program}-save`, whole)
      assert.equal(listing(saved), listing(whole))
      // As kube-proxy loads it: over its jumps, and again over itself.
      const restore = `${program}-restore --noflush --counters < $f2`
      const over = inNamespace(
        `${program}-restore < $f1; ${restore}; ${restore}; ${program}-save`,
        jumpsOnly(options),
        text,
      )
      assert.equal(listing(over), listing(whole))
    })
  }
  kernel(`${feature.name}: packets in the kernel (${backend}) and in both engines`, async () => {
    const machine = new Machine()
    try {
      const probes = cluster.services.flatMap((service) =>
        explainEndpoints(cluster, NODE, keyOf(service.metadata), { proxyConfig: config }).ports.flatMap((port) =>
          doorsOf(service, port, feature).map((probe) => ({ probe, port })),
        ),
      )
      const lines = probes.flatMap(({ probe }, i) => packetsOf(probe, i))
      const played = await playKernel(machine, { namespace: namespaceOf(feature, backend), lines, backend })
      assert.is(played.packets.length, lines.length)
      assert.equal(compareRun(played), [])
      for (const [i, { probe, port }] of probes.entries()) {
        const want = wanted(probe, port)
        const own = played.answers.filter((a) => Math.floor((a.id - 1) / IDS) === i)
        const got = ends(probe, own as never)
        const stays = new Map(own.map((a) => [a.in.src, a.dst]))
        if (probe.clients) for (const a of own) assert.is(a.dst, stays.get(a.in.src), `${probe.name}: affinity`)
        if (want !== null) assert.equal([...got].sort(), [...want].sort(), `${probe.name} ${probe.traffic}`)
      }
    } finally {
      machine.close()
    }
  })
}

if (haveKernel("kube-proxy's rules in the kernel")) {
  for (const feature of FEATURES) for (const backend of BACKENDS) run(feature, backend)
}

kernel.run()
