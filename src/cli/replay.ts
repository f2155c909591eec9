// `nodeplane replay`: packets through one namespace, one JSON line each.
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { Engine } from '../engine/index.js'
import { describeEndpoint } from '../kube/names.js'
import { escapeText, fail } from '../net/fault.js'
import type { Answer } from '../net/packet.js'
import { printRules } from '../netfilter/print.js'
import { savedRules } from '../netfilter/saved.js'
import { readChoices } from '../netns/choices.js'
import { formatConntrack } from '../netns/conntrack.js'
import type { DataPlane } from '../netns/dataplane.js'
import type { NetworkNamespace } from '../netns/model.js'
import { readTextInput } from '../netns/node/read-bundle.js'
import { ReferenceEngine } from '../reference/index.js'
import { FollowingEngine } from './choices.js'
import { loadSource, type SourceOptions, wallClockOf, withSource } from './input.js'
import { Output } from './output.js'
import { PacketTap } from './pcap-out.js'
import { CaptureSource, DEFAULT_REMEMBER, LineSource, type PacketSource } from './replay-source.js'
import { Summary } from './summary.js'
import { Progress } from './terminal.js'

interface ReplayOptions extends SourceOptions {
  packets?: string
  pcap?: string
  iface?: string
  trace?: boolean
  ct?: boolean
  counters?: string
  conntrack?: string
  pcapOut?: string
  remember: number
  engine: 'wasm' | 'reference'
  random: bigint
  choices?: string
  summary?: boolean
  wallClock?: string
}

function parseSeed(text: string): bigint {
  if (/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text) && BigInt(text) < 1n << 64n) return BigInt(text)
  return fail('--random', 0, 0, `'${text}' is no seed, expected a number from 0 to 2^64-1`)
}

function parseRemember(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text)
  return fail('--remember', 0, 0, `'${text}' is no number of lines, expected 1 to 999999999`)
}

export function replayCommand(): Command {
  return withSource(new Command('replay'))
    .summary('packets through one namespace, one JSON line each')
    .description('Sends packets one after the other through a node and prints one JSON line for each, in order.')
    .option('--packets <file>', "packets, JSON lines; '-' is stdin")
    .option('--pcap <file>', 'packets from a pcap or pcapng capture; needs --iface')
    .option('--iface <name>', 'the interface on which captured packets come in')
    .option('--trace', 'list the rules that matched')
    .option('--ct', "add the packet's conntrack entry")
    .option('--counters <file>', 'write iptables-save -c text after the run (and FILE.v6)')
    .option('--conntrack <file>', 'write what conntrack -L -o extended would print after the run')
    .option('--engine <engine>', 'wasm or reference (the naive one)', 'wasm')
    .addOption(new Option('--random <seed>', 'seed of every random choice').argParser(parseSeed).default(0n, '0'))
    .option(
      '--choices <file>',
      "answers (JSON lines, the kernel's say) whose random choices are followed; needs --packets",
    )
    .option(
      '--pcap-out <file>',
      "write what leaves (sent on, out, answers) as a pcapng capture; '-' instead of the answers",
    )
    .addOption(
      new Option('--remember <lines>', 'how many lines of a long packet file later lines can refer to')
        .argParser(parseRemember)
        .default(DEFAULT_REMEMBER),
    )
    .option('--wall-clock <instant>', 'the time of day at clock 0, RFC 3339, for rules of the match time')
    .option('--summary', 'print one object instead: counts by verdict and by rule, packets per second')
    .addHelpText(
      'after',
      `
Packets: {"iface":"eth0","proto":"tcp","src":"203.0.113.9","dst":"192.168.10.11","sport":40000,"dport":30080}
Relative: {"id":2,"reply_to":1,"flags":"SA"}  {"id":3,"again":1,"flags":"A"}  {"error_to":1}; time: at_ms or gap_ms.

Files may be larger than memory, compressed (gzip), or '-' (standard input or output). Of packet lines up to 8 MB all faults
are found before the first answer; longer ones and pipes are answered as they come, up to a faulty line.

Examples:
  nodeplane replay --bundle node-dump/ --packets packets.jsonl --ct --trace
  nodeplane replay --bundle node-dump/ --pcap eth0.pcap --iface eth0 --summary
  tcpdump -i eth0 -w - | nodeplane replay --bundle node-dump/ --pcap - --iface eth0 --pcap-out out.pcapng
  nodeplane replay --bundle node-dump/ --packets packets.jsonl --counters after.rules --conntrack after.conntrack
`,
    )
    .action((options: ReplayOptions) => replay(options))
}

/** Options that would read or write one stream twice are refused. */
function checkOptions(options: ReplayOptions): void {
  if (options.engine !== 'wasm' && options.engine !== 'reference')
    fail('--engine', 0, 0, `'${options.engine}' is no engine, expected wasm or reference`)
  if ((options.packets === undefined) === (options.pcap === undefined))
    fail('--packets', 0, 0, 'give --packets FILE or --pcap FILE --iface NAME')
  if (options.pcap !== undefined && options.iface === undefined)
    fail('--iface', 0, 0, 'missing: on which interface do the captured packets come in?')
  if (options.pcap === undefined && options.iface !== undefined)
    fail('--iface', 0, 0, 'packet lines name their interface themselves; --iface goes with --pcap')
  if (options.choices !== undefined && options.packets === undefined)
    fail('--choices', 0, 0, 'answers are found by the ids of packets: give --packets FILE')
  const from = { packets: 0, pcap: 0, choices: 0, bundle: 0, cluster: 0, proxyConfig: 0 }
  const taken = (Object.keys(from) as (keyof typeof from)[]).filter((key) => [options[key]].flat().includes('-'))
  if (taken.length > 1 || options.cluster?.filter((f) => f === '-').length === 2)
    fail(`--${taken.at(-1)}`, 0, 0, `standard input is read by --${taken[0]} already`)
  if (options.pcapOut === '-')
    for (const [given, name] of [
      [options.summary, '--summary'],
      [options.counters === '-', '--counters -'],
      [options.conntrack === '-', '--conntrack -'],
    ])
      if (given) fail('--pcap-out', 0, 0, `standard output cannot take the capture and ${name}`)
}

/** A file that is written shall not turn out to be none after a long run. */
function checkWritable(file: string | undefined): void {
  if (file === undefined || file === '-') return
  try {
    closeSync(openSync(file, 'a'))
  } catch (error) {
    fail(file, 0, 0, `cannot be written (${(error as { code?: string }).code ?? 'unknown error'})`)
  }
}

function sourceOf(options: ReplayOptions, namespace: NetworkNamespace): PacketSource {
  const interfaces = new Set(namespace.links.map((l) => l.name))
  if (options.packets !== undefined) return new LineSource(options.packets, interfaces, options.remember)
  const iface = options.iface as string
  const link = namespace.links.find((l) => l.name === iface)
  if (link === undefined) return fail('--iface', 0, 0, `there is no interface '${escapeText(iface)}' in this namespace`)
  return new CaptureSource(options.pcap as string, iface, link.mtu)
}

/** So much text is written at once. */
const WRITE_CHARS = 1 << 16

async function replay(options: ReplayOptions): Promise<void> {
  checkOptions(options)
  const { namespace, cluster } = loadSource(options)
  const source = sourceOf(options, namespace)
  for (const file of [options.counters, options.conntrack, options.pcapOut]) checkWritable(file)
  const links = options.pcapOut === undefined ? null : namespace.links.map((l) => l.name)
  const plane = new PacketTap(dataPlane(namespace, options), links)
  const want = { trace: options.trace === true && !options.summary, ct: options.ct === true && !options.summary }
  const capture = options.pcapOut === undefined ? undefined : new Output(options.pcapOut)
  const lines = options.pcapOut === '-' ? undefined : new Output('-')

  const progress = new Progress('packets')
  const summary = options.summary ? new Summary(plane.counters()) : undefined
  const started = process.hrtime.bigint()
  let done = 0
  let out = ''
  const flush = async (): Promise<void> => {
    const text = out
    out = ''
    if (text !== '') await lines?.write(text)
    if (capture !== undefined) await plane.flush(capture)
  }
  try {
    for await (const answers of source.answers({ plane, want, tap: plane })) {
      for (const answer of answers) {
        done++
        if (summary) summary.add(answer)
        else if (lines) {
          const { steps: _, ...line } = answer
          const endpoint = cluster && answer.in && describeEndpoint(cluster, answer as Answer)
          // What was assumed is said once, with the first packet.
          const assumed = done === 1 && namespace.assumed.length > 0 ? { assumed: namespace.assumed } : {}
          out += `${JSON.stringify({ ...line, ...(endpoint ? { endpoint } : {}), ...assumed })}\n`
        }
        if (out.length > WRITE_CHARS || done % 1024 === 0) await flush()
        progress.update(done, source.fraction)
      }
      await flush()
    }
  } finally {
    progress.end()
    // Also after a fault: what was answered before it stands.
    await flush()
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  if (summary)
    await lines?.write(
      `${JSON.stringify(summary.object(done, seconds, namespace.assumed, plane.counters()), null, 2)}\n`,
    )
  await capture?.end()
  plane.finish()
  await writeResults(plane, options, lines)
}

/** `--counters` and `--conntrack`; on standard output after the answers. */
async function writeResults(plane: DataPlane, options: ReplayOptions, lines: Output | undefined): Promise<void> {
  const put = async (file: string, text: string): Promise<void> => {
    if (file === '-') await lines?.write(text)
    else writeFileSync(file, text)
  }
  const { counters, conntrack } = options
  if (counters !== undefined)
    for (const ruleset of plane.counters()) {
      const file = ruleset.family === 'ipv6' && counters !== '-' ? `${counters}.v6` : counters
      await put(file, printRules(savedRules(ruleset), { counters: true }))
    }
  if (conntrack !== undefined)
    await put(
      conntrack,
      plane
        .conntrack()
        .map((entry) => `${formatConntrack(entry)}\n`)
        .join(''),
    )
}

function dataPlane(namespace: NetworkNamespace, options: ReplayOptions): DataPlane {
  const given = { seed: options.random, ...wallClockOf(options.wallClock) }
  const { choices: file } = options
  if (file === undefined)
    return options.engine === 'wasm' ? new Engine(namespace, given) : new ReferenceEngine(namespace, given)
  const choices = readChoices(readTextInput(file), { file })
  return options.engine === 'wasm'
    ? new FollowingEngine(namespace, choices, given)
    : new ReferenceEngine(namespace, { ...given, choices })
}
