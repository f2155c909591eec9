// A KubeProxyConfiguration document → the settings that decide about rules.
// Owns its schema; other settings of kube-proxy are left out, other modes than iptables are refused.
// Spec: kubeproxy.config.k8s.io/v1alpha1.
import * as v from 'valibot'
import { escapeText, type Fault, FaultError } from '../../net/fault.js'
import { readPrefix } from '../address.js'
import type { ProxyConfig } from '../proxy-options.js'
import { type InputFile, readDocuments } from './documents.js'

const text = v.nullish(v.string('must be a text'), '')
const flag = v.nullish(v.boolean('must be true or false'))
const isPrefix = (x: string) => readPrefix(x.trim()) !== null
const PREFIX = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

const schema = v.object({
  mode: v.pipe(
    text,
    v.check((x) => x === '' || x === 'iptables', 'must be iptables: rules of other modes are not made'),
  ),
  hostnameOverride: text,
  clusterCIDR: v.pipe(
    text,
    v.check((x) => x === '' || x.split(',').every(isPrefix), `${PREFIX}, or one of each family with a comma between`),
  ),
  detectLocalMode: v.pipe(
    text,
    v.check(
      (x) => ['', 'ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'].includes(x),
      'must be ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix',
    ),
  ),
  detectLocal: v.nullish(v.object({ bridgeInterface: text, interfaceNamePrefix: text })),
  iptables: v.nullish(
    v.object({
      masqueradeAll: flag,
      masqueradeBit: v.nullish(
        v.custom<number>(
          (x) => typeof x === 'number' && Number.isInteger(x) && x >= 0 && x <= 31,
          'must be between 0 and 31',
        ),
      ),
      localhostNodePorts: flag,
    }),
  ),
  nodePortAddresses: v.nullish(
    v.array(
      v.pipe(
        v.string('must be a text'),
        v.check((x) => x === 'primary' || isPrefix(x), `${PREFIX}, or "primary"`),
      ),
    ),
  ),
  conntrack: v.nullish(v.object({ tcpBeLiberal: flag })),
})

/**
 * Reads a KubeProxyConfiguration from YAML or JSON; other documents in the file (a kubeadm ClusterConfiguration, say) are
 * passed over.
 *
 * @throws FaultError when there is none, or more than one, or a field of it cannot be used
 */
export function readProxyConfig(file: InputFile): ProxyConfig {
  const found = readDocuments(file, () => {}).filter((d) => (d.value as { kind?: unknown } | null)?.kind === KIND)
  const document = found[0]
  if (document === undefined || found.length > 1) {
    const message = `expected one ${KIND} document, found ${found.length}`
    throw new FaultError([{ file: file.name, line: 0, column: 0, message }])
  }
  const cut = v.safeParse(schema, document.value)
  if (cut.success) return clean(cut.output) as ProxyConfig
  const faults = cut.issues.map((issue): Fault => {
    const path = (issue.path ?? []).map((p) => p.key as string | number)
    const value = escapeText(String(JSON.stringify(issue.input)).slice(0, 100))
    const { line, column } = document.place(path)
    return { file: file.name, line, column, message: `${path.join('.')}: Invalid value: ${value}: ${issue.message}` }
  })
  throw new FaultError(faults)
}

const KIND = 'KubeProxyConfiguration'

/** Without the fields that are null or empty: those are kube-proxy's defaults. */
function clean(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const kept = Object.entries(value).filter(([, x]) => x !== null && x !== undefined && x !== '')
  return Object.fromEntries(kept.map(([key, x]) => [key, clean(x)]))
}
