// The SCTP tracker: one chunk a packet, the kernel's state table, verification tags. An INIT announces tag A, an INIT_ACK
// tag B (see net/proto.ts): packets do not carry the announced tag.
// Kernel: net/netfilter/nf_conntrack_proto_sctp.c. The table is the kernel's sctp_conntracks.
import type { Packet } from '../net/packet.js'
import { defaultSctpTag, SCTP_TAG_A, SCTP_TAG_B, sctpChunkNumber } from '../net/proto.js'
import { keep } from './accounting.js'
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
const [INIT, INIT_ACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN] = [1, 2, 4, 5, 6, 7] as const
const [SHUTDOWN_ACK, ERROR, COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE] = [8, 9, 10, 11, 14] as const

/** By direction and chunk; columns are the states in the order of STATES. Other chunks change nothing. */
const TABLE: readonly ReadonlyMap<number, string>[] = [
  new Map<number, string>([
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
  new Map<number, string>([
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

/** What the kernel's sctp_new notes of a first packet; false: it begins no connection. */
function begin(flow: Connection, chunk: number, tag: number): boolean {
  if (chunk === ABORT || chunk === SHUTDOWN_COMPLETE || chunk === COOKIE_ACK) return false
  if (nextState(0, chunk, 'NONE') === 'NONE') return false
  const { tags } = flow.sctp
  if (chunk === INIT) {
    if (tag !== 0) return false
    tags[1] = SCTP_TAG_A
  } else tags[chunk === HEARTBEAT || chunk === HEARTBEAT_ACK ? 0 : 1] = tag
  return true
}

/** HEARTBEAT and its answer may teach a new tag. `pass`: goes through and changes nothing. */
function heartbeat(flow: Connection, dir: Direction, chunk: number, tag: number): 'ok' | 'invalid' | 'pass' {
  const { sctp } = flow
  if (sctp.tags[dir] === 0) sctp.tags[dir] = tag
  else if (fits(flow, dir, tag)) sctp.heartbeatFailed = null
  else if (chunk === HEARTBEAT) {
    sctp.heartbeatFailed = dir
    return 'pass'
  } else {
    if (sctp.heartbeatFailed === null || sctp.heartbeatFailed === dir) return 'invalid'
    sctp.heartbeatFailed = null
    sctp.tags[dir] = tag
    sctp.tags[dir === 0 ? 1 : 0] = 0
  }
  return 'ok'
}

/** Is it the tag that the receiver chose? An unknown one (of a loaded connection) fits. */
function fits(flow: Connection, dir: Direction, tag: number): boolean {
  return flow.sctp.tags[dir] === null || flow.sctp.tags[dir] === tag
}

/** Verification tags (RFC 9260 section 8.5). */
function checkTag(flow: Connection, dir: Direction, chunk: number, tag: number): 'ok' | 'invalid' | 'pass' {
  if (chunk === HEARTBEAT || chunk === HEARTBEAT_ACK) return heartbeat(flow, dir, chunk, tag)
  if (chunk === INIT) return tag === 0 ? 'ok' : 'invalid'
  if (chunk === SHUTDOWN_ACK) return 'ok'
  if (!fits(flow, dir, tag)) return 'invalid'
  if (chunk === COOKIE_ACK) flow.sctp.init = [false, false]
  return 'ok'
}

/**
 * INIT and INIT_ACK say which tag their sender wants; false: it contradicts what was said before. An INIT that says again
 * what is known is a retransmission.
 */
function learnTag(flow: Connection, dir: Direction, chunk: number): boolean {
  const other = dir === 0 ? 1 : 0
  const { tags, init } = flow.sctp
  if (chunk === INIT && (!flow.confirmed || tags[other] !== SCTP_TAG_A)) {
    if (init[dir] && init[other]) init[other] = false
    init[dir] = true
    tags[other] = SCTP_TAG_A
  }
  if (chunk === INIT_ACK) {
    const known = tags[other]
    if (!init[other] && known && known !== SCTP_TAG_B) return false
    if (init[dir] && init[other] && known !== SCTP_TAG_B) return false
    tags[other] = SCTP_TAG_B
  }
  return true
}

/** Takes one packet; false: it is INVALID. */
export function trackSctp(world: World, flow: Connection, dir: Direction, packet: Packet): boolean {
  const chunk = sctpChunkNumber(packet.sctp_chunk ?? 'INIT') ?? INIT
  const tag = packet.vtag ?? defaultSctpTag(chunk)
  if (!flow.confirmed && !begin(flow, chunk, tag)) return false
  const checked = checkTag(flow, dir, chunk, tag)
  if (checked !== 'ok') return checked === 'pass'
  const old = flow.state
  const state = nextState(dir, chunk, old)
  if (state === 'INVALID') return false
  if (!learnTag(flow, dir, chunk)) return false
  flow.state = state
  if (old !== state && state === 'ESTABLISHED') flow.assured = true
  // A repeated INIT does not keep the entry alive.
  if (chunk === INIT && state === 'CLOSED' && old === 'CLOSED' && flow.confirmed) return true
  keep(world, flow, dir, packet, sctpTimeout(world.ns, state))
  return true
}
