// Reading the matches on what only the host knows of a packet: devgroup, cgroup, policy, realm, socket, connlabel, helper,
// cluster, string, osf, bpf.
// Spec: iptables-extensions(8) 1.8.9 and the kernel's net/netfilter/xt_*.c of the same names. Names of interface groups and
// realms are those of a plain iproute2: 0 is `default`, `cosmos`.
import { type BpfInstruction, bpfProblem } from './bpf.js'
import { type Extension, type OptionWords, refuse } from './extension.js'
import { type ListedSpec, listedMatch, maskedText, needs, numberText } from './listed.js'
import { quote } from './quote.js'
import { cutBytes, isBareName, shown, uint } from './words.js'

const U32 = 0xffffffff

const devgroup = listedMatch(
  'devgroup',
  ['src-group', 'dst-group'].map((name): ListedSpec => ({ name, not: true, text: maskedText(['default']) })),
  { end: (given) => needs('devgroup', given, 'src-group', 'dst-group') },
)

const realm = listedMatch('realm', [{ name: 'realm', not: true, text: maskedText(['cosmos']) }], {
  family: 'ipv4',
  end: (given) => needs('realm', given, 'realm'),
})

const cgroup = listedMatch(
  'cgroup',
  [
    { name: 'path', not: true, text: (w) => quote(cutBytes(w.word, 511)) },
    { name: 'cgroup', not: true, text: numberText(0, U32) },
  ],
  {
    end(given) {
      needs('cgroup', given, 'path', 'cgroup')
      if (given.has('path') && given.has('cgroup')) refuse('cgroup: --path and --cgroup exclude each other')
    },
  },
)

const socket = listedMatch('socket', [{ name: 'transparent' }, { name: 'nowildcard' }, { name: 'restore-skmark' }])

const connlabel = listedMatch(
  'connlabel',
  [
    {
      name: 'label',
      not: true,
      text(w) {
        const bit = uint(w.word, 0, 127)
        if (bit === undefined) throw w.bad(`${shown(w.word)} is no label: expected 0..127 (names are not looked up)`)
        return `"${bit}"`
      },
    },
    { name: 'set' },
  ],
  { end: (given) => needs('connlabel', given, 'label') },
)

const HELPER_BYTES = 29
const helper = listedMatch(
  'helper',
  [{ name: 'helper', not: true, text: (w) => quote(cutBytes(w.word, HELPER_BYTES)) }],
  { end: (given) => needs('helper', given, 'helper') },
)

const MAX_NODES = 32
const hex8 = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`
function nodes(w: OptionWords): number {
  const value = uint(w.word, 1, MAX_NODES)
  if (value === undefined) throw w.bad(`${shown(w.word)} is no value for --${w.name}: expected 1..${MAX_NODES}`)
  return value
}
const cluster = listedMatch(
  'cluster',
  [
    {
      name: 'cluster-local-nodemask',
      not: true,
      id: 'node',
      text: (w) => hex8(nodes(w)),
    },
    {
      name: 'cluster-local-node',
      not: true,
      id: 'node',
      text: (w) => ({ option: 'cluster-local-nodemask', text: hex8((1 << (nodes(w) - 1)) >>> 0) }),
    },
    { name: 'cluster-total-nodes', text: (w) => String(nodes(w)) },
    {
      name: 'cluster-hash-seed',
      text(w) {
        const seed = uint(w.word, 0, U32)
        if (seed === undefined) throw w.bad(`${shown(w.word)} is no seed: expected 0..0xffffffff`)
        return hex8(seed)
      },
    },
  ],
  {
    end(given) {
      for (const option of ['cluster-total-nodes', 'cluster-hash-seed', 'cluster-local-nodemask']) {
        needs('cluster', given, option)
      }
      if (Number(given.text('cluster-local-nodemask')) >= 2 ** Number(given.text('cluster-total-nodes'))) {
        refuse('cluster: the local node is above --cluster-total-nodes')
      }
    },
  },
)

const PATTERN_BYTES = 128
const encoder = new TextEncoder()

/** The bytes as iptables prints them: a text, or hexadecimal when some cannot be printed. */
function patternText(bytes: Uint8Array): { option: string; text: string } {
  const plain = bytes.every((b) => b >= 0x20 && b < 0x7f) && bytes[bytes.length - 1] !== 0x5c
  if (!plain)
    return { option: 'hex-string', text: `"|${[...bytes].map((b) => b.toString(16).padStart(2, '0')).join('')}|"` }
  const text = String.fromCharCode(...bytes).replace(/["\\]/g, '\\$&')
  return { option: 'string', text: `"${text}"` }
}

/** `text|68 65 78|\c`: hexadecimal bytes between bars, a backslash takes the next character as it is. */
function hexBytes(w: OptionWords): Uint8Array {
  const given = encoder.encode(w.word)
  const bytes: number[] = []
  let hex = false
  const bad = (): never => {
    throw w.bad(`${shown(w.word)} is no pattern: expected text with |HEX BYTES| in it`)
  }
  const at = (i: number): string => (i < given.length ? String.fromCharCode(given[i]!) : '')
  if (given.length === 0) bad()
  for (let i = 0; i < given.length; ) {
    let literal = false
    if (at(i) === '\\') {
      if (hex) bad()
      literal = true
    } else if (at(i) === '|') {
      hex = !hex
      if (hex) while (at(i + 1) === ' ') i++
      if (i + 1 >= given.length) break
      i++
    }
    if (literal) {
      if (i + 1 >= given.length) bad()
      bytes.push(given[i + 1]!)
      i += 2
    } else if (hex) {
      const digits = at(i) + at(i + 1)
      if (i + 2 >= given.length || !/^[0-9a-fA-F]{2}$/.test(digits)) bad()
      bytes.push(Number.parseInt(digits, 16))
      i += at(i + 2) === ' ' ? 3 : 2
    } else bytes.push(given[i++]!)
  }
  return Uint8Array.from(bytes)
}

const pattern = (name: string, bytesOf: (w: OptionWords) => Uint8Array): ListedSpec => ({
  name,
  not: true,
  id: 'pattern',
  text(w) {
    const bytes = bytesOf(w)
    if (bytes.length < 1 || bytes.length > PATTERN_BYTES) throw w.bad(`--${w.name} takes 1 to ${PATTERN_BYTES} bytes`)
    return patternText(bytes)
  },
})
const ALGORITHMS = ['bm', 'kmp']
const string = listedMatch(
  'string',
  [
    pattern('hex-string', hexBytes),
    pattern('string', (w) => encoder.encode(w.word)),
    {
      name: 'algo',
      text(w) {
        if (!ALGORITHMS.includes(w.word)) throw w.bad(`${shown(w.word)} is no algorithm: expected bm or kmp`)
        return w.word
      },
    },
    { name: 'from', text: numberText(0, 65535), silent: '0' },
    { name: 'to', text: numberText(0, 65535), silent: '65535' },
    { name: 'icase' },
  ],
  {
    end(given) {
      needs('string', given, 'string', 'hex-string')
      needs('string', given, 'algo')
      if (Number(given.text('from') ?? 0) > Number(given.text('to') ?? 65535)) refuse('string: --from is above --to')
    },
  },
)

const osf = listedMatch(
  'osf',
  [
    {
      name: 'genre',
      not: true,
      text(w) {
        if (!isBareName(w.word)) throw w.bad(`${shown(w.word)} is no genre: expected one word`)
        return cutBytes(w.word, 31)
      },
    },
    { name: 'ttl', text: numberText(0, 2) },
    { name: 'log', text: numberText(0, 2) },
  ],
  { family: 'ipv4', proto: 6, end: (given) => needs('osf', given, 'genre') },
)

const INSTRUCTIONS = 64
const bpf = listedMatch(
  'bpf',
  [
    {
      name: 'bytecode',
      text(w) {
        const [count = '', ...code] = w.word.split(',')
        if (code[code.length - 1] === '') code.pop()
        const lines = code.map((c) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(c)?.slice(1).map(Number))
        const fits = lines.every((l) => l !== undefined && l[0]! < 65536 && l[1]! < 256 && l[2]! < 256 && l[3]! <= U32)
        if (!fits || Number(count) !== lines.length || lines.length < 1 || lines.length > INSTRUCTIONS) {
          throw w.bad(
            `${shown(w.word)} is no program: expected COUNT,CODE JT JF K,… with 1 to ${INSTRUCTIONS} instructions`,
          )
        }
        const problem = bpfProblem(lines as unknown as BpfInstruction[])
        if (problem !== undefined) throw w.bad(`no program that the kernel takes: ${problem}`)
        return `"${lines.length},${lines.map((l) => l!.join(' ')).join(',')}"`
      },
    },
  ],
  { end: (given) => needs('bpf', given, 'bytecode') },
)

/** The matches on what the host knows. */
export const HOST_MATCHES: readonly Extension<never>[] = [
  devgroup,
  realm,
  cgroup,
  socket,
  connlabel,
  helper,
  cluster,
  string,
  osf,
  bpf,
]
