// The TCP tracker: states, timeouts, reopening. Sequence numbers only serve to know whether data is unacknowledged and
// whether a segment is a repetition; every segment counts as inside the window.
// Kernel: net/netfilter/nf_conntrack_proto_tcp.c. The table is the kernel's tcp_conntracks, in words.
import type { Packet } from '../net/packet.js'
import { parseTcpFlags, TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../net/proto.js'
import { sysctl } from './sysctl.js'
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

/** Does a come after b, as sequence numbers? */
function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0
}

/** Sequence number behind the segment: data, SYN and FIN count. */
export function segmentEnd(packet: Packet): number {
  const flags = flagsOf(packet)
  const length = (packet.payload_len ?? 0) + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0)
  return ((packet.seq ?? 0) + length) >>> 0
}

/** Notes what is unacknowledged and what is repeated. */
function noteNumbers(flow: Connection, dir: Direction, packet: Packet, index: TcpIndex): void {
  const flags = flagsOf(packet)
  const sender = flow.tcp.sides[dir]
  const receiver = flow.tcp.sides[dir === 0 ? 1 : 0]
  const end = segmentEnd(packet)
  const given = packet.ack ?? 0
  if (sender.end === null) {
    sender.end = end
    if (!(flags & TCP_SYN)) {
      if (receiver.end === null) receiver.end = given
      else if (given === (receiver.end + 1) >>> 0) receiver.end = given
    }
  } else if (flags & TCP_SYN && after(end, sender.end) && (flow.state === 'SYN_SENT' || flow.state === 'SYN_RECV')) {
    sender.end = end
  }
  const ignoresAck = !(flags & TCP_ACK) || (flags & TCP_RST && given === 0)
  const ack = ignoresAck ? receiver.end : given
  if (after(end, sender.end)) {
    sender.end = end
    sender.unacked = true
  }
  if (ack !== null && ack === receiver.end) receiver.unacked = false
  if (index !== 'ack') return
  const { last } = flow.tcp
  const same = { seq: packet.seq ?? 0, ack: ack ?? 0, end, win: packet.win ?? 0 }
  if (
    last !== null &&
    last.dir === dir &&
    last.seq === same.seq &&
    last.ack === same.ack &&
    last.end === same.end &&
    last.win === same.win
  ) {
    flow.tcp.retransmits++
  } else {
    flow.tcp.last = { index, dir, ...same }
    flow.tcp.lastWindow = same.win
    flow.tcp.retransmits = 0
  }
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
  if (!flow.confirmed && flow.state === 'NONE') {
    const first = next('NONE')
    if (first === 'INVALID') return 'invalid'
    if (first !== 'SYN_SENT' && sysctl(world.ns, 'net.netfilter.nf_conntrack_tcp_loose', 1) === 0) return 'invalid'
    flow.tcp.sides[0].end = segmentEnd(packet)
  }
  let old = flow.state
  let state = next(old)
  const { tcp } = flow
  if (state === 'INVALID') return 'invalid'
  if (state === 'SYN_SENT' && (old === 'TIME_WAIT' || old === 'CLOSE')) {
    const began = tcp.sides[0].closeInit || tcp.sides[1].closeInit
    if (began || (tcp.last?.dir === dir && tcp.last.index === 'rst')) {
      world.table.kill(flow)
      return 'reopen'
    }
    state = 'IGNORE'
  }
  if (state === 'IGNORE') {
    const toIgnored = tcp.last?.index === 'syn' && tcp.last.dir !== dir && tcp.last.end === packet.ack
    const answersIgnored = index === 'synack' && toIgnored
    if (!answersIgnored) {
      noteLast(flow, index, dir, packet)
      if (index === 'syn' && dir === 0) {
        tcp.simultaneous = false
        tcp.challenge = old === 'LAST_ACK'
      }
      return 'ok'
    }
    old = 'SYN_SENT'
    state = 'SYN_RECV'
    tcp.challenge = false
    tcp.sides[tcp.last!.dir] = { end: tcp.last!.end, unacked: false, closeInit: false }
    tcp.sides[dir] = { end: null, unacked: false, closeInit: false }
  }
  // A challenge ACK after an ignored SYN does not acknowledge the last FIN (RFC 5961).
  if (state === 'TIME_WAIT' && old === 'LAST_ACK' && index === 'ack' && tcp.challenge) {
    if (tcp.last?.index === 'syn' && tcp.last.dir !== dir) {
      tcp.challenge = false
      return 'ok'
    }
  }
  if (state === 'SYN_SENT2') tcp.simultaneous = true
  if (state === 'SYN_RECV' && dir === 1 && index === 'ack' && tcp.simultaneous) state = 'ESTABLISHED'
  noteNumbers(flow, dir, packet, index)
  tcp.last = { ...(tcp.last ?? { seq: 0, ack: 0, end: 0, win: 0 }), index, dir }
  flow.state = state
  if (old !== state && state === 'FIN_WAIT') tcp.sides[dir].closeInit = true
  const timeout = chooseTimeout(world, flow, index)
  if (!flow.seenReply) {
    if (flags & TCP_RST) {
      world.table.kill(flow)
      return 'ok'
    }
    // A repeated SYN does not keep the entry alive.
    if (index === 'syn' && old === 'SYN_SENT') return 'ok'
  } else if (!flow.assured && (old === 'SYN_RECV' || old === 'ESTABLISHED') && state === 'ESTABLISHED') {
    flow.assured = true
  }
  world.table.refresh(flow, timeout)
  return 'ok'
}

/** An ignored segment is remembered: a later one may answer it. */
function noteLast(flow: Connection, index: TcpIndex, dir: Direction, packet: Packet): void {
  const { tcp } = flow
  tcp.lastWindow = packet.win ?? 0
  tcp.last = {
    index,
    dir,
    seq: packet.seq ?? 0,
    ack: tcp.last?.ack ?? 0,
    end: segmentEnd(packet),
    win: packet.win ?? 0,
  }
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
  else if (tcp.lastWindow === 0 && normal > retrans) timeout = retrans
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
