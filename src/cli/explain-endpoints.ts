// The endpoints of the Service port that a packet was sent to, for a person: which this node uses, which not, and why.
// Owns the wording of the list and where it is cut. What is used and why is said by the library (kube/explain.ts).
import type { Cluster } from '../kube/cluster.js'
import { type ExplainedEndpoint, type ExplainedPort, explainEndpoints } from '../kube/explain.js'
import type { EndpointUse } from '../kube/explain-use.js'
import type { ServiceEndpoint } from '../kube/names.js'
import type { ProxyConfig } from '../kube/proxy-options.js'
import { escapeText } from '../net/fault.js'
import { paint } from './terminal.js'

/** Endpoints shown at most, used and unused each. */
const SHOWN = 6

/** The explanation of the port that a packet met; undefined when it met none. */
export function explainMet(
  cluster: Cluster,
  node: string,
  met: ServiceEndpoint,
  family: 'ipv4' | 'ipv6',
  proxyConfig: ProxyConfig | undefined,
): ExplainedPort | undefined {
  const options = { family, ...(proxyConfig ? { proxyConfig } : {}) }
  return explainEndpoints(cluster, node, met.service, options).ports.find(
    (p) => p.port === met.port && p.protocol === met.protocol && p.portName === met.portName,
  )
}

/**
 * A line with the outcome and one for each endpoint, cut with a count.
 *
 * @param fromHere the packet was sent by the node itself
 */
export function endpointLines(port: ExplainedPort, met: ServiceEndpoint, node: string, fromHere: boolean): string[] {
  const outside = fromHere && port.externalFromHere ? 'externalFromHere' : 'external'
  const key = met.via === 'clusterIP' || !port[outside] ? 'internal' : outside
  const traffic = port[key] ?? port.internal
  const all = port.endpoints.map((e) => ({ e, use: e[key] ?? e.internal }))
  const used = all.filter(({ use }) => use.used)
  const unused = all.filter(({ use }) => !use.used)
  const head = `endpoints ${used.length} of ${all.length} used on ${escapeText(node)}`
  const why = traffic.result === 'endpoints' ? (port.topology ?? '') : traffic.why
  const ranges = met.via === 'loadBalancerIP' ? (port.sourceRanges ?? []) : []
  const more = ranges.length > SHOWN ? ` and ${ranges.length - SHOWN} more` : ''
  return [
    ...(ranges.length > 0
      ? [`allowed   only from ${ranges.slice(0, SHOWN).join(', ')}${more} (loadBalancerSourceRanges)`]
      : []),
    `${head}${why === '' ? '' : `: ${escapeText(why)}`}`,
    ...lines(used, paint('green', 'used    ')),
    ...lines(unused, paint('dim', 'not used')),
  ]
}

interface Line {
  readonly e: ExplainedEndpoint
  readonly use: EndpointUse
}

function lines(list: readonly Line[], label: string): string[] {
  // Two are shown instead of "and 1 more".
  const shown = list.length <= SHOWN + 1 ? list : list.slice(0, SHOWN)
  const out = shown.map(({ e, use }) => {
    const pod = e.pod === undefined ? '' : `  pod ${e.pod}`
    const on = e.node === undefined ? '' : ` on ${e.node}`
    return `  ${label} ${escapeText(`${e.endpoint}${pod}${on}: ${use.why}`)}`
  })
  if (shown.length < list.length) {
    const rest = new Map<string, number>()
    for (const { use } of list.slice(shown.length)) rest.set(use.why, (rest.get(use.why) ?? 0) + 1)
    const kinds = [...rest].sort((a, b) => b[1] - a[1])
    const named = kinds.slice(0, 3).map(([why, n]) => `${n} ${escapeText(why)}`)
    if (kinds.length > 3) named.push('…')
    out.push(`  ${label} and ${list.length - shown.length} more: ${named.join('; ')}`)
  }
  return out
}
