// TCP sequence windows of a connection's two sides: what each sent, may send and acknowledged; whether the segment in the
// context fits. Kernel: net/netfilter/nf_conntrack_proto_tcp.c (tcp_in_window, tcp_init_sender, tcp_options).
// A side is the words at CT_TCP_END, _FLAGS, _MAX_END, _MAX_WIN, _MAX_ACK plus 4 * direction of the cold record.
import {
  CT_STATE_OFF,
  CT_TCP_END_OFF,
  CT_TCP_FLAGS_OFF,
  CT_TCP_LAST_ACK_OFF,
  CT_TCP_LAST_DIR_OFF,
  CT_TCP_LAST_END_OFF,
  CT_TCP_LAST_SEQ_OFF,
  CT_TCP_LAST_WIN_OFF,
  CT_TCP_MAX_ACK_OFF,
  CT_TCP_MAX_END_OFF,
  CT_TCP_MAX_WIN_OFF,
  CT_TCP_RETRANS_OFF,
  CTX_ACK_AT,
  CTX_SEQ_AT,
  CTX_TCP_FLAGS_AT,
  CTX_TCP_OPTIONS_AT,
  CTX_TCP_SACK_AT,
  CTX_WIN_AT,
  SYSCTL_TCP_BE_LIBERAL,
  TCPF_LIBERAL,
  TCPF_MAX_ACK,
  TCPF_SACK_PERMITTED,
  TCPF_SCALE_SHIFT,
  TCPF_UNACKED,
  TCPF_WINDOW_SCALE,
  TCPO_HAS_EDGE,
  TCPO_HAS_SCALE,
  TCPO_PRESENT,
  TCPO_SACK_PERMITTED,
  TCPO_SCALE_MASK,
} from './layout'
import { Sysctl } from './sysctl'
import { ACK, RST, SYN, SYN_RECV, SYN_SENT } from './tcp-states'

/** An acknowledgement may lie that far back, whatever the windows. */
const MAX_ACK_WINDOW: u32 = 66000

export const WINDOW_FITS: u32 = 0
/** The packet passes with its connection and changes nothing. */
export const WINDOW_IGNORE: u32 = 1
export const WINDOW_INVALID: u32 = 2

export class Window {
  static after(a: u32, b: u32): bool {
    return <i32>(b - a) < 0
  }

  /** TCPF_* of the options of the SYN in the context; `old`: what was known of its side. */
  static options(old: u32): u32 {
    const options = load<u32>(CTX_TCP_OPTIONS_AT)
    if (!(options & TCPO_PRESENT)) return old
    let flags = old & TCPF_LIBERAL
    if (options & TCPO_HAS_SCALE) flags |= TCPF_WINDOW_SCALE | ((options & TCPO_SCALE_MASK) << TCPF_SCALE_SHIFT)
    return options & TCPO_SACK_PERMITTED ? flags | TCPF_SACK_PERMITTED : flags
  }

  /** The first segment of a connection, ending at `end`; `loose`: it was picked up in the middle. */
  static begin(cold: usize, end: u32, loose: bool): void {
    const win = max<u32>(load<u32>(CTX_WIN_AT), 1)
    store<u32>(cold + CT_TCP_END_OFF, end)
    store<u32>(cold + CT_TCP_MAX_WIN_OFF, win)
    if (loose) {
      store<u32>(cold + CT_TCP_MAX_END_OFF, end + win)
      store<u32>(cold + CT_TCP_FLAGS_OFF, TCPF_SACK_PERMITTED | TCPF_LIBERAL)
      store<u32>(cold + CT_TCP_FLAGS_OFF + 4, TCPF_SACK_PERMITTED | TCPF_LIBERAL)
    } else {
      store<u32>(cold + CT_TCP_MAX_END_OFF, end)
      store<u32>(cold + CT_TCP_FLAGS_OFF, Window.options(0))
    }
  }

  private static initSender(sender: usize, receiver: usize, end: u32, dir: u32): void {
    store<u32>(sender + CT_TCP_END_OFF, end)
    store<u32>(sender + CT_TCP_MAX_END_OFF, end)
    store<u32>(sender + CT_TCP_MAX_WIN_OFF, max<u32>(load<u32>(CTX_WIN_AT), 1))
    const mine = Window.options(load<u32>(sender + CT_TCP_FLAGS_OFF))
    store<u32>(sender + CT_TCP_FLAGS_OFF, mine)
    const theirs = load<u32>(receiver + CT_TCP_FLAGS_OFF)
    if (dir === 1 && !(mine & theirs & TCPF_WINDOW_SCALE)) {
      const unscaled = (1 << TCPF_SCALE_SHIFT) - 1
      store<u32>(sender + CT_TCP_FLAGS_OFF, mine & unscaled)
      store<u32>(receiver + CT_TCP_FLAGS_OFF, theirs & unscaled)
    }
  }

  private static judge(sender: usize, verdict: u32): u32 {
    const liberal = load<u32>(sender + CT_TCP_FLAGS_OFF) & TCPF_LIBERAL || Sysctl.get(SYSCTL_TCP_BE_LIBERAL) !== 0
    return liberal ? WINDOW_FITS : verdict
  }

  /** Outside of what the receiver allows: INVALID, or let through when it looks like a sender that sends a bit too much. */
  private static over(sender: usize, receiver: usize, end: u32, near: bool): u32 {
    const overshot = end - load<u32>(sender + CT_TCP_MAX_END_OFF) + 1
    const room = load<u32>(receiver + CT_TCP_MAX_WIN_OFF)
    if (!near || room === 0 || overshot > room) return Window.judge(sender, WINDOW_INVALID)
    store<u32>(sender + CT_TCP_END_OFF, end)
    store<u32>(sender + CT_TCP_FLAGS_OFF, load<u32>(sender + CT_TCP_FLAGS_OFF) | TCPF_UNACKED)
    return Window.judge(sender, WINDOW_IGNORE)
  }

  /** Judges the segment by the windows and, when it fits, moves them on. */
  static check(ct: usize, cold: usize, dir: u32, bareAck: bool, segmentEnd: u32): u32 {
    const sender = cold + dir * 4
    const receiver = cold + (1 - dir) * 4
    const flags = load<u32>(CTX_TCP_FLAGS_AT)
    const rawWin = load<u32>(CTX_WIN_AT)
    let end = segmentEnd
    let seq = load<u32>(CTX_SEQ_AT)
    let ack = load<u32>(CTX_ACK_AT)
    let sack = ack
    if (load<u32>(CTX_TCP_OPTIONS_AT) & TCPO_HAS_EDGE) {
      if (load<u32>(receiver + CT_TCP_FLAGS_OFF) & TCPF_SACK_PERMITTED) sack = load<u32>(CTX_TCP_SACK_AT)
    }
    if (load<u32>(sender + CT_TCP_MAX_WIN_OFF) === 0) {
      if (flags & SYN) {
        Window.initSender(sender, receiver, end, dir)
        if (!(flags & ACK)) return WINDOW_FITS
      } else {
        const scale = load<u32>(sender + CT_TCP_FLAGS_OFF) >>> TCPF_SCALE_SHIFT
        const win = max<u32>(rawWin << scale, 1)
        store<u32>(sender + CT_TCP_END_OFF, end)
        store<u32>(sender + CT_TCP_MAX_WIN_OFF, win)
        store<u32>(sender + CT_TCP_MAX_END_OFF, end + win)
        if (load<u32>(receiver + CT_TCP_MAX_WIN_OFF) === 0) {
          store<u32>(receiver + CT_TCP_END_OFF, sack)
          store<u32>(receiver + CT_TCP_MAX_END_OFF, sack)
        } else if (sack === load<u32>(receiver + CT_TCP_END_OFF) + 1) store<u32>(receiver + CT_TCP_END_OFF, sack)
      }
    } else if (flags & SYN && Window.after(end, load<u32>(sender + CT_TCP_END_OFF))) {
      const state = load<u32>(ct + CT_STATE_OFF)
      if (state === SYN_SENT || state === SYN_RECV) {
        Window.initSender(sender, receiver, end, dir)
        if (dir === 1 && !(flags & ACK)) return WINDOW_FITS
      }
    }
    const receiverEnd = load<u32>(receiver + CT_TCP_END_OFF)
    const senderEnd = load<u32>(sender + CT_TCP_END_OFF)
    // No acknowledgement, or a RST with ACK and number 0: as if it acknowledged all.
    if (!(flags & ACK) || (flags & RST && ack === 0)) {
      ack = receiverEnd
      sack = receiverEnd
    }
    // A RST that answers a SYN.
    if (flags & RST && seq === 0 && load<u32>(ct + CT_STATE_OFF) === SYN_SENT) {
      seq = senderEnd
      end = senderEnd
    }
    const maxWin = load<u32>(sender + CT_TCP_MAX_WIN_OFF)
    const room = load<u32>(receiver + CT_TCP_MAX_WIN_OFF)
    const maxEnd = load<u32>(sender + CT_TCP_MAX_END_OFF)
    const acksSeen = Window.after(receiverEnd + 1, sack)
    const acksRecent = Window.after(sack, receiverEnd - max<u32>(maxWin, MAX_ACK_WINDOW) - 1)
    const endsInside = Window.after(end, senderEnd - room - 1)
    if (!Window.after(maxEnd + 1, seq)) {
      return Window.over(sender, receiver, end, endsInside && acksRecent && acksSeen)
    }
    if (!acksSeen) return Window.judge(sender, WINDOW_INVALID)
    if ((room !== 0 && !endsInside) || !acksRecent) return Window.judge(sender, WINDOW_IGNORE)

    let known = load<u32>(sender + CT_TCP_FLAGS_OFF)
    const win = flags & SYN ? rawWin : rawWin << (known >>> TCPF_SCALE_SHIFT)
    const offered = win + (sack - ack)
    if (maxWin < offered) store<u32>(sender + CT_TCP_MAX_WIN_OFF, offered)
    if (Window.after(end, senderEnd)) {
      store<u32>(sender + CT_TCP_END_OFF, end)
      known |= TCPF_UNACKED
    }
    if (flags & ACK && (!(known & TCPF_MAX_ACK) || Window.after(ack, load<u32>(sender + CT_TCP_MAX_ACK_OFF)))) {
      store<u32>(sender + CT_TCP_MAX_ACK_OFF, ack)
      known |= TCPF_MAX_ACK
    }
    store<u32>(sender + CT_TCP_FLAGS_OFF, known)
    if (room !== 0 && Window.after(end, maxEnd)) store<u32>(receiver + CT_TCP_MAX_WIN_OFF, room + (end - maxEnd))
    const allowed = sack + win
    if (Window.after(allowed, load<u32>(receiver + CT_TCP_MAX_END_OFF) - 1)) {
      store<u32>(receiver + CT_TCP_MAX_END_OFF, win === 0 ? allowed + 1 : allowed)
    }
    if (ack === receiverEnd) {
      store<u32>(receiver + CT_TCP_FLAGS_OFF, load<u32>(receiver + CT_TCP_FLAGS_OFF) & ~TCPF_UNACKED)
    }
    if (bareAck) Window.repeated(cold, dir, seq, ack, end)
    return WINDOW_FITS
  }

  private static repeated(cold: usize, dir: u32, seq: u32, ack: u32, end: u32): void {
    const win = load<u32>(CTX_WIN_AT)
    if (
      load<u32>(cold + CT_TCP_LAST_DIR_OFF) === dir &&
      load<u32>(cold + CT_TCP_LAST_SEQ_OFF) === seq &&
      load<u32>(cold + CT_TCP_LAST_ACK_OFF) === ack &&
      load<u32>(cold + CT_TCP_LAST_END_OFF) === end &&
      load<u32>(cold + CT_TCP_LAST_WIN_OFF) === win
    ) {
      store<u32>(cold + CT_TCP_RETRANS_OFF, load<u32>(cold + CT_TCP_RETRANS_OFF) + 1)
      return
    }
    store<u32>(cold + CT_TCP_LAST_DIR_OFF, dir)
    store<u32>(cold + CT_TCP_LAST_SEQ_OFF, seq)
    store<u32>(cold + CT_TCP_LAST_ACK_OFF, ack)
    store<u32>(cold + CT_TCP_LAST_END_OFF, end)
    store<u32>(cold + CT_TCP_LAST_WIN_OFF, win)
    store<u32>(cold + CT_TCP_RETRANS_OFF, 0)
  }
}
