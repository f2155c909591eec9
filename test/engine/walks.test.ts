// Every way through the state tables: from each state that a short beginning reaches, all pairs of segments (TCP) or
// chunks (SCTP) by either side, with and without a wait between. Both engines remember the same after each packet.
// Kernel: net/netfilter/nf_conntrack_proto_tcp.c and nf_conntrack_proto_sctp.c, tcp_conntracks and sctp_conntracks.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { completePacket } from '../../src/net/complete.js'
import type { Packet } from '../../src/net/packet.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { difference, replay } from '../property/support.js'
import { scene } from './scene.js'

/** A segment's kind; `<` before what the other side sends. */
type Segment = string

const TCP: readonly Segment[] = ['S', 'SA', 'A', 'FA', 'R', 'RA', 'PA', 'SF'].flatMap((s) => [s, `<${s}`])
const TCP_STARTS: readonly string[] = [
  '',
  'S',
  'S <S',
  'S <SA',
  'S <SA A',
  'A',
  'A <A',
  'S <SA A FA',
  'S <SA A <FA',
  'S <SA A FA <A',
  'S <SA A FA <FA',
  'S <SA A FA <FA A',
  'S <SA A <FA FA <A',
  'S <SA A R',
  'S <SA A <RA',
  'S <SA <SA <SA',
]
const SCTP: readonly Segment[] = [
  ...['INIT', 'INIT_ACK', 'COOKIE_ECHO', 'COOKIE_ACK', 'DATA', 'SHUTDOWN', 'SHUTDOWN_ACK', 'SHUTDOWN_COMPLETE'],
  ...['ABORT', 'ERROR', 'HEARTBEAT', 'HEARTBEAT_ACK'],
].flatMap((s) => [s, `<${s}`])
const OPEN = 'INIT <INIT_ACK COOKIE_ECHO <COOKIE_ACK'
const SCTP_STARTS: readonly string[] = [
  '',
  'INIT',
  'INIT <INIT',
  'INIT <INIT_ACK',
  'INIT <INIT_ACK COOKIE_ECHO',
  OPEN,
  'HEARTBEAT',
  'HEARTBEAT <HEARTBEAT_ACK',
  'SHUTDOWN_ACK',
  `${OPEN} SHUTDOWN`,
  `${OPEN} <SHUTDOWN`,
  `${OPEN} SHUTDOWN <SHUTDOWN_ACK`,
  `${OPEN} <SHUTDOWN SHUTDOWN_ACK`,
  `${OPEN} SHUTDOWN <SHUTDOWN_ACK SHUTDOWN_COMPLETE`,
]

const RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate NEW -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
`

/** The tag that the side to which a chunk goes has announced (INIT: 0x0a0a0a0a, INIT_ACK: 0x0b0b0b0b); an INIT has none. */
const tag = (back: boolean, chunk: string): number => (chunk === 'INIT' ? 0 : back ? 0x0a0a0a0a : 0x0b0b0b0b)

/** Segments of one conversation; `tags`: as its sides announced them, else those that a chunk has by default. */
function conversation(
  proto: 'tcp' | 'sctp',
  port: number,
  segments: readonly Segment[],
  at: number,
  tags: boolean,
): Packet[] {
  return segments.map((segment) => {
    const back = segment.startsWith('<')
    const kind = back ? segment.slice(1) : segment
    const [client, server] = [
      { address: '192.168.0.50', port },
      { address: '10.244.0.5', port: 80 },
    ]
    const [from, to] = back ? [server, client] : [client, server]
    return completePacket({
      iface: back ? 'pod0' : 'eth0',
      proto,
      src: from.address,
      dst: to.address,
      sport: from.port,
      dport: to.port,
      at_ms: at,
      ...(proto === 'tcp' ? { flags: kind } : { sctp_chunk: kind, ...(tags ? { vtag: tag(back, kind) } : {}) }),
    })
  })
}

function walks(proto: 'tcp' | 'sctp', starts: readonly string[], all: readonly Segment[]): void {
  const namespace = scene({ rules: RULES })
  const packets: Packet[] = []
  // Ports name conversations; a wait parts the rounds, so that the second of them finds what the first left.
  let at = 0
  for (const wait of [0, 61_000])
    for (const start of starts) {
      let port = 1024
      const begin = start === '' ? [] : start.split(' ')
      const second: Packet[] = []
      for (const one of all)
        for (const two of all) {
          packets.push(...conversation(proto, port, [...begin, one], at, wait === 0))
          second.push(...conversation(proto, port++, [two], at + wait, wait === 0))
        }
      packets.push(...second)
      // Nothing of it lives on.
      at += wait + 500_000_000
    }
  const want = replay(new ReferenceEngine(namespace), packets, { ct: true })
  const got = replay(new Engine(namespace, { maxConnections: 4096 }), packets, { ct: true })
  const where = difference(want, got)
  assert.is(where, null, where ?? '')
  const states = new Set(want.answers.map((a) => a.ct?.state))
  for (const state of STATES[proto]) assert.ok(states.has(state), `no walk came to ${state}`)
}

const STATES = {
  tcp: [
    ...['SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE'],
    'SYN_SENT2',
  ],
  sctp: [
    ...['CLOSED', 'COOKIE_WAIT', 'COOKIE_ECHOED', 'ESTABLISHED', 'SHUTDOWN_SENT', 'SHUTDOWN_RECD'],
    ...['SHUTDOWN_ACK_SENT', 'HEARTBEAT_SENT'],
  ],
}

const test = suite('ways through the state tables')

test('TCP', () => walks('tcp', TCP_STARTS, TCP))
test('SCTP', () => walks('sctp', SCTP_STARTS, SCTP))

test.run()
