// Every reader on damaged input: an error that says so, or a result that works. A namespace that comes of it is compiled
// and takes packets in both engines.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { parsePacketWords } from '../../src/cli/words.js'
import { compile } from '../../src/compile/compile.js'
import { Engine } from '../../src/engine/index.js'
import { nodeNamespace } from '../../src/kube/node-namespace.js'
import { readCluster, readProxyConfig } from '../../src/kube/reader/index.js'
import { encodePacket, LINKTYPE_RAW } from '../../src/net/bytes.js'
import { decodePacket } from '../../src/net/decode.js'
import { FaultError } from '../../src/net/fault.js'
import { readPcapPackets, writePcap, writePcapng } from '../../src/net/pcap.js'
import { formatRules } from '../../src/netfilter/fmt.js'
import { printRules } from '../../src/netfilter/print.js'
import { readRules } from '../../src/netfilter/read.js'
import { restoreRules } from '../../src/netfilter/restore.js'
import { BUNDLE_FILES, readBundle } from '../../src/netns/bundle.js'
import { readChoices } from '../../src/netns/choices.js'
import { formatConntrack, readConntrack } from '../../src/netns/conntrack.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { gunzipped } from '../../src/netns/node/read-bundle.js'
import { readPacketLines } from '../../src/netns/packets.js'
import { runScript } from '../../src/netns/script.js'
import { bundleOfTar } from '../../src/netns/tar.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import type { Dice } from './damaged-images.js'
import { mutated } from './mutate.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(join(root, path)))
const decoder = new TextDecoder()
const text = (bytes: Uint8Array): string => decoder.decode(bytes)

const BUNDLE: ReadonlyMap<string, Uint8Array> = new Map(
  BUNDLE_FILES.filter((f) => readdirSync(join(root, 'examples/node-bundle')).includes(f)).map((f) => [
    f,
    read(`examples/node-bundle/${f}`),
  ]),
)
const LINES = read('examples/packets.jsonl')
const NAMESPACE = readBundle(BUNDLE)

/** Sends the example's packets through both engines: what is asked for by name or refused is fine. */
function works(namespace: NetworkNamespace, lines: Uint8Array = LINES): void {
  const image = compile(namespace)
  const names = new Set(namespace.links.map((l) => l.name))
  for (const plane of [new Engine(image, { maxConnections: 4096 }), new ReferenceEngine(namespace)]) {
    try {
      for (const _ of runScript(readPacketLines(text(lines), { file: 'p', interfaces: names }), plane, { file: 'p' }));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
    }
    printed(plane)
  }
}

function printed(plane: DataPlane): void {
  for (const rules of plane.counters()) printRules(rules, { counters: true })
  for (const entry of plane.conntrack()) formatConntrack(entry)
}

/** The printed text of what was read reads back to itself. */
function rulesRoundTrip(bytes: Uint8Array, family: 'ipv4' | 'ipv6'): void {
  const rules = readRules(text(bytes), { file: 'r', family })
  const again = printRules(rules)
  if (again === '') return
  const twice = printRules(readRules(again, { file: 'again', family, backend: rules.backend }))
  if (twice !== again) throw new Error(`printed otherwise when read back:\n${again}\n----\n${twice}`)
  formatRules(text(bytes), { file: 'r', family })
  compile({ ...NAMESPACE, rulesets: [rules], forceConntrack: true })
}

function tar(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const blocks: Uint8Array[] = []
  for (const [name, content] of files) {
    const header = new Uint8Array(512)
    const put = (at: number, what: string): void => void header.set(new TextEncoder().encode(what), at)
    put(0, name)
    put(100, '0000600\0')
    put(124, `${content.length.toString(8).padStart(11, '0')}\0`)
    put(136, '00000000000\0')
    put(148, '        ')
    put(156, '0')
    put(257, 'ustar\x0000')
    put(
      148,
      `${header
        .reduce((a, b) => a + b, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
    )
    const padded = new Uint8Array(Math.ceil(content.length / 512) * 512)
    padded.set(content)
    blocks.push(header, padded)
  }
  return new Uint8Array(Buffer.concat([...blocks, new Uint8Array(1024)]))
}

/** One kind of input: what it looks like, and what is done with it. */
interface Kind {
  readonly name: string
  readonly seeds: readonly Uint8Array[]
  readonly take: (bytes: Uint8Array) => void
}

function captures(): Uint8Array[] {
  const packets = readPacketLines(text(LINES), { file: 'p' }).flatMap((item, i) => {
    if (item.reference !== undefined) return []
    const { iface: _, id: _id, ...packet } = item.fields as { iface: string; id: number }
    return [{ timeNs: BigInt(i) * 1_000_000n, bytes: encodePacket(packet as never) }]
  })
  const interfaces = [{ linkType: LINKTYPE_RAW, name: 'eth0' }, { linkType: LINKTYPE_RAW }]
  return [
    writePcap(packets, { linkType: LINKTYPE_RAW }),
    writePcap(packets, { linkType: LINKTYPE_RAW, nano: true, bigEndian: true }),
    writePcapng(
      packets.map((p, i) => ({ ...p, interface: i % 2, direction: 'in' })),
      { interfaces },
    ),
    writePcapng(packets, { interfaces, bigEndian: true }),
  ]
}

const SAVED = [BUNDLE.get('iptables-save')!, BUNDLE.get('ip6tables-save')!]
const NOFLUSH = new TextEncoder().encode(
  '*filter\n:KUBE-SERVICES - [0:0]\n:INPUT DROP [3:4]\n-A KUBE-SERVICES -p tcp -m tcp --dport 80 -j DROP\n[1:2] -I FORWARD 2 -j ACCEPT\n-D INPUT 1\n-F KUBE-FIREWALL\n-P FORWARD DROP\nCOMMIT\n*nat\nCOMMIT\n',
)
const CHOICES = new TextEncoder().encode(
  '{"id":1,"verdict":"forward","in":{"iface":"eth0","proto":"tcp"},"trace":["nat:PREROUTING:rule:1"],"src":"10.0.0.1","sport":5,"ct":{"orig":{"src":"10.0.0.1","dst":"10.0.0.2"},"reply":{"src":"10.0.0.1","dst":"10.0.0.2","sport":3}}}\n',
)
const PROXY = new TextEncoder().encode(
  'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: iptables\nclusterCIDR: 10.244.0.0/16\niptables:\n  masqueradeBit: 14\nnodePortAddresses: ["10.0.0.0/8"]\n',
)
const WORDS = [
  'in eth0 tcp 1.2.3.4:5 > 5.6.7.8:9 syn mark 0x1',
  'local icmp ::1 > ::2 type 128 code 0',
  '[fd00::1]:5 > [::]:6',
].map((w) => new TextEncoder().encode(w))

/** `more`: rule files of real machines, when there are. */
export function kinds(more: readonly Uint8Array[] = []): Kind[] {
  const cluster = text(read('examples/cluster.yaml'))
  const part = (n: number): Uint8Array =>
    new TextEncoder().encode(
      cluster
        .split(/^---$/m)
        .slice(n, n + 3)
        .join('---'),
    )
  const json = new TextEncoder().encode(
    JSON.stringify({
      kind: 'List',
      apiVersion: 'v1',
      items: [
        {
          kind: 'Service',
          apiVersion: 'v1',
          metadata: { name: 'a', namespace: 'b' },
          spec: { clusterIP: '10.96.0.1', ports: [{ port: 80, protocol: 'TCP' }] },
        },
      ],
    }),
  )
  const archive = tar(BUNDLE)
  return [
    { name: 'iptables-save', seeds: [...SAVED, ...more], take: (b) => rulesRoundTrip(b, 'ipv4') },
    { name: 'ip6tables-save', seeds: [SAVED[1]!, SAVED[0]!], take: (b) => rulesRoundTrip(b, 'ipv6') },
    ...[...BUNDLE].map(
      ([file, content]): Kind => ({
        name: `bundle: ${file}`,
        seeds: [content],
        take: (b) => works(readBundle(new Map([...BUNDLE, [file, b]]))),
      }),
    ),
    {
      name: 'conntrack',
      seeds: [BUNDLE.get('conntrack')!],
      take: (b) => {
        const file = 'c'
        const entries = readConntrack(text(b), { file })
        const lines = entries.map(formatConntrack).join('\n')
        if (lines !== readConntrack(lines, { file }).map(formatConntrack).join('\n'))
          throw new Error(`not stable: ${lines}`)
      },
    },
    { name: 'packet lines', seeds: [LINES], take: (b) => works(NAMESPACE, b) },
    {
      name: 'captures',
      seeds: captures(),
      take: (b) => {
        const { packets } = readPcapPackets(b, { file: 'c', iface: 'eth0' })
        const engine = new Engine(NAMESPACE, { maxConnections: 4096 })
        for (const packet of packets) engine.process(packet)
      },
    },
    {
      name: 'frames',
      seeds: captures().map((c) => c.subarray(40)),
      take: (b) => {
        for (const linkType of [0, 1, 101, 108, 113, 228, 276]) decodePacket(b, linkType, b.length + (b[0] ?? 0))
      },
    },
    { name: 'archives', seeds: [archive], take: (b) => void readBundle(bundleOfTar(b, 't')) },
    {
      name: 'gzip',
      seeds: [new Uint8Array(gzipSync(archive.subarray(0, 4096)))],
      take: (b) => void bundleOfTar(gunzipped(b, 'z', 1 << 20), 't'),
    },
    {
      name: 'kubernetes',
      seeds: [part(0), part(8), part(16), part(30), json],
      take: (b) => {
        const { cluster: found } = readCluster([
          { name: 'k', text: text(b) },
          { name: 'n', text: NODE },
        ])
        works(nodeNamespace(found, 'fuzz-node'))
      },
    },
    { name: 'proxy configuration', seeds: [PROXY], take: (b) => void readProxyConfig({ name: 'c', text: text(b) }) },
    {
      name: 'restores',
      seeds: [NOFLUSH, SAVED[0]!],
      take: (b) => {
        const [before] = NAMESPACE.rulesets
        const noflush = (b[b.length >> 1] ?? 0) % 2 === 0
        const engine = new Engine(NAMESPACE, { maxConnections: 4096 })
        engine.swapRules([
          restoreRules(before!, engine.counters()[0]!, text(b), { file: 'r', noflush, counters: true }),
        ])
        printed(engine)
      },
    },
    { name: 'choices', seeds: [CHOICES], take: (b) => void readChoices(text(b), { file: 'c' }) },
    { name: 'words', seeds: WORDS, take: (b) => void parsePacketWords(text(b).split(/\s+/)) },
  ]
}

const NODE =
  'apiVersion: v1\nkind: Node\nmetadata: {name: fuzz-node}\nspec: {podCIDR: 10.244.9.0/24}\nstatus: {addresses: [{type: InternalIP, address: 10.1.2.3}]}\n'

export type Outcome = 'refused' | 'taken'

/** One damaged input through its reader. Throws what is neither. */
export function tryOnce(kind: Kind, dice: Dice): Outcome {
  const seed = kind.seeds[dice.below(kind.seeds.length)]!
  const other = kind.seeds[dice.below(kind.seeds.length)]!
  const bytes = mutated(seed, other, dice)
  try {
    kind.take(bytes)
    return 'taken'
  } catch (error) {
    if (error instanceof FaultError) {
      for (const { file, line, column, message } of error.faults)
        if (!(file.length >= 0 && line >= 0 && column >= 0 && message.length > 0))
          throw new Error('a fault of no place')
      return 'refused'
    }
    if (error instanceof Error) error.message += `\ninput: ${JSON.stringify(text(bytes)).slice(0, 4000)}`
    throw error
  }
}
