// The TCP tracker: timeouts, reopening, resets. The states are tcp-states.ts's, the windows window.ts's.
// Kernel: net/netfilter/nf_conntrack_proto_tcp.c.
import { Accounting } from './accounting'
import {
  CT_END_OFF,
  CT_STATE_OFF,
  CT_STATUS_OFF,
  CT_TCP_END_OFF,
  CT_TCP_FLAGS_OFF,
  CT_TCP_LAST_ACK_OFF,
  CT_TCP_LAST_DIR_OFF,
  CT_TCP_LAST_END_OFF,
  CT_TCP_LAST_FLAGS_OFF,
  CT_TCP_LAST_INDEX_OFF,
  CT_TCP_LAST_SEQ_OFF,
  CT_TCP_LAST_WIN_OFF,
  CT_TCP_MAX_ACK_OFF,
  CT_TCP_MAX_END_OFF,
  CT_TCP_MAX_WIN_OFF,
  CT_TCP_RETRANS_OFF,
  CTX_ACK_AT,
  CTX_NOW_AT,
  CTX_SEQ_AT,
  CTX_TCP_FLAGS_AT,
  CTX_WIN_AT,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_FIXED_TIMEOUT,
  IPS_SEEN_REPLY,
  SYSCTL_TCP_IGNORE_INVALID_RST,
  SYSCTL_TCP_LOOSE,
  SYSCTL_TCP_MAX_RETRANS,
  SYSCTL_TCP_RETRANS,
  SYSCTL_TCP_TIMEOUTS,
  SYSCTL_TCP_UNACK,
  TCPF_CLOSE_INIT,
  TCPF_LIBERAL,
  TCPF_MAX_ACK,
  TCPF_UNACKED,
  TCPL_CHALLENGE,
  TCPL_OPTIONS_SHIFT,
  TCPL_SIMULTANEOUS,
} from './layout'
import { Sysctl } from './sysctl'
import { Table } from './table'
import {
  CLOSE,
  ESTABLISHED,
  FIN_WAIT,
  IGNORE,
  INVALID,
  KIND_ACK,
  KIND_FIN,
  KIND_NONE,
  KIND_RST,
  KIND_SYN,
  KIND_SYNACK,
  LAST_ACK,
  nextState,
  Segment,
  SYN_RECV,
  SYN_SENT,
  SYN_SENT2,
  TIME_WAIT,
} from './tcp-states'
import { Timeout, TRACK_INVALID, TRACK_OK, TRACK_REOPEN } from './timeout'
import { WINDOW_FITS, WINDOW_IGNORE, Window } from './window'

// what becomes of a RST: the windows decide; they do, but the state stays; it closes; it is no part of the connection
const RESET_CHECK: u32 = 0
const RESET_KEEP: u32 = 1
const RESET_PASS: u32 = 2
const RESET_INVALID: u32 = 3

export class Tcp {
  /** TRACK_* of the segment in the context. */
  static track(ct: usize, dir: u32): u32 {
    const flags = load<u32>(CTX_TCP_FLAGS_AT)
    if (!Segment.valid(flags)) return TRACK_INVALID
    const kind = Segment.kind(flags)
    const cold = Table.coldOf(ct)
    const status = load<u32>(ct + CT_STATUS_OFF)
    const end = Segment.end()
    if (!(status & IPS_CONFIRMED)) {
      const first = nextState(0, kind, 0)
      if (first === INVALID) return TRACK_INVALID
      const loose = first !== SYN_SENT
      if (loose && Sysctl.get(SYSCTL_TCP_LOOSE) === 0) return TRACK_INVALID
      Window.begin(cold, end, loose)
      store<u32>(cold + CT_TCP_LAST_INDEX_OFF, KIND_NONE)
    }
    let old = load<u32>(ct + CT_STATE_OFF)
    let next: u32 = nextState(dir, kind, old)
    if (next === INVALID) return TRACK_INVALID
    const lastKind = load<u32>(cold + CT_TCP_LAST_INDEX_OFF)
    const lastDir = load<u32>(cold + CT_TCP_LAST_DIR_OFF)
    if (next === SYN_SENT && old >= TIME_WAIT) {
      const sides = load<u32>(cold + CT_TCP_FLAGS_OFF) | load<u32>(cold + CT_TCP_FLAGS_OFF + 4)
      if (sides & TCPF_CLOSE_INIT || (lastDir === dir && lastKind === KIND_RST)) {
        Table.kill(ct)
        return TRACK_REOPEN
      }
      next = IGNORE
    }
    if (next === IGNORE) {
      const answers = kind === KIND_SYNACK && lastKind === KIND_SYN && lastDir !== dir
      if (!answers || load<u32>(CTX_ACK_AT) !== load<u32>(cold + CT_TCP_LAST_END_OFF)) {
        Tcp.ignore(cold, kind, dir, old)
        return TRACK_OK
      }
      old = SYN_SENT
      next = SYN_RECV
      Tcp.believe(cold, dir)
    }
    const last = load<u32>(cold + CT_TCP_LAST_FLAGS_OFF)
    if (next === TIME_WAIT && old === LAST_ACK && kind === KIND_ACK && last & TCPL_CHALLENGE) {
      if (lastKind === KIND_SYN && lastDir !== dir) {
        Tcp.clearLast(cold, TCPL_CHALLENGE)
        return TRACK_OK
      }
    }
    if (next === SYN_SENT2) store<u32>(cold + CT_TCP_LAST_FLAGS_OFF, last | TCPL_SIMULTANEOUS)
    if (next === SYN_RECV && dir === 1 && kind === KIND_ACK && last & TCPL_SIMULTANEOUS) next = ESTABLISHED
    let look = true
    if (next === CLOSE && kind === KIND_RST) {
      const reset = Tcp.judgeReset(ct, cold, dir, status)
      if (reset === RESET_INVALID) return TRACK_INVALID
      if (reset === RESET_KEEP) next = old
      look = reset !== RESET_PASS
    }
    if (look) {
      const verdict = Window.check(ct, cold, dir, kind === KIND_ACK, end)
      if (verdict !== WINDOW_FITS) return Tcp.outside(ct, cold, dir, kind, verdict)
    }
    store<u32>(cold + CT_TCP_LAST_INDEX_OFF, kind)
    store<u32>(cold + CT_TCP_LAST_DIR_OFF, dir)
    store<u32>(ct + CT_STATE_OFF, next)
    if (old !== next && next === FIN_WAIT) {
      const side = cold + CT_TCP_FLAGS_OFF + dir * 4
      store<u32>(side, load<u32>(side) | TCPF_CLOSE_INIT)
    }
    return Tcp.finish(ct, cold, dir, kind, old, next, status)
  }

  private static clearLast(cold: usize, bit: u32): void {
    store<u32>(cold + CT_TCP_LAST_FLAGS_OFF, load<u32>(cold + CT_TCP_LAST_FLAGS_OFF) & ~bit)
  }

  /** Timeout, ASSURED, and the ends that need none. */
  private static finish(ct: usize, cold: usize, dir: u32, kind: u32, old: u32, next: u32, status: u32): u32 {
    const unack = Sysctl.get(SYSCTL_TCP_UNACK)
    const retrans = Sysctl.get(SYSCTL_TCP_RETRANS)
    const normal = Sysctl.get(SYSCTL_TCP_TIMEOUTS + next)
    let timeout = normal
    const sides = load<u32>(cold + CT_TCP_FLAGS_OFF) | load<u32>(cold + CT_TCP_FLAGS_OFF + 4)
    if (load<u32>(cold + CT_TCP_RETRANS_OFF) >= Sysctl.get(SYSCTL_TCP_MAX_RETRANS) && normal > retrans)
      timeout = retrans
    else if (kind === KIND_RST) timeout = Sysctl.get(SYSCTL_TCP_TIMEOUTS + CLOSE)
    else if (sides & TCPF_UNACKED && normal > unack) timeout = unack
    else if (load<u32>(cold + CT_TCP_LAST_WIN_OFF) === 0 && normal > retrans) timeout = retrans
    if (!(status & IPS_SEEN_REPLY)) {
      if (kind === KIND_RST) {
        Accounting.count(ct, dir)
        if (status & IPS_CONFIRMED) Table.kill(ct)
        return TRACK_OK
      }
      if (kind === KIND_SYN && old === SYN_SENT) return TRACK_OK
      if (next === ESTABLISHED && timeout > unack) timeout = unack
    } else if (!(status & IPS_ASSURED) && (old === SYN_RECV || old === ESTABLISHED) && next === ESTABLISHED) {
      store<u32>(ct + CT_STATUS_OFF, status | IPS_ASSURED)
    }
    Timeout.keep(ct, dir, <f64>timeout * 1000)
    return TRACK_OK
  }

  /** An ignored segment is remembered: a later one may answer it. */
  private static ignore(cold: usize, kind: u32, dir: u32, old: u32): void {
    store<u32>(cold + CT_TCP_LAST_INDEX_OFF, kind)
    store<u32>(cold + CT_TCP_LAST_DIR_OFF, dir)
    store<u32>(cold + CT_TCP_LAST_SEQ_OFF, load<u32>(CTX_SEQ_AT))
    store<u32>(cold + CT_TCP_LAST_END_OFF, Segment.end())
    store<u32>(cold + CT_TCP_LAST_WIN_OFF, load<u32>(CTX_WIN_AT))
    if (kind === KIND_SYN && dir === 0) {
      const options = Window.options(0) << TCPL_OPTIONS_SHIFT
      store<u32>(cold + CT_TCP_LAST_FLAGS_OFF, options | (old === LAST_ACK ? TCPL_CHALLENGE : 0))
    }
    // Perhaps a challenge to the SYN: a RST will answer it.
    if (old === SYN_SENT && kind === KIND_ACK && dir === 1) {
      store<u32>(cold + CT_TCP_LAST_ACK_OFF, load<u32>(CTX_ACK_AT))
    }
  }

  /** A SYNACK answers a SYN that was ignored: the windows begin anew from that SYN. */
  private static believe(cold: usize, dir: u32): void {
    const end = load<u32>(cold + CT_TCP_LAST_END_OFF)
    const other = cold + (1 - dir) * 4
    store<u32>(other + CT_TCP_END_OFF, end)
    store<u32>(other + CT_TCP_MAX_END_OFF, end)
    store<u32>(other + CT_TCP_MAX_WIN_OFF, max<u32>(load<u32>(cold + CT_TCP_LAST_WIN_OFF), 1))
    store<u32>(other + CT_TCP_FLAGS_OFF, load<u32>(cold + CT_TCP_LAST_FLAGS_OFF) >>> TCPL_OPTIONS_SHIFT)
    Tcp.clearLast(cold, TCPL_CHALLENGE)
    const side = cold + dir * 4
    store<u32>(side + CT_TCP_END_OFF, 0)
    store<u32>(side + CT_TCP_MAX_END_OFF, 0)
    store<u32>(side + CT_TCP_MAX_WIN_OFF, 0)
    store<u32>(side + CT_TCP_FLAGS_OFF, load<u32>(side + CT_TCP_FLAGS_OFF) & TCPF_LIBERAL)
  }

  /** RESET_* of a RST that would close the connection. */
  private static judgeReset(ct: usize, cold: usize, dir: u32, status: u32): u32 {
    const state = load<u32>(ct + CT_STATE_OFF)
    if (state >= FIN_WAIT && state <= CLOSE) return RESET_PASS
    const seq = load<u32>(CTX_SEQ_AT)
    const lastKind = load<u32>(cold + CT_TCP_LAST_INDEX_OFF)
    const lastDir = load<u32>(cold + CT_TCP_LAST_DIR_OFF)
    const lastEnd = load<u32>(cold + CT_TCP_LAST_END_OFF)
    const other = cold + (1 - dir) * 4
    if (load<u32>(other + CT_TCP_FLAGS_OFF) & TCPF_MAX_ACK && lastKind !== KIND_SYN) {
      const expected = load<u32>(other + CT_TCP_MAX_ACK_OFF)
      const established = state === ESTABLISHED && (status & IPS_ASSURED) !== 0
      if (seq === 0 && !established) return RESET_CHECK
      if (Window.after(expected, seq) && Sysctl.get(SYSCTL_TCP_IGNORE_INVALID_RST) === 0) return RESET_INVALID
      if (!established || seq === expected) return RESET_CHECK
      if (lastKind === KIND_ACK && lastDir === dir && seq === lastEnd) return RESET_CHECK
      return RESET_KEEP
    }
    const answersSyn = (status & IPS_SEEN_REPLY) !== 0 && lastDir !== dir && lastKind === KIND_SYN
    const answersAck = !(status & IPS_ASSURED) && lastKind === KIND_ACK
    if ((answersSyn || answersAck) && load<u32>(CTX_ACK_AT) === lastEnd) return RESET_PASS
    const challenged = state === SYN_SENT && lastKind === KIND_ACK && lastDir === 1
    return challenged && seq === load<u32>(cold + CT_TCP_LAST_ACK_OFF) ? RESET_PASS : RESET_CHECK
  }

  /** TRACK_* of a segment outside the window. Once both sides sent a FIN or RST there, the entry has not long to live. */
  private static outside(ct: usize, cold: usize, dir: u32, kind: u32, verdict: u32): u32 {
    if (verdict === WINDOW_IGNORE) return TRACK_OK
    const status = load<u32>(ct + CT_STATUS_OFF)
    if (!(status & IPS_ASSURED) || status & IPS_FIXED_TIMEOUT) return TRACK_INVALID
    if (kind !== KIND_RST && kind !== KIND_FIN) return TRACK_INVALID
    const lastKind = load<u32>(cold + CT_TCP_LAST_INDEX_OFF)
    if (load<u32>(cold + CT_TCP_LAST_DIR_OFF) !== dir && (lastKind === KIND_FIN || lastKind === KIND_RST)) {
      const left = load<f64>(ct + CT_END_OFF) - load<f64>(CTX_NOW_AT)
      const unack = Sysctl.ms(SYSCTL_TCP_UNACK)
      if (left >= 120000 && left > unack) Timeout.refresh(ct, unack)
      return TRACK_INVALID
    }
    store<u32>(cold + CT_TCP_LAST_INDEX_OFF, kind)
    store<u32>(cold + CT_TCP_LAST_DIR_OFF, dir)
    return TRACK_INVALID
  }

  /** A RST that this host sends in answer: a confirmed connection is closed. */
  static closeByReset(ct: usize): void {
    if (!(load<u32>(ct + CT_STATUS_OFF) & IPS_CONFIRMED)) return
    const old = load<u32>(ct + CT_STATE_OFF)
    store<u32>(ct + CT_STATE_OFF, CLOSE)
    if (old !== CLOSE) Timeout.refresh(ct, Sysctl.ms(SYSCTL_TCP_TIMEOUTS + CLOSE))
  }
}
