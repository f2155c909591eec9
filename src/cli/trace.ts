// `nodeplane trace`: one packet, explained to a person.
import { Command } from 'commander'
import { Engine } from '../engine/index.js'
import { describeEndpoint, resolveName } from '../kube/names.js'
import { completePacket, PacketError } from '../net/complete.js'
import { escapeText, FaultError, fail } from '../net/fault.js'
import { MissingFieldError } from '../net/missing.js'
import type { Answer, Packet } from '../net/packet.js'
import { ingressInterface } from '../netns/ingress.js'
import type { NetworkNamespace } from '../netns/model.js'
import { explain } from './explain.js'
import { endpointLines, explainMet } from './explain-endpoints.js'
import { loadSource, type SourceOptions, wallClockOf, withSource } from './input.js'
import { partSwallowed } from './swallowed.js'
import { print } from './terminal.js'
import { type Names, type PacketWords, parsePacketWords } from './words.js'

interface TraceOptions extends SourceOptions {
  json?: boolean
  wallClock?: string
}

export function traceCommand(): Command {
  return withSource(new Command('trace'))
    .summary('one packet, explained step by step')
    .description(
      'Sends one packet through a node and tells its way: hooks, chains, rules, routing, conntrack; the final word first.',
    )
    .argument(
      '[packet...]',
      '[in IFACE | local] [tcp|udp|sctp|icmp|icmpv6] FROM[:PORT] > TO:PORT [syn|ack|…] [mark N] [ttl N] [type N code N]',
    )
    .option('--wall-clock <instant>', 'the time of day, RFC 3339, for rules of the match time')
    .option('--json', 'the same as data')
    .addHelpText(
      'after',
      `
FROM and TO are addresses (IPv6 with a port: [fd00::1]:80) or, with a cluster, names: pod/NS/NAME, svc/NS/NAME:PORT, node/NAME.
Left out: TCP flags are syn, the source port is 40000, the interface is the one that the route back to the source uses.

Examples:
  nodeplane trace --cluster cluster.yaml --node worker-1 'pod/default/web-0 > svc/default/db:5432'
  nodeplane trace --bundle node-dump/ 'in eth0 tcp 203.0.113.9:40000 > 192.168.10.11:30080'
  nodeplane trace --bundle node-dump/ 'local udp 192.168.10.11 > 10.96.0.10:53'
  nodeplane trace --bundle node-dump/ 'icmp 10.244.1.5 > 192.168.10.12 type 8 code 0'
`,
    )
    .usage('[options] <packet...>')
    .action((given: string[], asked: TraceOptions) => {
      const { words, options } = wordsOf(given, asked)
      const { namespace, cluster, node = '', proxyConfig } = loadSource(options)
      const names: Names | undefined = cluster && ((name, family) => resolveName(cluster, name, family))
      const said = parsePacketWords(words, names)
      const iface = said.iface ?? ingressInterface(namespace, said.src)
      if (iface === undefined)
        fail('PACKET', 1, 1, `no route leads back to ${said.src}: say where it comes in, 'in IFACE …' or 'local …'`)
      if (iface !== 'local' && !namespace.links.some((link) => link.name === iface))
        fail('PACKET', 1, 1, `there is no interface '${escapeText(iface)}', expected local or ${linkNames(namespace)}`)
      const packet = whole({ ...said, iface })
      const answer = send(new Engine(namespace, wallClockOf(options.wallClock)), packet)
      const endpoint = cluster && describeEndpoint(cluster, answer)
      const family = packet.dst.includes(':') ? 'ipv6' : 'ipv4'
      const port = cluster && endpoint && explainMet(cluster, node, endpoint, family, proxyConfig)
      if (options.json) {
        const met = endpoint ? { endpoint, ...(port ? { service_port: port } : {}) } : {}
        print(`${JSON.stringify({ ...answer, ...met, assumed: namespace.assumed }, null, 2)}\n`)
      } else {
        const lines = endpoint && port ? endpointLines(port, endpoint, node, iface === 'local') : []
        print(`${explain(answer, namespace, endpoint, lines)}\n`)
      }
    })
}

/** The words of the packet, also where `--cluster` took them for files. */
function wordsOf(given: readonly string[], options: TraceOptions): { words: readonly string[]; options: TraceOptions } {
  if (given.length > 0) return { words: given, options }
  const { files, words } = partSwallowed(options.cluster ?? [])
  if (words.length === 0)
    fail(
      'PACKET',
      0,
      0,
      "missing: which packet? For example 'tcp 10.244.1.5:40000 > 10.96.0.10:53' (--help shows more)",
    )
  return { words, options: files.length === 0 ? options : { ...options, cluster: files } }
}

function linkNames(namespace: NetworkNamespace): string {
  return namespace.links.map((link) => escapeText(link.name)).join(', ')
}

function send(engine: Engine, packet: Packet): Answer {
  try {
    return engine.process(packet, { trace: true, ct: true })
  } catch (error) {
    if (!(error instanceof MissingFieldError)) throw error
    return fail('PACKET', 0, 0, error.message)
  }
}

/** The packet with its defaults; what is wrong with a field is a fault of the PACKET argument. */
function whole(said: PacketWords & { iface: string }): Packet {
  try {
    return completePacket(said)
  } catch (error) {
    if (!(error instanceof PacketError)) throw error
    throw new FaultError(
      error.problems.map((p) => ({ file: 'PACKET', line: 0, column: 0, message: `${p.field}: ${p.message}` })),
    )
  }
}
