// Link headers of captured frames: where the IP header begins, and what the frame says before it.
// Owns link types, Ethernet types and VLAN tags. Spec: www.tcpdump.org/linktypes.html, IEEE 802.1Q.
import { missing, type Undecoded, u16 } from './decode-layer4.js'

/** Link types of captures that are read (`LINKTYPE_…`). */
export const LINKTYPE_NULL = 0
export const LINKTYPE_ETHERNET = 1
export const LINKTYPE_RAW = 101
export const LINKTYPE_LOOP = 108
export const LINKTYPE_LINUX_SLL = 113
export const LINKTYPE_IPV4 = 228
export const LINKTYPE_IPV6 = 229
export const LINKTYPE_LINUX_SLL2 = 276
/** Raw IP under the numbers that some systems write. */
const RAW_ALIASES: readonly number[] = [12, 14, LINKTYPE_RAW]

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const VLAN_TYPES: readonly number[] = [0x8100, 0x88a8, 0x9100]
const ETHERTYPES: ReadonlyMap<number, string> = new Map([
  [0x0806, 'ARP'],
  [0x8035, 'RARP'],
  [0x8847, 'MPLS'],
  [0x8863, 'PPPoE'],
  [0x8864, 'PPPoE'],
  [0x888e, 'EAPOL'],
  [0x88cc, 'LLDP'],
])

function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(':')
}

export interface Link {
  /** Where the IP header begins. */
  readonly at: number
  readonly mac?: string
  readonly outgoing?: boolean
  readonly vlans?: readonly number[]
}

function notIp(type: number): Undecoded {
  const name = ETHERTYPES.get(type)
  if (name !== undefined) return { problem: `${name}, not IP` }
  if (type < 0x0600) return { problem: 'an 802.3 frame, not IP' }
  return { problem: `Ethernet type 0x${type.toString(16).padStart(4, '0')}, not IP` }
}

/** Passes VLAN tags from the type field at `at` on. */
function etherType(bytes: Uint8Array, at: number): { at: number; vlans: number[] } | Undecoded {
  const vlans: number[] = []
  for (let here = at; ; here += 4) {
    const cut = missing('the Ethernet header', here + 2, bytes.length, here + 2)
    if (cut) return cut
    const type = u16(bytes, here)
    if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) return { at: here + 2, vlans }
    if (!VLAN_TYPES.includes(type)) return notIp(type)
    const cutTag = missing('the VLAN tag', here + 4, bytes.length, here + 4)
    if (cutTag) return cutTag
    vlans.push(u16(bytes, here + 2) & 0xfff)
  }
}

/** What stands before the IP header of a frame. */
export function linkHeader(bytes: Uint8Array, linkType: number): Link | Undecoded {
  if (RAW_ALIASES.includes(linkType) || linkType === LINKTYPE_IPV4 || linkType === LINKTYPE_IPV6) return { at: 0 }
  const short = (what: string, count: number): Undecoded | null => missing(what, count, bytes.length, count)
  switch (linkType) {
    case LINKTYPE_ETHERNET: {
      const cut = short('the Ethernet header', 14)
      if (cut) return cut
      const found = etherType(bytes, 12)
      return 'problem' in found ? found : { ...found, mac: macText(bytes.subarray(6, 12)) }
    }
    case LINKTYPE_LINUX_SLL:
    case LINKTYPE_LINUX_SLL2: {
      const second = linkType === LINKTYPE_LINUX_SLL2
      const cut = short('the Linux cooked header', second ? 20 : 16)
      if (cut) return cut
      const device = u16(bytes, second ? 8 : 2)
      const type = second ? bytes[10]! : u16(bytes, 0)
      const size = second ? bytes[11]! : u16(bytes, 4)
      const address = bytes.subarray(second ? 12 : 6, second ? 18 : 12)
      const ethernet = (device === 1 || device === 772) && size === 6
      const common = { outgoing: type === 4, ...(ethernet && { mac: macText(address) }) }
      const protocol = u16(bytes, second ? 0 : 14)
      const start = second ? 20 : 16
      if (protocol === ETHERTYPE_IPV4 || protocol === ETHERTYPE_IPV6) return { at: start, ...common }
      if (!VLAN_TYPES.includes(protocol)) return notIp(protocol)
      const cutTag = short('the VLAN tag', start + 4)
      if (cutTag) return cutTag
      const found = etherType(bytes, start + 2)
      return 'problem' in found
        ? found
        : { at: found.at, vlans: [u16(bytes, start) & 0xfff, ...found.vlans], ...common }
    }
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP: {
      const cut = short('the loopback header', 4)
      if (cut) return cut
      // In the byte order of the capturing machine (NULL) or the network (LOOP); address families of the BSDs and Linux.
      const family = u16(bytes, 0) === 0 ? u16(bytes, 2) : bytes[0]! | (bytes[1]! << 8)
      return [2, 10, 24, 28, 30].includes(family) ? { at: 4 } : { problem: `address family ${family}, not IP` }
    }
    default:
      return {
        problem: `link type ${linkType} is not read; Ethernet, raw IP, Linux cooked (SLL, SLL2) and loopback are`,
      }
  }
}
