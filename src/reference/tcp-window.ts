// TCP sequence windows: what each side has sent, may send and has acknowledged, and whether a segment fits it.
// Kernel: net/netfilter/nf_conntrack_proto_tcp.c (tcp_in_window, tcp_init_sender, tcp_options, tcp_sack).
// Numbers are u32 and wrap; one comes after another when the signed difference says so.
import type { Packet } from '../net/packet.js'
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../net/proto.js'
import { type TcpOptions, tcpOptionsOf } from '../net/tcp-options.js'
import type { Connection, Direction, TcpSide } from './types.js'

/** An acknowledgement may lie that far back, whatever the windows. */
const MAX_ACK_WINDOW = 66000

export type WindowVerdict = 'fits' | 'ignore' | 'invalid'

const u32 = (n: number): number => n >>> 0

/** Does a come after b, as sequence numbers? */
export function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0
}

const before = (a: number, b: number): boolean => after(b, a)

export function newSide(): TcpSide {
  return {
    end: 0,
    maxEnd: 0,
    maxWin: 0,
    maxAck: null,
    scale: 0,
    windowScale: false,
    sackPermitted: false,
    unacked: false,
    closeInit: false,
    liberal: false,
  }
}

/** What the tracker knows before the first segment. */
export function newTcp(): Connection['tcp'] {
  return {
    sides: [newSide(), newSide()],
    last: {
      index: 'none',
      dir: 0,
      seq: 0,
      ack: 0,
      end: 0,
      win: 0,
      scale: 0,
      windowScale: false,
      sackPermitted: false,
    },
    retransmits: 0,
    challenge: false,
    simultaneous: false,
  }
}

/** The options of a SYN replace all that was known of its side; without any option nothing changes. */
function learnOptions(side: TcpSide, options: TcpOptions): void {
  if (!options.present) return
  side.scale = options.scale ?? 0
  side.windowScale = options.scale !== null
  side.sackPermitted = options.sackPermitted
  side.unacked = false
  side.closeInit = false
  side.maxAck = null
}

/** The first segment of a connection. `loose`: it was picked up in the middle. */
export function beginWindow(flow: Connection, packet: Packet, end: number, loose: boolean): void {
  flow.tcp = newTcp()
  const [first, other] = flow.tcp.sides
  first.end = end
  first.maxWin = packet.win || 1
  first.maxEnd = end
  if (!loose) {
    learnOptions(first, tcpOptionsOf(packet.tcp_options))
    return
  }
  first.maxEnd = u32(end + first.maxWin)
  for (const side of [first, other]) Object.assign(side, { sackPermitted: true, liberal: true })
}

function initSender(sender: TcpSide, receiver: TcpSide, packet: Packet, end: number, dir: Direction): void {
  sender.end = end
  sender.maxEnd = end
  sender.maxWin = packet.win || 1
  learnOptions(sender, tcpOptionsOf(packet.tcp_options))
  if (dir === 1 && !(sender.windowScale && receiver.windowScale)) {
    sender.scale = 0
    receiver.scale = 0
  }
}

/** The right edge of the highest SACK block, or the acknowledgement itself. */
function sackOf(packet: Packet, ack: number): number {
  let sack = ack
  for (const edge of tcpOptionsOf(packet.tcp_options).sackEdges) if (after(edge, sack)) sack = edge
  return sack
}

export interface Segment {
  readonly packet: Packet
  readonly flags: number
  readonly dir: Direction
  readonly isBareAck: boolean
  readonly end: number
}

/** Judges a segment by the windows and, when it fits, moves them on. `liberal`: the sysctl. */
export function inWindow(flow: Connection, segment: Segment, liberal: boolean): WindowVerdict {
  const { packet, flags, dir } = segment
  const sender = flow.tcp.sides[dir]
  const receiver = flow.tcp.sides[dir === 0 ? 1 : 0]
  let seq = packet.seq ?? 0
  let { end } = segment
  let ack = packet.ack ?? 0
  let sack = receiver.sackPermitted ? sackOf(packet, ack) : ack
  const rawWin = packet.win ?? 0
  const say = (verdict: WindowVerdict): WindowVerdict => (liberal || sender.liberal ? 'fits' : verdict)

  if (sender.maxWin === 0) {
    if (flags & TCP_SYN) {
      initSender(sender, receiver, packet, end, dir)
      if (!(flags & TCP_ACK)) return 'fits'
    } else {
      sender.end = end
      sender.maxWin = u32(rawWin * 2 ** sender.scale) || 1
      sender.maxEnd = u32(end + sender.maxWin)
      if (receiver.maxWin === 0) {
        receiver.end = sack
        receiver.maxEnd = sack
      } else if (sack === u32(receiver.end + 1)) receiver.end = sack
    }
  } else if (flags & TCP_SYN && after(end, sender.end) && (flow.state === 'SYN_SENT' || flow.state === 'SYN_RECV')) {
    initSender(sender, receiver, packet, end, dir)
    if (dir === 1 && !(flags & TCP_ACK)) return 'fits'
  }

  // No acknowledgement, or a RST with ACK and number 0: as if it acknowledged all.
  if (!(flags & TCP_ACK) || (flags & TCP_RST && ack === 0)) {
    ack = receiver.end
    sack = receiver.end
  }
  // A RST that answers a SYN.
  if (flags & TCP_RST && seq === 0 && flow.state === 'SYN_SENT') {
    seq = sender.end
    end = sender.end
  }

  const ackWindow = Math.max(sender.maxWin, MAX_ACK_WINDOW)
  const acksSeen = before(sack, u32(receiver.end + 1))
  const acksRecent = after(sack, u32(receiver.end - ackWindow - 1))
  const endsInWindow = after(end, u32(sender.end - receiver.maxWin - 1))
  if (!before(seq, u32(sender.maxEnd + 1))) {
    const overshot = u32(end - sender.maxEnd + 1)
    if (receiver.maxWin !== 0 && endsInWindow && acksRecent && overshot <= receiver.maxWin && acksSeen) {
      sender.end = end
      sender.unacked = true
      return say('ignore')
    }
    return say('invalid')
  }
  if (!acksSeen) return say('invalid')
  if (receiver.maxWin !== 0 && !endsInWindow) return say('ignore')
  if (!acksRecent) return say('ignore')

  const win = flags & TCP_SYN ? rawWin : u32(rawWin * 2 ** sender.scale)
  const offered = u32(win + (sack - ack))
  if (sender.maxWin < offered) sender.maxWin = offered
  if (after(end, sender.end)) {
    sender.end = end
    sender.unacked = true
  }
  if (flags & TCP_ACK && (sender.maxAck === null || after(ack, sender.maxAck))) sender.maxAck = ack
  if (receiver.maxWin !== 0 && after(end, sender.maxEnd)) {
    receiver.maxWin = u32(receiver.maxWin + (end - sender.maxEnd))
  }
  if (after(u32(sack + win), u32(receiver.maxEnd - 1))) {
    receiver.maxEnd = u32(sack + win + (win === 0 ? 1 : 0))
  }
  if (ack === receiver.end) receiver.unacked = false
  if (segment.isBareAck) noteRepetition(flow, dir, { seq, ack, end, win: rawWin })
  return 'fits'
}

function noteRepetition(
  flow: Connection,
  dir: Direction,
  now: { seq: number; ack: number; end: number; win: number },
): void {
  const { last } = flow.tcp
  const same =
    last.dir === dir && last.seq === now.seq && last.ack === now.ack && last.end === now.end && last.win === now.win
  if (same) flow.tcp.retransmits++
  else {
    Object.assign(last, now, { dir })
    flow.tcp.retransmits = 0
  }
}

/** Sequence number behind the segment: data, SYN and FIN count. */
export function endOf(packet: Packet, flags: number): number {
  const length = (packet.payload_len ?? 0) + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0)
  return u32((packet.seq ?? 0) + length)
}
