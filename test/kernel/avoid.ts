// Packets that the kernel test does not send: what is known to differ, each as the README says under "Where it differs".
import { canonicalPrefix } from '../../src/net/ip.js'
import { packetLength } from '../../src/net/length.js'
import type { Packet } from '../../src/net/packet.js'
import { isIcmp, isIcmpError, protoNumber } from '../../src/net/proto.js'
import type { NetworkNamespace } from '../../src/netns/model.js'

/** Which packets of a namespace's are left out. */
export function avoidedIn(ns: NetworkNamespace): (packet: Packet) => boolean {
  const anycast = new Set(
    ns.links.flatMap((l) =>
      l.addresses.flatMap((a) =>
        a.family === 'ipv6' ? [canonicalPrefix(`${a.address}/${a.prefixLength}`)?.replace(/\/.*/, '')] : [],
      ),
    ),
  )
  const mapsPrefixes = ns.rulesets.some((r) =>
    r.tables.some((t) => t.chains.some((c) => c.rules.some(({ target }) => /^[SD]NPT$/.test(target?.target ?? '')))),
  )
  const wide = new Set(ns.routes.filter((r) => r.type === 'broadcast').map((r) => r.dst.split('/')[0]))
  // What stands in the place of ports of ESP and AH, a line does not say.
  const countsPorts = ns.rulesets.some((r) =>
    r.tables.some((t) =>
      t.chains.some((c) =>
        c.rules.some((rule) => rule.matches.some((m) => m.match === 'hashlimit' && m.mode.some((k) => /port/.test(k)))),
      ),
    ),
  )
  // Of what a raw socket sends the way is looked up for no protocol.
  const routesPorts = ns.policyRules.some(
    (r) => r.ipproto !== undefined || r.sport !== undefined || r.dport !== undefined,
  )
  return (packet) => {
    const { iface, src, dst, proto, icmp_type } = packet
    const number = protoNumber(proto) ?? 0
    if (countsPorts && (number === 50 || number === 51)) return true
    // An address for every router of a subnet, as sender or receiver.
    if (anycast.has(src) || anycast.has(dst)) return true
    // A flow that is its own reply.
    if (src === dst && packet.sport === packet.dport) return true
    // Of an unknown protocol, a rejected IPv6 packet is answered when its payload happens to sum up.
    if (src.includes(':') && typeof proto === 'number') return true
    if (mapsPrefixes && isIcmp(number) && isIcmpError(number, icmp_type ?? 0)) return true
    // NAT drops redirects about what it translates; answers to wider groups leave with the group as their source.
    if ((number === 1 && icmp_type === 5) || /^ff0[^2]/.test(dst)) return true
    // What a process sends its socket cuts or refuses; and what is cut on the way leaves in pieces.
    const long = packetLength(packet) > 1280
    if (long && (iface === 'local' || !src.includes(':'))) return true
    // What stands in the place of an index is not in its line.
    if ((number === 50 || number === 51) && packet.spi === undefined) return true
    // An answer to all of a subnet goes there and comes back: it is shown once.
    if (wide.has(src)) return true
    if (iface !== 'local') return false
    if (routesPorts) return true
    if (number === 136 || mapsPrefixes || src === '0.0.0.0' || src === '::' || src.startsWith('127.')) return true
    // Sockets have customs of their own: nowhere is here, groups are heard by who sends to them.
    if (dst === '::' || dst === '0.0.0.0' || /^ff/.test(src) || /^ff/.test(dst)) return true
    return dst.startsWith('127.') && dst !== '127.0.0.1'
  }
}
