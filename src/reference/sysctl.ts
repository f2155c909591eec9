// The sysctls that the engine asks, with the values of a new namespace (and forwarding on) for what was not given.
// Owns the look-up and the rules by which `all` and the interface combine. Kernel: include/linux/inetdevice.h.
import type { NetworkNamespace } from '../netns/model.js'

/** The number that a sysctl holds; the fallback when it was not given (or is no number). */
export function sysctl(ns: NetworkNamespace, key: string, fallback: number): number {
  const text = Object.hasOwn(ns.sysctls, key) ? ns.sysctls[key] : undefined
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : fallback
}

function own(ns: NetworkNamespace, iface: string, name: string, fallback: number): number {
  const initial = sysctl(ns, `net.ipv4.conf.default.${name}`, fallback)
  const dotted = sysctl(ns, `net.ipv4.conf.${iface}.${name}`, initial)
  return sysctl(ns, `net.ipv4.conf.${iface.replaceAll('.', '/')}.${name}`, dotted)
}

function all(ns: NetworkNamespace, name: string, fallback: number): number {
  return sysctl(ns, `net.ipv4.conf.all.${name}`, fallback)
}

/** The larger of `all` and the interface. */
export function rpFilter(ns: NetworkNamespace, iface: string): number {
  return Math.max(all(ns, 'rp_filter', 0), own(ns, iface, 'rp_filter', 0))
}

/** On for `all` or for the interface: route_localnet, accept_local, send_redirects, src_valid_mark. */
export function eitherOn(
  ns: NetworkNamespace,
  iface: string,
  name: 'route_localnet' | 'accept_local' | 'send_redirects' | 'src_valid_mark',
): boolean {
  const fallback = name === 'send_redirects' ? 1 : 0
  return all(ns, name, fallback) !== 0 || own(ns, iface, name, fallback) !== 0
}

/** Does the host forward what comes in by this interface? IPv4: the interface's own value; IPv6: that of `all`. */
export function forwards(ns: NetworkNamespace, family: 'ipv4' | 'ipv6', iface: string): boolean {
  if (family === 'ipv6') return sysctl(ns, 'net.ipv6.conf.all.forwarding', 1) !== 0
  const whole = sysctl(ns, 'net.ipv4.ip_forward', sysctl(ns, 'net.ipv4.conf.all.forwarding', 1))
  const dotted = sysctl(ns, `net.ipv4.conf.${iface}.forwarding`, whole)
  return sysctl(ns, `net.ipv4.conf.${iface.replaceAll('.', '/')}.forwarding`, dotted) !== 0
}
