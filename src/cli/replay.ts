// `nodeplane replay`: packets through one namespace, one JSON line each.
import { writeFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { Engine } from '../engine/index.js'
import { describeEndpoint } from '../kube/names.js'
import { fail } from '../net/fault.js'
import { MissingFieldError } from '../net/missing.js'
import type { Answer, Packet } from '../net/packet.js'
import { readPcapPackets } from '../net/pcap.js'
import { printRules } from '../netfilter/print.js'
import { readChoices } from '../netns/choices.js'
import { formatConntrack } from '../netns/conntrack.js'
import type { DataPlane } from '../netns/dataplane.js'
import type { NetworkNamespace } from '../netns/model.js'
import { readInput, readTextInput } from '../netns/node/read-bundle.js'
import { readPacketLines } from '../netns/packets.js'
import { type PrintedAnswer, runScript } from '../netns/script.js'
import { ReferenceEngine } from '../reference/index.js'
import { FollowingEngine } from './choices.js'
import { loadSource, type SourceOptions, withSource } from './input.js'
import { Summary } from './summary.js'
import { Progress, print, printNotes } from './terminal.js'

interface ReplayOptions extends SourceOptions {
  packets?: string
  pcap?: string
  iface?: string
  trace?: boolean
  ct?: boolean
  counters?: string
  conntrack?: string
  engine: 'wasm' | 'reference'
  random: bigint
  choices?: string
  summary?: boolean
}

function parseSeed(text: string): bigint {
  if (/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text) && BigInt(text) < 1n << 64n) return BigInt(text)
  return fail('--random', 0, 0, `'${text}' is no seed, expected a number from 0 to 2^64-1`)
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
    .option('--summary', 'print one object instead: counts by verdict and by rule, packets per second')
    .addHelpText(
      'after',
      `
Packets: {"iface":"eth0","proto":"tcp","src":"203.0.113.9","dst":"192.168.10.11","sport":40000,"dport":30080}
Relative: {"id":2,"reply_to":1,"flags":"SA"}  {"id":3,"again":1,"flags":"A"}  {"error_to":1}; time: at_ms or gap_ms.

Examples:
  nodeplane replay --bundle node-dump/ --packets packets.jsonl --ct --trace
  nodeplane replay --bundle node-dump/ --pcap eth0.pcap --iface eth0 --summary
`,
    )
    .action((options: ReplayOptions) => replay(options))
}

function replay(options: ReplayOptions): void {
  if (options.engine !== 'wasm' && options.engine !== 'reference')
    fail('--engine', 0, 0, `'${options.engine}' is no engine, expected wasm or reference`)
  if ((options.packets === undefined) === (options.pcap === undefined))
    fail('--packets', 0, 0, 'give --packets FILE or --pcap FILE --iface NAME')
  if (options.choices !== undefined && options.packets === undefined)
    fail('--choices', 0, 0, 'answers are found by the ids of packets: give --packets FILE')
  if (options.choices === '-' && options.packets === '-') fail('--choices', 0, 0, 'stdin holds the packets already')
  const { namespace, cluster } = loadSource(options)
  const engine = dataPlane(namespace, options)
  const want = { trace: options.trace === true || options.summary === true, ct: options.ct === true }

  let answers: Iterable<PrintedAnswer>
  let total: number
  if (options.pcap !== undefined) {
    if (options.iface === undefined)
      fail('--iface', 0, 0, 'missing: on which interface do the captured packets come in?')
    const { packets, notes } = readPcapPackets(readInput(options.pcap), { file: options.pcap, iface: options.iface })
    printNotes('note', notes)
    total = packets.length
    answers = send(packets, engine, want, options.pcap)
  } else {
    const file = options.packets as string
    const items = readPacketLines(readTextInput(file), {
      file,
      interfaces: new Set(namespace.links.map((l) => l.name)),
    })
    total = items.length
    answers = runScript(items, engine, { file, ...want })
  }

  const progress = new Progress('packets')
  const summary = options.summary ? new Summary() : undefined
  const started = process.hrtime.bigint()
  let done = 0
  let out = ''
  for (const answer of answers) {
    done++
    if (summary) summary.add(answer)
    else {
      const { steps: _, ...line } = answer
      const endpoint = cluster && answer.in && describeEndpoint(cluster, answer as Answer)
      // What was assumed is said once, with the first packet.
      const assumed = done === 1 && namespace.assumed.length > 0 ? { assumed: namespace.assumed } : {}
      out += `${JSON.stringify({ ...line, ...(endpoint ? { endpoint } : {}), ...assumed })}\n`
      if (out.length > 1 << 16) {
        print(out)
        out = ''
      }
    }
    progress.update(done, total)
  }
  progress.end()
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  print(summary ? `${JSON.stringify(summary.object(done, seconds, namespace.assumed), null, 2)}\n` : out)

  if (options.counters !== undefined)
    for (const ruleset of engine.counters()) {
      const file = ruleset.family === 'ipv6' ? `${options.counters}.v6` : options.counters
      writeFileSync(file, printRules(ruleset, { counters: true }))
    }
  if (options.conntrack !== undefined) {
    const lines = engine.conntrack().map((entry) => `${formatConntrack(entry)}\n`)
    writeFileSync(options.conntrack, lines.join(''))
  }
}

function dataPlane(namespace: NetworkNamespace, options: ReplayOptions): DataPlane {
  const seed = options.random
  const { choices: file } = options
  if (file === undefined)
    return options.engine === 'wasm' ? new Engine(namespace, { seed }) : new ReferenceEngine(namespace, { seed })
  const choices = readChoices(readTextInput(file), { file })
  return options.engine === 'wasm'
    ? new FollowingEngine(namespace, choices, { seed })
    : new ReferenceEngine(namespace, { seed, choices })
}

function* send(
  packets: readonly Packet[],
  engine: DataPlane,
  want: { trace: boolean; ct: boolean },
  file: string,
): Generator<PrintedAnswer> {
  let n = 0
  for (const packet of packets) {
    n++
    let answer: Answer
    try {
      answer = engine.process(packet, want)
    } catch (error) {
      if (!(error instanceof MissingFieldError)) throw error
      return fail(file, 0, 0, new MissingFieldError(packet.id ?? n, error.field, error.rule).message)
    }
    const { steps: _, ...line } = answer
    yield { ...line, id: packet.id ?? n }
  }
}
