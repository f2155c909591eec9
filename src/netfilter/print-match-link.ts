// Matches on what the link layer says as iptables-save prints them.
import type { LinkMatch } from './model-link.js'

export function printLinkMatch(m: LinkMatch): string {
  const negated = (m.match === 'mac' ? m.source : m.type).not ? ' !' : ''
  if (m.match === 'mac') return ` -m mac${negated} --mac-source ${m.source.value}`
  return ` -m pkttype${negated} --pkt-type ${m.type.value === 'host' ? 'unicast' : m.type.value}`
}
