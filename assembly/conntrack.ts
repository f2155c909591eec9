// Connection tracking of the packet in the context: its connection and state, new connections, confirmation; and what
// rules ask of a connection.
// Kernel: net/netfilter/nf_conntrack_core.c (nf_conntrack_in, resolve_normal_ct, __nf_conntrack_confirm), _proto_udp.c,
// _proto_icmp.c, _proto_icmpv6.c, _proto_gre.c, _proto_generic.c.
import { Address } from './address'
import { Asked } from './asked'
import { Crowd } from './crowd'
import {
  ASKED_BY_CONNTRACK,
  CT_CREATED_OFF,
  CT_END_OFF,
  CT_FAMILY_OFF,
  CT_HELPER_OFF,
  CT_LOOKED,
  CT_MARK_OFF,
  CT_PROTO_OFF,
  CT_STATUS_OFF,
  CT_ZONE_OFF,
  CTINFO_ESTABLISHED,
  CTINFO_ESTABLISHED_REPLY,
  CTINFO_NEW,
  CTINFO_RELATED,
  CTINFO_RELATED_REPLY,
  CTINFO_UNTRACKED,
  CTX_CT_AT,
  CTX_CTINFO_AT,
  CTX_DST_AT,
  CTX_FAMILY_AT,
  CTX_ICMP_TYPE_AT,
  CTX_INNER_AT,
  CTX_NOTRACK_AT,
  CTX_NOW_AT,
  CTX_PAYLOAD_AT,
  CTX_PROTO_AT,
  CTX_ZONE_AT,
  CTX_ZONE_REPLY_AT,
  FIELD_NAMED,
  HDR_PROTO_OFF,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_COUNTED,
  IPS_LABELLED,
  IPS_SEEN_REPLY,
  SYSCTL_CHECKSUM,
  SYSCTL_CT_ACCT,
  SYSCTL_CT_MAX,
  SYSCTL_GENERIC,
  SYSCTL_GRE,
  SYSCTL_GRE_STREAM,
  SYSCTL_HELPERS,
  SYSCTL_ICMP,
  SYSCTL_ICMPV6,
  SYSCTL_LABELS,
  SYSCTL_UDP,
  SYSCTL_UDP_STREAM,
  TRACE_CT_ESTABLISHED,
  TRACE_CT_INVALID,
  TRACE_CT_NEW,
  TRACE_CT_RELATED,
  TRACE_CT_UNTRACKED,
  TUPLE_DPORT_OFF,
  TUPLE_DST_OFF,
} from './layout'
import { PortHelper } from './port-helper'
import { Sctp } from './sctp'
import { Steps } from './steps'
import { Sysctl } from './sysctl'
import { Table } from './table'
import { Tcp } from './tcp'
import { Timeout, TRACK_INVALID, TRACK_OK, TRACK_REOPEN } from './timeout'
import { INVERSE_TUPLE, PACKET_TUPLE, Tuple } from './tuple'

export class Conntrack {
  /** The connection that this packet began and that is not confirmed yet; 0 = none. */
  static unconfirmed: usize = 0
  /** Zones (original | reply << 16) in which conntrack looked at the packet last. */
  static zones: u32 = 0
  /** What a CT rule attached beside zones, names by index + 1; 0 = nothing. */
  private static helper: u32 = 0
  private static policy: u32 = 0
  /** The packet's layer-4 checksum is wrong. */
  static badChecksum: bool = false

  /** Direction of a packet with this ctinfo. */
  static direction(ctinfo: u32): u32 {
    return ctinfo >= <u32>CTINFO_ESTABLISHED_REPLY && ctinfo !== CTINFO_UNTRACKED ? 1 : 0
  }

  /** Looks at the packet. False: the table is full and the packet is to be dropped. `local`: sent by this host. */
  static look(local: bool): bool {
    if (load<u32>(CTX_CT_AT) !== 0 || load<u32>(CTX_CTINFO_AT) === CTINFO_UNTRACKED) return true
    // What a CT rule attached is used up by one look: a packet that loops begins in zone 0 again.
    if (load<u32>(CTX_NOTRACK_AT) === CT_LOOKED) {
      store<u32>(CTX_ZONE_AT, 0)
      store<u32>(CTX_ZONE_REPLY_AT, 0)
    }
    store<u32>(CTX_NOTRACK_AT, CT_LOOKED)
    Conntrack.zones = (load<u32>(CTX_ZONE_AT) & 0xffff) | (load<u32>(CTX_ZONE_REPLY_AT) << 16)
    Conntrack.helper = load<u32>(CTX_ZONE_AT) >>> 16
    Conntrack.policy = load<u32>(CTX_ZONE_REPLY_AT) >>> 16
    // The template is used up: a packet that comes back is looked at without it.
    store<u32>(CTX_ZONE_AT, 0)
    store<u32>(CTX_ZONE_REPLY_AT, 0)
    store<u32>(CTX_NOTRACK_AT, 0)
    store<u32>(CTX_CTINFO_AT, 0)
    // No checksum of UDP-Lite is good enough in PREROUTING (Linux 6.18).
    const bad = Conntrack.badChecksum || load<u32>(CTX_PROTO_AT) === 136
    const wrong = bad && !local && Sysctl.get(SYSCTL_CHECKSUM) !== 0
    if (!Conntrack.message(wrong) && !Conntrack.normal(wrong)) return false
    Conntrack.step()
    return true
  }

  private static step(): void {
    if (!Steps.on()) return
    const ctinfo = load<u32>(CTX_CTINFO_AT)
    if (ctinfo === CTINFO_UNTRACKED) Steps.conntrack(TRACE_CT_UNTRACKED, 0)
    else if (load<u32>(CTX_CT_AT) === 0) Steps.conntrack(TRACE_CT_INVALID, 0)
    else {
      const state = ctinfo % 3
      const code =
        state === CTINFO_NEW ? TRACE_CT_NEW : state === CTINFO_RELATED ? TRACE_CT_RELATED : TRACE_CT_ESTABLISHED
      Steps.conntrack(code, Conntrack.direction(ctinfo))
    }
  }

  /** ICMP messages that need no tracking of their own; true: done. `wrong`: the checksum, where it is looked at. */
  private static message(wrong: bool): bool {
    const family = load<u32>(CTX_FAMILY_AT)
    if (!Tuple.isIcmp(load<u32>(CTX_PROTO_AT), family)) return false
    if (wrong) return true
    const type = load<u32>(CTX_ICMP_TYPE_AT)
    if (family === 4) {
      if (type > 18) return true
    } else if ((type >= 130 && type <= 136) || type === 143) {
      store<u32>(CTX_CTINFO_AT, CTINFO_UNTRACKED)
      return true
    }
    if (!Tuple.isError(type, family)) return false
    const proto: u32 = load<u8>(CTX_INNER_AT + HDR_PROTO_OFF)
    if (proto === 0 && load<u8>(CTX_INNER_AT) === 0) return true
    Tuple.ofQuoted(PACKET_TUPLE)
    if (!Tuple.invert(INVERSE_TUPLE, PACKET_TUPLE, proto, family)) return true
    const found = Table.find(INVERSE_TUPLE, proto, family, Conntrack.zones)
    if (found < 0) return true
    const ct = Table.hotOf(<u32>found >>> 1)
    const direction = <u32>found & 1
    if (!Address.same(Table.tuple(ct, direction) + TUPLE_DST_OFF, CTX_DST_AT)) return true
    store<u32>(CTX_CT_AT, <u32>ct)
    store<u32>(CTX_CTINFO_AT, direction === 0 ? CTINFO_RELATED : CTINFO_RELATED_REPLY)
    return true
  }

  private static normal(wrong: bool): bool {
    const family = load<u32>(CTX_FAMILY_AT)
    const proto = load<u32>(CTX_PROTO_AT)
    Tuple.ofPacket(PACKET_TUPLE)
    for (;;) {
      const found = Table.find(PACKET_TUPLE, proto, family, Conntrack.zones)
      let ct: usize = 0
      let direction: u32 = 0
      if (found >= 0) {
        ct = Table.hotOf(<u32>found >>> 1)
        direction = <u32>found & 1
      } else {
        if (!Tuple.invert(INVERSE_TUPLE, PACKET_TUPLE, proto, family)) return true
        const max = Sysctl.get(SYSCTL_CT_MAX)
        if (max !== 0 && Table.live >= max) {
          if (!Crowd.makeRoom(PACKET_TUPLE, proto, family, Conntrack.zones & 0xffff)) return false
        }
        ct = Conntrack.create(proto, family)
      }
      const verdict = wrong && Tuple.hasPorts(proto) ? TRACK_INVALID : Conntrack.track(ct, direction, proto, family)
      if (verdict === TRACK_REOPEN) continue
      if (verdict === TRACK_INVALID) {
        Conntrack.forget()
        return true
      }
      const status = load<u32>(ct + CT_STATUS_OFF)
      store<u32>(CTX_CT_AT, <u32>ct)
      if (direction === 1) {
        store<u32>(CTX_CTINFO_AT, CTINFO_ESTABLISHED_REPLY)
        store<u32>(ct + CT_STATUS_OFF, status | IPS_SEEN_REPLY)
      } else store<u32>(CTX_CTINFO_AT, status & IPS_SEEN_REPLY ? CTINFO_ESTABLISHED : CTINFO_NEW)
      return Conntrack.unconfirmed !== ct || Conntrack.attach(ct, family)
    }
  }

  private static create(proto: u32, family: u32): usize {
    const ct = Table.take()
    Tuple.copy(Table.tuple(ct, 0), PACKET_TUPLE)
    Tuple.copy(Table.tuple(ct, 1), INVERSE_TUPLE)
    store<u32>(ct + CT_PROTO_OFF, proto)
    store<u32>(ct + CT_FAMILY_OFF, family)
    store<u32>(ct + CT_ZONE_OFF, Conntrack.zones)
    const counted = Sysctl.get(SYSCTL_CT_ACCT) !== 0 ? IPS_COUNTED : 0
    const labelled = Sysctl.get(SYSCTL_LABELS) !== 0 ? IPS_LABELLED : 0
    store<u32>(ct + CT_STATUS_OFF, counted | labelled)
    store<f64>(ct + CT_CREATED_OFF, load<f64>(CTX_NOW_AT))
    Conntrack.unconfirmed = ct
    return ct
  }

  /** Stops the packet: a helper or timeout policy, named by index + 1, decides from here on. */
  private static stopFor(name: u32): bool {
    Asked.need(FIELD_NAMED)
    Asked.by(ASKED_BY_CONNTRACK | (name - 1))
    return false
  }

  /** Gives a new connection what a rule asked for, or what the kernel attaches by itself. False: the packet was stopped. */
  private static attach(ct: usize, family: u32): bool {
    if (Conntrack.policy !== 0) return Conntrack.stopFor(Conntrack.policy)
    let helper = Conntrack.helper
    const first = Sysctl.get(SYSCTL_HELPERS)
    if (helper === 0 && first !== 0) {
      const own = PortHelper.find(load<u32>(ct + CT_PROTO_OFF), load<u32>(Table.tuple(ct, 0) + TUPLE_DPORT_OFF), family)
      if (own >= 0) helper = first + own
    }
    store<u32>(Table.coldOf(ct) + CT_HELPER_OFF, helper)
    return true
  }

  /** A helper reads what passes: data is more than is known here. False: the packet was stopped. */
  private static meetHelper(ct: usize): bool {
    const helper = load<u32>(Table.coldOf(ct) + CT_HELPER_OFF)
    const ctinfo = load<u32>(CTX_CTINFO_AT)
    if (helper === 0 || ctinfo === CTINFO_RELATED || ctinfo === CTINFO_RELATED_REPLY) return true
    return load<u32>(CTX_PAYLOAD_AT) === 0 || Conntrack.stopFor(helper)
  }

  /** Gives back the connection that was begun and not confirmed. */
  static forget(): void {
    if (Conntrack.unconfirmed !== 0) {
      Table.drop(Conntrack.unconfirmed)
      Conntrack.unconfirmed = 0
    }
  }

  private static track(ct: usize, direction: u32, proto: u32, family: u32): u32 {
    if (proto === 6) return Tcp.track(ct, direction)
    if (proto === 132) return Sctp.track(ct, direction)
    const status = load<u32>(ct + CT_STATUS_OFF)
    if (proto === 17 || proto === 136) {
      const stream = (status & IPS_SEEN_REPLY) !== 0 && load<f64>(CTX_NOW_AT) > load<f64>(ct + CT_CREATED_OFF) + 2000
      Timeout.keep(ct, direction, Sysctl.ms(stream ? SYSCTL_UDP_STREAM : SYSCTL_UDP))
      if (stream) store<u32>(ct + CT_STATUS_OFF, status | IPS_ASSURED)
    } else if (Tuple.isIcmp(proto, family)) {
      if (!(status & IPS_CONFIRMED)) {
        const type = load<u32>(Table.tuple(ct, 0) + TUPLE_DPORT_OFF) >>> 8
        const query =
          family === 4 ? type === 8 || type === 13 || type === 15 || type === 17 : type === 128 || type === 139
        if (!query) return TRACK_INVALID
      }
      Timeout.keep(ct, direction, Sysctl.ms(family === 4 ? SYSCTL_ICMP : SYSCTL_ICMPV6))
    } else if (proto === 47) {
      const replied = (status & IPS_SEEN_REPLY) !== 0
      Timeout.keep(ct, direction, Sysctl.ms(replied ? SYSCTL_GRE_STREAM : SYSCTL_GRE))
      if (replied) store<u32>(ct + CT_STATUS_OFF, status | IPS_ASSURED)
    } else Timeout.keep(ct, direction, Sysctl.ms(SYSCTL_GENERIC))
    return TRACK_OK
  }

  /** Has another connection a tuple of this one, in either direction? */
  static isTaken(ct: usize): bool {
    const proto = load<u32>(ct + CT_PROTO_OFF)
    const family = load<u32>(ct + CT_FAMILY_OFF)
    const zones = load<u32>(ct + CT_ZONE_OFF)
    if (Table.find(Table.tuple(ct, 0), proto, family, zones) >= 0) return true
    return Table.find(Table.tuple(ct, 1), proto, family, zones) >= 0
  }

  /** Puts the packet's new connection into the table. False: a tuple of it is taken, the packet is to be dropped. */
  static confirm(): bool {
    const ct = <usize>load<u32>(CTX_CT_AT)
    if (ct !== 0 && !Conntrack.meetHelper(ct)) return false
    if (ct === 0 || Conntrack.unconfirmed !== ct) return true
    if (Conntrack.direction(load<u32>(CTX_CTINFO_AT)) !== 0) return true
    if (Conntrack.isTaken(ct)) return false
    Conntrack.unconfirmed = 0
    Table.insert(ct, load<f64>(CTX_NOW_AT) + load<f64>(ct + CT_END_OFF))
    return true
  }
}

export function ctMark(ct: usize): u32 {
  return load<u32>(ct + CT_MARK_OFF)
}

export function setCtMark(ct: usize, value: u32): void {
  store<u32>(ct + CT_MARK_OFF, value)
}

/** IPS_* bits. */
export function ctStatus(ct: usize): u32 {
  return load<u32>(ct + CT_STATUS_OFF)
}

/** Address of the tuple record of a direction: 0 original, 1 reply. */
export function ctTuple(ct: usize, direction: u32): usize {
  return Table.tuple(ct, direction)
}

export function ctProto(ct: usize): u32 {
  return load<u32>(ct + CT_PROTO_OFF)
}

/** Seconds left, rounded down; 0 of an unconfirmed connection, whose timeout is no time of the clock yet. */
export function ctExpiresIn(ct: usize): u32 {
  const end = load<f64>(ct + CT_END_OFF)
  if (!(load<u32>(ct + CT_STATUS_OFF) & IPS_CONFIRMED)) return 0
  return <u32>max<f64>(0, Math.floor((end - load<f64>(CTX_NOW_AT)) / 1000))
}
