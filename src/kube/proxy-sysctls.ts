// The kernel settings that kube-proxy writes on its node when it starts.
// Owns which, and their values from its configuration. The conntrack maximum is not among them: it follows from the number
// of the node's cores. Source: kubernetes pkg/proxy/conntrack/sysctls.go, pkg/proxy/iptables/proxier.go NewProxier,
// pkg/proxy/apis/config/v1alpha1/defaults.go.
import { durationMs } from './duration.js'
import type { ProxyConfig } from './proxy-options.js'

const CT = 'net.netfilter.nf_conntrack_'

/**
 * @param localhostNodePorts node ports are reachable on 127.0.0.1 (`ProxyOptions.localhostNodePorts` of IPv4)
 * @example proxySysctls({}, false)['net.netfilter.nf_conntrack_tcp_timeout_established'] // '86400'
 */
export function proxySysctls(config: ProxyConfig, localhostNodePorts: boolean): Record<string, string> {
  const out: Record<string, string> = {}
  if (localhostNodePorts) out['net.ipv4.conf.all.route_localnet'] = '1'
  const { conntrack = {} } = config
  const timeouts: readonly (readonly [string, string | undefined])[] = [
    ['tcp_timeout_established', conntrack.tcpEstablishedTimeout ?? '24h'],
    ['tcp_timeout_close_wait', conntrack.tcpCloseWaitTimeout ?? '1h'],
    ['udp_timeout', conntrack.udpTimeout],
    ['udp_timeout_stream', conntrack.udpStreamTimeout],
  ]
  for (const [name, text] of timeouts) {
    const ms = durationMs(text ?? '0') ?? 0
    if (ms > 0) out[CT + name] = String(Math.floor(ms / 1000))
  }
  if (conntrack.tcpBeLiberal) out[`${CT}tcp_be_liberal`] = '1'
  return out
}
