// IPv6-to-IPv6 prefix translation: SNPT changes the packet's source, DNPT its destination; the quoted packet of an ICMP
// error is changed on the other side. Without conntrack. Kernel: net/ipv6/netfilter/ip6t_NPT.c; RFC 6296.
import { Address } from './address'
import {
  CTX_DST_AT,
  CTX_ICMP_TYPE_AT,
  CTX_INNER_AT,
  CTX_PROTO_AT,
  CTX_REJECT_AT,
  CTX_SRC_AT,
  HDR_DST_OFF,
  HDR_SRC_OFF,
  NPT_ADJUSTMENT_OFF,
  NPT_FROM_LENGTH_OFF,
  NPT_FROM_OFF,
  NPT_LENGTH_OFF,
  NPT_TO_OFF,
  REJECT_ICMP6_PARAMETER,
} from './layout'
import { Packet } from './packet'

const ICMPV6: u32 = 58
/** Types 1..4 are the errors that quote a packet. */
const LAST_ERROR: u32 = 4

/** The n-th 16-bit word of an address, most significant first, lies in a word of host order. */
function halfAt(address: usize, n: u32): usize {
  return address + ((n >> 1) << 2) + (n & 1 ? 0 : 2)
}

/** Gives an address the other prefix; false (the prefix is changed all the same): no word can keep the checksum. */
function mapPrefix(npt: usize, address: usize): bool {
  const length = load<u32>(npt + NPT_LENGTH_OFF)
  for (let i: u32 = 0; i < length; i += 32) {
    const left = length - i
    const kept: u32 = left >= 32 ? 0 : 0xffffffff >>> left
    const at = address + (i >>> 3)
    store<u32>(at, (load<u32>(at) & kept) | (load<u32>(npt + NPT_TO_OFF + (i >>> 3)) & ~kept))
  }
  let n: u32 = 3
  if (length > 48) {
    n = 4
    while (n < 8 && load<u16>(halfAt(address, n)) === 0xffff) n++
    if (n === 8) return false
  }
  const at = halfAt(address, n)
  let sum = <u32>load<u16>(at) + load<u32>(npt + NPT_ADJUSTMENT_OFF)
  sum = (sum & 0xffff) + (sum >>> 16)
  store<u16>(at, sum === 0xffff ? 0 : <u16>sum)
  return true
}

/** Carries out SNPT (`source`) or DNPT on the packet in the context. `npt`: an NPT record. False: it is to be dropped. */
export function translatePrefix(npt: usize, source: bool): bool {
  if (!mapPrefix(npt, source ? CTX_SRC_AT : CTX_DST_AT)) {
    store<u32>(CTX_REJECT_AT, REJECT_ICMP6_PARAMETER + 1)
    return false
  }
  if (load<u32>(CTX_PROTO_AT) !== ICMPV6 || load<u32>(CTX_ICMP_TYPE_AT) - 1 >= LAST_ERROR || !Packet.quotes())
    return true
  const other = CTX_INNER_AT + (source ? HDR_DST_OFF : HDR_SRC_OFF)
  if (Address.samePrefix(npt + NPT_FROM_OFF, other, load<u32>(npt + NPT_FROM_LENGTH_OFF))) mapPrefix(npt, other)
  return true
}
