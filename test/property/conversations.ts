// Conversations of TCP and SCTP, segment by segment: a few connections beside each other, each segment by either side,
// of any kind, in any order, with numbers in and out of step. What conntrack's state tables and port choice are about.
import fc from 'fast-check'
import { namespaces, type PacketLine, type Scenario } from '../../src/arbitraries/index.js'
import { connectionTraffic } from '../../src/arbitraries/matches-connection.js'
import type { NatRange, Rule, Ruleset } from '../../src/netfilter/model.js'

interface Segment {
  readonly connection: number
  readonly back: boolean
  readonly kind: number
  readonly numbers: number
  readonly gap: number
  readonly far: number
}

const FLAGS = ['S', 'SA', 'A', 'FA', 'A', 'RA', 'R', 'PA', 'F', 'S']
const CHUNKS = [
  'INIT',
  'INIT_ACK',
  'COOKIE_ECHO',
  'COOKIE_ACK',
  'DATA',
  'SHUTDOWN',
  'SHUTDOWN_ACK',
  'SHUTDOWN_COMPLETE',
].concat(['ABORT', 'HEARTBEAT', 'HEARTBEAT_ACK'])
const NUMBERS = [null, null, null, null, null, 999, 1000, 1001, 2000, 5000]
/** Numbers about the edges of windows, scaled or not, and of what wraps. */
const FAR = [0, 1, 65_240, 65_241, 65_242, 70_000, 9_000_000, 2 ** 31, 2 ** 32 - 66_000, 2 ** 32 - 1]
const WINDOWS = [0, 0, 1, 100, 65_535]
/** Window scale 7, SACK permitted, both, neither; one block, two blocks; one that is broken off. */
const OPTIONS = ['03030700', '0402', '03030e010402', '01', '0101050a000003e8000007d0', '050affffffff00011170', '0303']
const SETTINGS: readonly (readonly [string, string])[] = [
  ['tcp_loose', '0'],
  ['tcp_be_liberal', '1'],
  ['tcp_ignore_invalid_rst', '1'],
  ['tcp_max_retrans', '1'],
  ['tcp_timeout_unacknowledged', '150'],
  ['tcp_timeout_max_retrans', '40'],
]
const GAPS = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1000, 3000, 11_000, 61_000, 121_000, 301_000]

const segment: fc.Arbitrary<Segment> = fc.record({
  connection: fc.nat({ max: 3 }),
  back: fc.boolean(),
  kind: fc.nat({ max: 54 }),
  numbers: fc.nat({ max: 99 }),
  gap: fc.nat({ max: GAPS.length - 1 }),
  far: fc.nat({ max: 999 }),
})

/** Lives of connections, `<` before what the other side sends: whole; a SYN before the last ACK; reset; opened by both. */
const LIVES: readonly (readonly string[])[] = [
  ['S', '<SA', 'A', 'PA', '<A', 'FA', '<A', '<FA', 'A'],
  ['S', '<SA', 'A', '<FA', 'A', 'FA', 'S', '<A', '<A', 'S', '<SA', 'A'],
  ['S', '<SA', 'A', '<RA', 'S', '<SA', 'A', 'R', 'S', '<RA'],
  ['S', '<S', 'SA', '<SA', 'A', '<A', 'FA', '<FA', 'A', '<A'],
]
const LIFE_SCTP: readonly string[] = [
  'INIT',
  '<INIT_ACK',
  'COOKIE_ECHO',
  '<COOKIE_ACK',
  'HEARTBEAT',
  '<HEARTBEAT_ACK',
].concat(['<SHUTDOWN', 'SHUTDOWN_ACK', '<SHUTDOWN_COMPLETE'])

function linesOf(segments: readonly Segment[], sctp: boolean, v6: boolean): PacketLine[] {
  const lines: PacketLine[] = []
  const latest: (number | undefined)[] = []
  const stage: number[] = [0, 0, 0, 0]
  let now = 0
  for (const s of segments) {
    const c = s.connection
    now += GAPS[s.gap] as number
    // Most segments are the next of the connection's life; the others are any.
    const life = sctp ? LIFE_SCTP : (LIVES[c] as readonly string[])
    const next = life[(stage[c] as number) % life.length] as string
    const usual = s.kind % 9 !== 0
    if (usual) stage[c] = (stage[c] as number) + 1
    const back = usual ? next.startsWith('<') : s.back
    const any = sctp ? CHUNKS : FLAGS
    const kind = usual ? next.replace('<', '') : (any[s.kind % any.length] as string)
    const fields: Record<string, unknown> = sctp ? { sctp_chunk: kind } : { flags: kind }
    const seq = NUMBERS[s.numbers % 10]
    const ack = NUMBERS[Math.floor(s.numbers / 10)]
    if (!sctp && seq != null) fields['seq'] = seq
    if (!sctp && ack != null) fields['ack'] = ack
    if (!sctp && s.far % 10 === 0) fields['seq'] = FAR[Math.floor(s.far / 10) % FAR.length]
    if (!sctp && s.far % 17 === 0) fields['ack'] = FAR[Math.floor(s.far / 17) % FAR.length]
    if (!sctp && s.far % 6 === 0) fields['tcp_options'] = OPTIONS[Math.floor(s.far / 6) % OPTIONS.length]
    if (!sctp && s.numbers % 13 === 0) fields['win'] = WINDOWS[s.numbers % WINDOWS.length]
    if (!sctp && s.numbers % 7 === 0) fields['payload_len'] = 100
    const id = lines.length + 1
    if (back && latest[c] !== undefined) lines.push({ id, at_ms: now, reply_to: latest[c], ...fields })
    else {
      // Clients by twos behind one interface; the two of a pair share their port, so that translations clash.
      const src = v6 ? `fd00:1::1${c}` : `10.0.0.1${c}`
      const dst = v6 ? 'fd00:2::10' : '10.0.1.10'
      lines.push({
        id,
        at_ms: now,
        iface: 'eth0',
        proto: sctp ? 'sctp' : 'tcp',
        src,
        dst,
        sport: 40000 + (c >> 1),
        dport: 80,
        ...fields,
      })
      latest[c] = id
    }
  }
  return lines
}

/** Rules that ask what connections carry and how many there are; some drop. */
function asking(v6: boolean): fc.Arbitrary<Rule[]> {
  const family = v6 ? 'ipv6' : 'ipv4'
  const match = fc.oneof(...connectionTraffic(family).map(([, weight, arbitrary]) => ({ weight, arbitrary })))
  const rule = fc
    .tuple(match, fc.nat({ max: 9 }))
    .map(([m, n]): Rule => ({ matches: [m], line: 0, ...(n === 0 ? { target: { target: 'DROP' } } : {}) }))
  return fc.array(rule, { maxLength: 6 })
}

function rulesetOf(v6: boolean, range: NatRange | null, asked: readonly Rule[]): Ruleset[] {
  const counters = { packets: 0n, bytes: 0n }
  const rule = (proto: number): Rule => ({
    proto: { not: false, value: proto },
    matches: [],
    line: 0,
    target: { target: 'SNAT', range: { ...range } },
  })
  const chain = (name: string, rules: Rule[]) => ({ name, policy: 'ACCEPT' as const, counters, rules })
  const rules = range === null ? [] : [rule(6), rule(132)]
  const chains = [chain('PREROUTING', []), chain('INPUT', []), chain('OUTPUT', []), chain('POSTROUTING', rules)]
  const filter = [chain('INPUT', []), chain('FORWARD', [...asked]), chain('OUTPUT', [])]
  const tables = [
    { name: 'nat' as const, chains },
    ...(asked.length === 0 ? [] : [{ name: 'filter' as const, chains: filter }]),
  ]
  return [{ family: v6 ? 'ipv6' : 'ipv4', backend: 'legacy', file: '', tables }]
}

/** Conversations through a plain namespace that tracks, or translates into few ports. */
export const conversations: fc.Arbitrary<Scenario> = fc
  .record({
    sctp: fc.nat({ max: 3 }).map((n) => n === 3),
    v6: fc.boolean(),
    ports: fc.constantFrom(0, 0, 0, 1, 2, 3),
    settings: fc.subarray([...SETTINGS]),
    plainly: fc.boolean(),
    plain: namespaces({ plain: true, rulesets: fc.constant([]) }),
    segments: fc.array(segment, { minLength: 20, maxLength: 120, size: 'max' }),
    asked4: asking(false),
    asked6: asking(true),
    asks: fc.boolean(),
  })
  .map(({ sctp, v6, ports, settings, plainly, plain, segments, asked4, asked6, asks }) => {
    const to = v6 ? 'fd00:2::1' : '10.0.1.1'
    const range = ports === 0 ? null : { from: to, to, ports: { from: 50000, to: 50000 + ports - 1 } }
    const given = plainly ? [] : settings
    const sysctls = Object.fromEntries(given.map(([key, value]) => [`net.netfilter.nf_conntrack_${key}`, value]))
    const namespace = {
      ...plain,
      sysctls,
      forceConntrack: true,
      rulesets: rulesetOf(v6, range, asks ? (v6 ? asked6 : asked4) : []),
    }
    return { namespace, lines: linesOf(segments, sctp, v6) }
  })
