// Every timeout of conntrack's sysctls, each set to an odd value, against the running kernel: a conversation of each protocol,
// the timeout after each packet, both families.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Family } from '../../src/netfilter/model.js'
import { haveKernel } from '../support/needs.js'
import { ENDS, runDirected } from './directed.js'
import { Machine } from './machine.js'

const test = suite('kernel: timeouts')

type Line = Record<string, unknown>
/** Packets of conversations, `<` before what the server sends. */
class Script {
  readonly lines: Line[] = []
  readonly #family: Family
  constructor(family: Family) {
    this.#family = family
  }
  add(proto: string, sport: number, back: boolean, fields: Line, at: number): void {
    const [client, server] = ENDS[this.#family]
    const ported = proto === 'tcp' || proto === 'udp' || proto === 'sctp' || proto === 'udplite'
    const [from, to] = [ported ? { sport, dport: 80 } : {}, ported ? { sport: 80, dport: sport } : {}]
    const ends = back
      ? { iface: 'pod0', src: server, dst: client, ...to }
      : { iface: 'eth0', src: client, dst: server, ...from }
    this.lines.push({ id: this.lines.length + 1, at_ms: at, proto, ...ends, ...fields })
  }
  tcp(sport: number, ...segments: readonly (string | readonly [string, Line])[]): void {
    for (const segment of segments) {
      const [flags, more] = typeof segment === 'string' ? [segment, {}] : segment
      this.add('tcp', sport, flags.startsWith('<'), { flags: flags.replace('<', ''), ...more }, 0)
    }
  }
  sctp(sport: number, ...chunks: readonly string[]): void {
    for (const chunk of chunks) {
      const back = chunk.startsWith('<')
      // What the server sends carries the tag that INIT announced.
      const tag = chunk === '<SHUTDOWN' ? { vtag: 0x0a0a0a0a } : {}
      this.add('sctp', sport, back, { sctp_chunk: chunk.replace('<', ''), ...tag }, 0)
    }
  }
}

function conversations(family: Family): Line[] {
  const s = new Script(family)
  const data: Line = { payload_len: 100 }
  s.tcp(1, 'S', '<SA', 'A', ['PA', data], ['<A', { ack: 1101 }], 'FA', '<A', '<FA', 'A')
  s.tcp(2, 'S', '<SA', 'A', '<RA')
  s.tcp(3, 'A', 'A')
  s.tcp(4, 'S', '<SA', 'A', ['PA', data], ['PA', data], ['PA', data], ['PA', data], ['PA', data])
  s.tcp(5, 'S', '<S')
  s.tcp(6, 'S', '<SA', 'A', ['<A', { win: 0 }])
  s.tcp(7, 'S', '<SA', 'A', '<FA', 'A', 'FA', '<A')
  for (const proto of ['udp', 'udplite'] as const) {
    s.add(proto, 1, false, {}, 0)
    s.add(proto, 1, true, {}, 0)
  }
  const [request, reply] = family === 'ipv4' ? [8, 0] : [128, 129]
  const icmp = family === 'ipv4' ? 'icmp' : 'icmpv6'
  s.add(icmp, 0, false, { icmp_type: request, icmp_code: 0, icmp_id: 7 }, 0)
  s.add(icmp, 0, true, { icmp_type: reply, icmp_code: 0, icmp_id: 7 }, 0)
  for (const back of [false, true, false]) s.add('gre', 0, back, {}, 0)
  for (const back of [false, true]) s.add('esp', 0, back, { spi: 5 }, 0)
  s.sctp(1, 'INIT', '<INIT_ACK', 'COOKIE_ECHO', '<COOKIE_ACK', 'SHUTDOWN', '<SHUTDOWN_ACK', 'SHUTDOWN_COMPLETE')
  s.sctp(2, 'INIT', '<INIT_ACK', 'COOKIE_ECHO', '<COOKIE_ACK', '<SHUTDOWN', 'SHUTDOWN_ACK')
  s.sctp(3, 'HEARTBEAT', '<HEARTBEAT_ACK')
  // A stream is older than two seconds.
  s.add('udp', 1, false, {}, 2100)
  s.add('udp', 1, true, {}, 2100)
  return s.lines
}

const TIMEOUTS = [
  ...['syn_sent', 'syn_recv', 'established', 'fin_wait', 'close_wait', 'last_ack', 'time_wait', 'close'].map(
    (state) => `tcp_timeout_${state}`,
  ),
  ...['tcp_timeout_max_retrans', 'tcp_timeout_unacknowledged', 'udp_timeout', 'udp_timeout_stream', 'icmp_timeout'],
  ...['icmpv6_timeout', 'gre_timeout', 'gre_timeout_stream', 'generic_timeout'],
  ...['closed', 'cookie_wait', 'cookie_echoed', 'established', 'shutdown_sent', 'shutdown_recd'].map(
    (state) => `sctp_timeout_${state}`,
  ),
  ...['sctp_timeout_shutdown_ack_sent', 'sctp_timeout_heartbeat_sent'],
]
/** No default, each by itself, and below what data that is not acknowledged cuts off. */
const oddly = (i: number): number => 133 + 5 * i

if (haveKernel('kernel: timeouts')) {
  for (const family of ['ipv4', 'ipv6'] as const)
    test(`each sysctl by itself, ${family}`, async () => {
      const machine = new Machine()
      try {
        const changed: string[] = []
        for (const [i, name] of [...TIMEOUTS, 'none'].entries()) {
          const sysctls = name === 'none' ? {} : { [`net.netfilter.nf_conntrack_${name}`]: String(oddly(i)) }
          const rules = { filter: '-A FORWARD -m conntrack --ctstate NEW' }
          const lines = conversations(family).filter((l) => name.includes('stream') || Number(l['at_ms']) === 0)
          const { faults, run } = await runDirected(machine, { family, rules, sysctls, lines })
          assert.equal(faults, [], name)
          const seen = run.answers.some((a) => Math.abs((a.ct?.timeout ?? 0) - oddly(i)) <= 1)
          if (seen) changed.push(name)
        }
        // Each was seen, but for the other family's.
        const other = family === 'ipv4' ? 'icmpv6_timeout' : 'icmp_timeout'
        assert.equal(
          TIMEOUTS.filter((name) => !changed.includes(name)),
          [other],
        )
      } finally {
        machine.close()
      }
    })
}

test.run()
