// The TCP tracker: states, timeouts, reopening, resets. The windows are tcp-window.ts's.
// Kernel: net/netfilter/nf_conntrack_proto_tcp.c. The table is the kernel's tcp_conntracks, in words.
import type { Packet } from '../net/packet.js'
import { parseTcpFlags, TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../net/proto.js'
import { tcpOptionsOf } from '../net/tcp-options.js'
import { count, keep } from './accounting.js'
import { sysctl } from './sysctl.js'
import { after, beginWindow, endOf, inWindow, newSide } from './tcp-window.js'
import { tcpTimeout } from './timeouts.js'
import type { Connection, Direction, World } from './types.js'

export type TcpIndex = 'syn' | 'synack' | 'fin' | 'ack' | 'rst' | 'none'

const STATES = 'NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE SYN_SENT2'.split(' ')
const SHORT: Readonly<Record<string, string>> = {
  sNO: 'NONE',
  sSS: 'SYN_SENT',
  sSR: 'SYN_RECV',
  sES: 'ESTABLISHED',
  sFW: 'FIN_WAIT',
  sCW: 'CLOSE_WAIT',
  sLA: 'LAST_ACK',
  sTW: 'TIME_WAIT',
  sCL: 'CLOSE',
  sS2: 'SYN_SENT2',
  sIV: 'INVALID',
  sIG: 'IGNORE',
}

/** Rows by direction and kind of segment; columns are the states in the order of STATES. */
const TABLE: readonly Readonly<Record<TcpIndex, string>>[] = [
  {
    syn: 'sSS sSS sIG sIG sIG sIG sIG sSS sSS sS2',
    synack: 'sIV sIV sSR sIV sIV sIV sIV sIV sIV sSR',
    fin: 'sIV sIV sFW sFW sLA sLA sLA sTW sCL sIV',
    ack: 'sES sIV sES sES sCW sCW sTW sTW sCL sIV',
    rst: 'sIV sCL sCL sCL sCL sCL sCL sCL sCL sCL',
    none: 'sIV sIV sIV sIV sIV sIV sIV sIV sIV sIV',
  },
  {
    syn: 'sIV sS2 sIV sIV sIV sIV sIV sSS sIV sS2',
    synack: 'sIV sSR sIG sIG sIG sIG sIG sIG sIG sSR',
    fin: 'sIV sIV sFW sFW sLA sLA sLA sTW sCL sIV',
    ack: 'sIV sIG sSR sES sCW sCW sTW sTW sCL sIG',
    rst: 'sIV sCL sCL sCL sCL sCL sCL sCL sCL sCL',
    none: 'sIV sIV sIV sIV sIV sIV sIV sIV sIV sIV',
  },
]

/** Sets of SYN, RST, FIN, ACK, URG that a segment may have (tcp_valid_flags); PSH, ECE and CWR are free. */
const VALID: readonly number[] = [
  TCP_SYN,
  TCP_SYN | TCP_URG,
  TCP_SYN | TCP_ACK,
  TCP_RST,
  TCP_RST | TCP_ACK,
  TCP_FIN | TCP_ACK,
  TCP_FIN | TCP_ACK | TCP_URG,
  TCP_ACK,
  TCP_ACK | TCP_URG,
]

export function flagsOf(packet: Packet): number {
  return parseTcpFlags(packet.flags ?? '') ?? 0
}

function indexOf(flags: number): TcpIndex {
  if (flags & TCP_RST) return 'rst'
  if (flags & TCP_SYN) return flags & TCP_ACK ? 'synack' : 'syn'
  if (flags & TCP_FIN) return 'fin'
  return flags & TCP_ACK ? 'ack' : 'none'
}

/** Sequence number behind the segment: data, SYN and FIN count. */
export function segmentEnd(packet: Packet): number {
  return endOf(packet, flagsOf(packet))
}

export type TcpVerdict = 'ok' | 'invalid' | 'reopen'

/**
 * Takes one segment. `invalid`: the packet has no part in the connection. `reopen`: the connection was killed, a new
 * one is to be made for the packet.
 */
export function trackTcp(world: World, flow: Connection, dir: Direction, packet: Packet): TcpVerdict {
  const flags = flagsOf(packet)
  if (!VALID.includes(flags & ~(TCP_PSH | TCP_ECE | TCP_CWR))) return 'invalid'
  const index = indexOf(flags)
  const next = (state: string): string => SHORT[TABLE[dir]![index].split(' ')[STATES.indexOf(state)]!]!
  const end = endOf(packet, flags)
  if (!flow.confirmed) {
    const first = next('NONE')
    if (first === 'INVALID') return 'invalid'
    const loose = first !== 'SYN_SENT'
    if (loose && sysctl(world.ns, 'net.netfilter.nf_conntrack_tcp_loose', 1) === 0) return 'invalid'
    beginWindow(flow, packet, end, loose)
  }
  const { tcp } = flow
  let old = flow.state
  let state = next(old)
  if (state === 'INVALID') return 'invalid'
  if (state === 'SYN_SENT' && (old === 'TIME_WAIT' || old === 'CLOSE')) {
    const began = tcp.sides[0].closeInit || tcp.sides[1].closeInit
    if (began || (tcp.last.dir === dir && tcp.last.index === 'rst')) {
      world.table.kill(flow)
      return 'reopen'
    }
    state = 'IGNORE'
  }
  if (state === 'IGNORE') {
    const toIgnored = tcp.last.index === 'syn' && tcp.last.dir !== dir && tcp.last.end === packet.ack
    if (index !== 'synack' || !toIgnored) {
      noteIgnored(flow, index, dir, packet, old)
      return 'ok'
    }
    old = 'SYN_SENT'
    state = 'SYN_RECV'
    believeIgnored(flow, dir)
  }
  // A challenge ACK after an ignored SYN does not acknowledge the last FIN (RFC 5961).
  if (state === 'TIME_WAIT' && old === 'LAST_ACK' && index === 'ack' && tcp.challenge) {
    if (tcp.last.index === 'syn' && tcp.last.dir !== dir) {
      tcp.challenge = false
      return 'ok'
    }
  }
  if (state === 'SYN_SENT2') tcp.simultaneous = true
  if (state === 'SYN_RECV' && dir === 1 && index === 'ack' && tcp.simultaneous) state = 'ESTABLISHED'
  const reset = state === 'CLOSE' && index === 'rst' ? judgeReset(world, flow, dir, packet) : 'check'
  if (reset === 'invalid') return 'invalid'
  if (reset === 'keep') state = old
  if (reset === 'check' || reset === 'keep') {
    const liberal = sysctl(world.ns, 'net.netfilter.nf_conntrack_tcp_be_liberal', 0) !== 0
    const verdict = inWindow(flow, { packet, flags, dir, isBareAck: index === 'ack', end }, liberal)
    if (verdict === 'ignore') return 'ok'
    if (verdict === 'invalid') {
      handleOutside(world, flow, dir, index)
      return 'invalid'
    }
  }
  tcp.last.index = index
  tcp.last.dir = dir
  flow.state = state
  if (old !== state && state === 'FIN_WAIT') tcp.sides[dir].closeInit = true
  const timeout = chooseTimeout(world, flow, index)
  if (!flow.seenReply) {
    if (flags & TCP_RST) {
      count(flow, dir, packet)
      world.table.kill(flow)
      return 'ok'
    }
    // A repeated SYN does not keep the entry alive.
    if (index === 'syn' && old === 'SYN_SENT') return 'ok'
  } else if (!flow.assured && (old === 'SYN_RECV' || old === 'ESTABLISHED') && state === 'ESTABLISHED') {
    flow.assured = true
  }
  keep(world, flow, dir, packet, timeout)
  return 'ok'
}

/** An ignored segment is remembered: a later one may answer it. */
function noteIgnored(flow: Connection, index: TcpIndex, dir: Direction, packet: Packet, old: string): void {
  const { tcp } = flow
  const { last } = tcp
  Object.assign(last, { index, dir, seq: packet.seq ?? 0, end: segmentEnd(packet), win: packet.win ?? 0 })
  if (index === 'syn' && dir === 0) {
    const { scale, sackPermitted } = tcpOptionsOf(packet.tcp_options)
    Object.assign(last, { scale: scale ?? 0, windowScale: scale !== null, sackPermitted })
    tcp.simultaneous = false
    tcp.challenge = old === 'LAST_ACK'
  }
  // Perhaps a challenge to the SYN: a RST will answer it.
  if (old === 'SYN_SENT' && index === 'ack' && dir === 1) last.ack = packet.ack ?? 0
}

/** A SYNACK answers a SYN that was ignored: the windows begin anew from that SYN. */
function believeIgnored(flow: Connection, dir: Direction): void {
  const { tcp } = flow
  const { last } = tcp
  tcp.challenge = false
  tcp.sides[last.dir] = {
    ...newSide(),
    end: last.end,
    maxEnd: last.end,
    maxWin: last.win || 1,
    maxAck: null,
    scale: last.scale,
    windowScale: last.windowScale,
    sackPermitted: last.sackPermitted,
  }
  tcp.sides[dir] = { ...newSide(), liberal: tcp.sides[dir].liberal }
}

const CLOSING: readonly string[] = ['FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE']

/**
 * A RST: `invalid`; `pass`: it closes without a look at the windows; `check`: the windows decide; `keep`: likewise,
 * but its number is not the expected one, so the state stays and a challenge may follow.
 */
function judgeReset(
  world: World,
  flow: Connection,
  dir: Direction,
  packet: Packet,
): 'invalid' | 'check' | 'pass' | 'keep' {
  const { tcp } = flow
  const { last } = tcp
  const seq = packet.seq ?? 0
  if (CLOSING.includes(flow.state)) return 'pass'
  const expected = tcp.sides[dir === 0 ? 1 : 0].maxAck
  if (expected !== null && last.index !== 'syn') {
    const established = flow.state === 'ESTABLISHED' && flow.assured
    if (seq === 0 && !established) return 'check'
    const strict = sysctl(world.ns, 'net.netfilter.nf_conntrack_tcp_ignore_invalid_rst', 0) === 0
    if (after(expected, seq) && strict) return 'invalid'
    if (!established || seq === expected) return 'check'
    if (last.index === 'ack' && last.dir === dir && seq === last.end) return 'check'
    return 'keep'
  }
  const answersSyn = flow.seenReply && last.dir !== dir && last.index === 'syn'
  const answersAck = !flow.assured && last.index === 'ack'
  const pass =
    ((answersSyn || answersAck) && (packet.ack ?? 0) === last.end) ||
    (flow.state === 'SYN_SENT' && last.index === 'ack' && last.dir === 1 && seq === last.ack)
  return pass ? 'pass' : 'check'
}

/** A FIN or RST outside the window: once both sides sent one, the entry lives no longer than with unacknowledged data. */
function handleOutside(world: World, flow: Connection, dir: Direction, index: TcpIndex): void {
  const { last } = flow.tcp
  if (!flow.assured || flow.fixedTimeout || (index !== 'rst' && index !== 'fin')) return
  if (last.dir !== dir && (last.index === 'fin' || last.index === 'rst')) {
    const left = flow.endMs - world.now
    const unack = tcpTimeout(world.ns, 'UNACK')
    if (left >= 120_000 && left > unack) world.table.refresh(flow, unack)
    return
  }
  last.index = index
  last.dir = dir
}

function chooseTimeout(world: World, flow: Connection, index: TcpIndex): number {
  const { ns } = world
  const normal = tcpTimeout(ns, flow.state)
  const retrans = tcpTimeout(ns, 'RETRANS')
  const unack = tcpTimeout(ns, 'UNACK')
  const { tcp } = flow
  const unacked = tcp.sides[0].unacked || tcp.sides[1].unacked
  let timeout = normal
  if (tcp.retransmits >= sysctl(ns, 'net.netfilter.nf_conntrack_tcp_max_retrans', 3) && normal > retrans)
    timeout = retrans
  else if (index === 'rst') timeout = tcpTimeout(ns, 'CLOSE')
  else if (unacked && normal > unack) timeout = unack
  else if (tcp.last.win === 0 && normal > retrans) timeout = retrans
  const unreplied = !flow.seenReply && flow.state === 'ESTABLISHED'
  return unreplied ? Math.min(timeout, unack) : timeout
}

/** A RST that this host sends in answer: a confirmed connection is closed. */
export function closeByReset(world: World, flow: Connection): void {
  if (flow.proto !== 6 || !flow.confirmed) return
  const old = flow.state
  flow.state = 'CLOSE'
  if (old !== 'CLOSE') world.table.refresh(flow, tcpTimeout(world.ns, 'CLOSE'))
}
