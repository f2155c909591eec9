// The SCTP tracker: one chunk a packet, the kernel's state table. Verification tags are taken to fit.
// Kernel: net/netfilter/nf_conntrack_proto_sctp.c. The table is the kernel's sctp_conntracks.
import type { Packet } from '../net/packet.js'
import { sctpChunkNumber } from '../net/proto.js'
import { sctpTimeout } from './timeouts.js'
import type { Connection, Direction, World } from './types.js'

const STATES =
  'NONE CLOSED COOKIE_WAIT COOKIE_ECHOED ESTABLISHED SHUTDOWN_SENT SHUTDOWN_RECD SHUTDOWN_ACK_SENT HEARTBEAT_SENT'.split(
    ' ',
  )
const SHORT: Readonly<Record<string, string>> = {
  sCL: 'CLOSED',
  sCW: 'COOKIE_WAIT',
  sCE: 'COOKIE_ECHOED',
  sES: 'ESTABLISHED',
  sSS: 'SHUTDOWN_SENT',
  sSR: 'SHUTDOWN_RECD',
  sSA: 'SHUTDOWN_ACK_SENT',
  sHS: 'HEARTBEAT_SENT',
  sIV: 'INVALID',
}
const [INIT, INIT_ACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN] = [1, 2, 4, 5, 6, 7]
const [SHUTDOWN_ACK, ERROR, COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE] = [8, 9, 10, 11, 14]

/** By direction and chunk; columns are the states in the order of STATES. Other chunks change nothing. */
const TABLE: readonly ReadonlyMap<number, string>[] = [
  new Map([
    [INIT, 'sCL sCL sCW sCE sES sCL sCL sSA sCW'],
    [INIT_ACK, 'sCL sCL sCW sCE sES sSS sSR sSA sCL'],
    [ABORT, 'sCL sCL sCL sCL sCL sCL sCL sCL sCL'],
    [SHUTDOWN, 'sCL sCL sCW sCE sSS sSS sSR sSA sCL'],
    [SHUTDOWN_ACK, 'sSA sCL sCW sCE sES sSA sSA sSA sSA'],
    [ERROR, 'sCL sCL sCW sCE sES sSS sSR sSA sCL'],
    [COOKIE_ECHO, 'sCL sCL sCE sCE sES sSS sSR sSA sCL'],
    [COOKIE_ACK, 'sCL sCL sCW sES sES sSS sSR sSA sCL'],
    [SHUTDOWN_COMPLETE, 'sCL sCL sCW sCE sES sSS sSR sCL sCL'],
    [HEARTBEAT, 'sHS sCL sCW sCE sES sSS sSR sSA sHS'],
    [HEARTBEAT_ACK, 'sCL sCL sCW sCE sES sSS sSR sSA sHS'],
  ]),
  new Map([
    [INIT, 'sIV sCL sCW sCE sES sSS sSR sSA sIV'],
    [INIT_ACK, 'sIV sCW sCW sCE sES sSS sSR sSA sIV'],
    [ABORT, 'sIV sCL sCL sCL sCL sCL sCL sCL sIV'],
    [SHUTDOWN, 'sIV sCL sCW sCE sSR sSS sSR sSA sIV'],
    [SHUTDOWN_ACK, 'sIV sCL sCW sCE sES sSA sSA sSA sIV'],
    [ERROR, 'sIV sCL sCW sCL sES sSS sSR sSA sIV'],
    [COOKIE_ECHO, 'sIV sCL sCE sCE sES sSS sSR sSA sIV'],
    [COOKIE_ACK, 'sIV sCL sCW sES sES sSS sSR sSA sIV'],
    [SHUTDOWN_COMPLETE, 'sIV sCL sCW sCE sES sSS sSR sCL sIV'],
    [HEARTBEAT, 'sIV sCL sCW sCE sES sSS sSR sSA sHS'],
    [HEARTBEAT_ACK, 'sIV sCL sCW sCE sES sSS sSR sSA sES'],
  ]),
]

function nextState(dir: Direction, chunk: number, state: string): string {
  const row = TABLE[dir]!.get(chunk)
  return row === undefined ? state : SHORT[row.split(' ')[STATES.indexOf(state)]!]!
}

/** Takes one packet; false: it is INVALID. */
export function trackSctp(world: World, flow: Connection, dir: Direction, packet: Packet): boolean {
  const chunk = sctpChunkNumber(packet.sctp_chunk ?? 'INIT') ?? 1
  if (!flow.confirmed) {
    if (chunk === ABORT || chunk === SHUTDOWN_COMPLETE || chunk === COOKIE_ACK) return false
    if (nextState(0, chunk, 'NONE') === 'NONE') return false
  }
  const old = flow.state
  const state = nextState(dir, chunk, old)
  if (state === 'INVALID') return false
  flow.state = state
  if (chunk === INIT && state === 'CLOSED' && old === 'CLOSED' && flow.confirmed) return true
  world.table.refresh(flow, sctpTimeout(world.ns, state))
  if (old === 'COOKIE_ECHOED' && dir === 1 && state === 'ESTABLISHED') flow.assured = true
  return true
}
