// `npm run bench [-- --json] [-- --quick]`: what a packet costs. One million packets in one batch and in single calls,
// new and established connections, clusters of 10, 1,000 and 10,000 services x 5 endpoints; routes; engine against the
// reference. Every row's answers are checked after the run (verdicts summed), so no row times skipped work.
// tinybench takes the times; a sample is a whole run over prepared packets, its state made anew before each.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Bench, type FnOptions } from 'tinybench'
import { compile } from '../src/compile/compile.js'
import type { Image } from '../src/compile/image.js'
import { Engine, type PacketBatch } from '../src/engine/index.js'
import { clusterOf } from '../src/kube/cluster.js'
import { nodeNamespace } from '../src/kube/node-namespace.js'
import type { Packet } from '../src/net/packet.js'
import type { NetworkNamespace } from '../src/netns/model.js'
import { ReferenceEngine } from '../src/reference/index.js'
import type { Build } from './build.js'
import { clusterObjects, generator, newConnections, prefixes, withRoutes } from './fixtures.js'
import { setPackets, withSet } from './sets.js'

export interface Row {
  work: string
  /** Packets a sample. */
  packets: number
  samples: number
  /** Median over the samples. */
  ns_per_packet: number
  packets_per_second: number
  /** From the fastest sample to the third quartile, over the median, percent. */
  spread_percent: number
  image_bytes?: number
  compile_ms?: number
  /** How many times faster than the reference, both in this run. */
  vs_reference?: number
}

const quick = process.argv.includes('--quick')
const json = process.argv.includes('--json')
const MILLION = quick ? 20_000 : 1_000_000
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const rows: Row[] = []

/** Times `run` over fresh state; `check` must hold after each sample. */
async function measure(
  work: string,
  packets: number,
  samples: number,
  before: () => void,
  run: () => void,
  check: () => void,
): Promise<Row> {
  const bench = new Bench({ iterations: samples, time: 0, warmup: false })
  const options: FnOptions = { beforeEach: before, afterEach: check }
  bench.add(work, run, options)
  await bench.run()
  const result = bench.tasks[0]?.result
  if (result?.state !== 'completed') {
    const why = result?.state === 'errored' ? String(result.error) : 'did not complete'
    throw new Error(`${work}: ${why}`)
  }
  const { p50, p75, min } = result.latency
  const ns = (p50 * 1e6) / packets
  const row: Row = {
    work,
    packets,
    samples,
    ns_per_packet: round(ns),
    packets_per_second: Math.round(1e9 / ns),
    spread_percent: round(((p75 - min) / p50) * 100),
  }
  rows.push(row)
  say(
    `${work.padEnd(58)} ${String(row.ns_per_packet).padStart(9)} ns  ${row.packets_per_second.toLocaleString('en').padStart(12)} /s`,
  )
  return row
}

const round = (x: number): number => (x >= 100 ? Math.round(x) : Math.round(x * 10) / 10)

function expect(what: string, got: number, want: number): void {
  if (got !== want) throw new Error(`${what}: ${got} of ${want} packets were forwarded: this bench did not do its work`)
}

function forwarded(batch: PacketBatch): number {
  let n = 0
  for (let i = 0; i < batch.length; i++) if (batch.verdict(i) === 'forward') n++
  return n
}

async function services(count: number): Promise<void> {
  const namespace = roomy(nodeNamespace(clusterOf(clusterObjects(count) as never[]), 'worker-1'))
  const start = performance.now()
  const image = compile(namespace)
  const facts = { compile_ms: round(performance.now() - start), image_bytes: image.bytes.byteLength }
  // A rule is read at a few ns: 10,000 services make 25,000 rules to walk for a first packet.
  const slow = count >= 10_000
  const fresh = slow ? MILLION / 10 : MILLION
  const label = `${count.toLocaleString('en')} services`
  const packets = [...newConnections(count, MILLION)]

  await batched(`${label}: new connections, one batch`, image, packets.slice(0, fresh), 0, facts, slow)
  await batched(`${label}: established, one batch`, image, packets.slice(0, 65_536), MILLION, facts, slow)
  await singles(`${label}: new connections, single calls`, image, packets.slice(0, fresh / 10), false)
  await singles(`${label}: established, single calls`, image, packets.slice(0, 4096), true)
  await against(label, namespace, packets, count)
}

/** With a conntrack table that holds every connection of a bench. */
function roomy(namespace: NetworkNamespace): NetworkNamespace {
  return { ...namespace, sysctls: { ...namespace.sysctls, 'net.netfilter.nf_conntrack_max': '2000000' } }
}

/** `again` 0: the packets once, all new; else that many packets of the same, established connections. */
async function batched(
  work: string,
  image: Image,
  packets: Packet[],
  again: number,
  facts: object,
  slow: boolean,
): Promise<void> {
  let engine: Engine
  let batch: PacketBatch
  const total = again || packets.length
  const fill = (): void => {
    engine = new Engine(image, { maxConnections: packets.length + 16 })
    batch = engine.newBatch(Math.max(total, packets.length))
    for (let i = 0; i < packets.length; i++) batch.set(i, packets[i] as Packet)
    if (again === 0) return
    engine.processBatch(batch)
    reply(engine, packets)
    const random = generator(3)
    for (let i = 0; i < total; i++)
      batch.set(i, { ...(packets[random() % packets.length] as Packet), flags: 'A', seq: 1001, ack: 1001 })
  }
  const row = await measure(
    work,
    total,
    again === 0 || slow ? 3 : 5,
    fill,
    () => void engine.processBatch(batch),
    () => expect(work, forwarded(batch), total),
  )
  Object.assign(row, facts)
}

/** Answers every connection, so that it is established. */
function reply(engine: Engine, packets: Packet[]): void {
  const back = engine.newBatch(packets.length)
  let n = 0
  for (const entry of engine.conntrack()) {
    const { reply: r } = entry
    const iface = r.src.startsWith('10.24') && Number(r.src.split('.')[1]) < 252 ? 'cni0' : 'eth0'
    back.set(n++, {
      iface,
      proto: 'tcp',
      src: r.src,
      dst: r.dst,
      sport: r.sport as number,
      dport: r.dport as number,
      flags: 'SA',
      seq: 1000,
      ack: 1001,
    })
  }
  back.length = n
  engine.processBatch(back)
  expect('replies', forwarded(back), n)
}

async function singles(work: string, image: Image, packets: Packet[], established: boolean): Promise<void> {
  let engine: Engine
  let list: Packet[] = packets
  let sum = 0
  const fill = (): void => {
    sum = 0
    engine = new Engine(image, { maxConnections: packets.length + 16 })
    if (!established) return
    for (const p of packets) engine.process(p)
    reply(engine, packets)
    const random = generator(5)
    list = Array.from({ length: MILLION / 10 }, () => ({
      ...(packets[random() % packets.length] as Packet),
      flags: 'A',
      seq: 1001,
      ack: 1001,
    }))
  }
  await measure(
    work,
    established ? MILLION / 10 : packets.length,
    3,
    fill,
    () => {
      for (const p of list) if (engine.process(p).verdict === 'forward') sum++
    },
    () => expect(work, sum, list.length),
  )
}

/** The same new connections through both engines in one run, packet by packet. */
async function against(label: string, namespace: NetworkNamespace, packets: Packet[], count: number): Promise<void> {
  const some = packets.slice(0, count >= 10_000 ? 20 : count >= 1_000 ? 200 : 2_000)
  let plane: Engine | ReferenceEngine
  let sum = 0
  const send = (): void => {
    for (const p of some) if (plane.process(p).verdict === 'forward') sum++
  }
  const check = (): void => expect(label, sum, some.length)
  const fresh = (make: () => Engine | ReferenceEngine) => (): void => {
    sum = 0
    plane = make()
  }
  const image = compile(namespace)
  const reference = await measure(
    `${label}: new, reference, single calls`,
    some.length,
    5,
    fresh(() => new ReferenceEngine(namespace)),
    send,
    check,
  )
  const engine = await measure(
    `${label}: new, engine, single calls`,
    some.length,
    5,
    fresh(() => new Engine(image, { maxConnections: some.length + 16 })),
    send,
    check,
  )
  engine.vs_reference = round(reference.ns_per_packet / engine.ns_per_packet)
}

async function routes(count: number): Promise<void> {
  const base = nodeNamespace(clusterOf(clusterObjects(0) as never[]), 'worker-1')
  const namespace = withRoutes(base, count)
  const start = performance.now()
  const image = compile(namespace)
  const facts = { compile_ms: round(performance.now() - start), image_bytes: image.bytes.byteLength }
  const list = prefixes(count)
  const random = generator(13)
  let engine: Engine
  let batch: PacketBatch
  const work = `${count.toLocaleString('en')} routes: forwarded without rules, one batch`
  const fill = (): void => {
    engine = new Engine(image)
    batch = engine.newBatch(MILLION)
    for (let i = 0; i < MILLION; i++) {
      const { dst } = list[random() % count] as { dst: string }
      batch.set(i, {
        iface: 'cni0',
        proto: 'udp',
        src: '10.244.0.9',
        dst: dst.slice(0, dst.indexOf('/')),
        sport: 1000,
        dport: 2000,
        ttl: 64,
      })
    }
  }
  const row = await measure(
    work,
    MILLION,
    5,
    fill,
    () => void engine.processBatch(batch),
    () => expect(work, forwarded(batch), MILLION),
  )
  Object.assign(row, facts)
}

/** One look-up in an ipset a packet; the row without one tells what the rest costs. */
async function sets(type: 'hash:ip' | 'hash:net' | null): Promise<void> {
  const count = 100_000
  const base = nodeNamespace(clusterOf(clusterObjects(0) as never[]), 'worker-1')
  const start = performance.now()
  const image = compile(withSet(withRoutes(base, 1), type, count))
  const facts = { compile_ms: round(performance.now() - start), image_bytes: image.bytes.byteLength }
  const packets = setPackets('cni0', '10.244.0.9', Math.max(20_000, MILLION / 10), count)
  const work =
    type === null ? 'no ipset asked, one batch' : `${count.toLocaleString('en')} elements of ${type}, one batch`
  let engine: Engine
  let batch: PacketBatch
  const fill = (): void => {
    engine = new Engine(image)
    batch = engine.newBatch(packets.length)
    packets.forEach((packet, i) => void batch.set(i, packet))
  }
  const row = await measure(
    work,
    packets.length,
    5,
    fill,
    () => void engine.processBatch(batch),
    () => expect(work, batch.length, packets.length),
  )
  Object.assign(row, facts)
}

/** What it costs to give the engine a packet as an object. */
async function filling(): Promise<void> {
  const engine = new Engine(nodeNamespace(clusterOf(clusterObjects(0) as never[]), 'worker-1'))
  const batch = engine.newBatch(MILLION)
  const packets = [...newConnections(1000, MILLION)]
  const fill = (): void => {
    for (let i = 0; i < MILLION; i++) batch.set(i, packets[i] as Packet)
  }
  fill()
  await measure(
    'filling a batch from packet objects',
    MILLION,
    5,
    () => undefined,
    fill,
    () => undefined,
  )
}

await filling()
for (const type of [null, 'hash:ip', 'hash:net'] as const) await sets(type)
for (const count of quick ? [100, 10_000] : [100, 10_000, 100_000, 1_000_000]) await routes(count)
for (const count of quick ? [10, 1_000] : [10, 1_000, 10_000]) await services(count)

/** Each in a process of its own, so that the peak is its own. */
function built(services: number, endpoints: number): Build {
  const script = fileURLToPath(new URL('build.ts', import.meta.url))
  const args = ['--import', 'tsx', '--max-old-space-size=12000', script, String(services), String(endpoints)]
  const it = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Build
  say(
    `${services.toLocaleString('en')} services x ${endpoints}: objects to loaded image ${it.build_ms} ms (${it.rules.toLocaleString('en')} rules, peak ${it.peak_mb} MB); one slice changed ${it.change_ms} ms, p99 ${it.change_p99_ms} ms`,
  )
  return it
}

const builds = (quick ? [1_000] : [1_000, 5_000, 10_000]).flatMap((n) => [built(n, 5), built(n, 50)])

const commit = ((): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown'
  }
})()
const report = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`,
  node: process.version,
  commit,
  quick,
  rows,
  builds,
}
if (!quick) {
  mkdirSync('bench/results', { recursive: true })
  writeFileSync('bench/results/latest.json', `${JSON.stringify(report, null, 2)}\n`)
}
if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
else {
  const head = ['work', 'packets', 'ns/packet', 'packets/s', 'spread %', 'image bytes', 'compile ms', 'x reference']
  const table = [
    head,
    ...rows.map((r) =>
      [
        r.work,
        r.packets,
        r.ns_per_packet,
        r.packets_per_second,
        r.spread_percent,
        r.image_bytes ?? '',
        r.compile_ms ?? '',
        r.vs_reference ?? '',
      ].map(String),
    ),
  ]
  const widths = head.map((_, i) => Math.max(...table.map((line) => (line[i] as string).length)))
  for (const line of table)
    process.stdout.write(
      `${line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join('  ')}\n`,
    )
}
