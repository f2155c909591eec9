// What a Kubernetes object must look like for its rules to mean anything, and nothing more.
// Owns the schemas: each names the fields that are kept (all others are cut off here) and what they may hold, in the words
// of the API server's own validation. Spec: k8s.io/kubernetes pkg/apis/core/validation, pkg/apis/discovery/validation.
import * as v from 'valibot'
import { readAddress, readPrefix } from '../address.js'
import type { Cluster } from '../cluster.js'
import { SERVICE_NAME_LABEL, ZONE_LABEL } from '../endpoints.js'

/** A value that `ok` holds for; `must` completes "Invalid value: X: ". A missing one is "Required value". */
function must<T>(ok: (x: unknown) => boolean, words: string): v.CustomSchema<T, string> {
  return v.custom<T, string>(ok, words)
}

const text = must<string>((x) => typeof x === 'string', 'must be a text')
const flag = must<boolean>((x) => typeof x === 'boolean', 'must be true or false')

function integer(from: number, to: number): v.CustomSchema<number, string> {
  const ok = (x: unknown) => typeof x === 'number' && Number.isInteger(x) && x >= from && x <= to
  return must<number>(ok, `must be between ${from} and ${to}`)
}

function oneOf(...words: string[]): v.CustomSchema<string, string> {
  const list = words.map((w) => `"${w}"`).join(', ')
  return must<string>((x) => typeof x === 'string' && words.includes(x), `UNSUPPORTED ${list}`)
}

function named(pattern: RegExp, most: number, words: string): v.CustomSchema<string, string> {
  return must<string>((x) => typeof x === 'string' && x.length <= most && pattern.test(x), words)
}

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/
const namespace = named(
  LABEL,
  63,
  'must be a lowercase RFC 1123 label: letters, digits and -, at most 63, e.g. my-namespace',
)
const name = named(
  SUBDOMAIN,
  253,
  'must be a lowercase RFC 1123 subdomain: letters, digits, - and ., at most 253, e.g. web-1',
)
const portName = named(/^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)?$/, 63, 'must be a lowercase RFC 1123 label, e.g. http')
const ADDRESS = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const isAddress = (x: unknown): boolean => typeof x === 'string' && readAddress(x) !== null
const address = must<string>(isAddress, ADDRESS)
const addressOrNone = must<string>((x) => x === '' || isAddress(x), ADDRESS)
const PREFIX = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
const prefix = must<string>((x) => typeof x === 'string' && readPrefix(x.trim()) !== null, PREFIX)
const clusterIP = must<string>((x) => x === '' || x === 'None' || isAddress(x), `${ADDRESS}, "None" or empty`)
const port = integer(1, 65535)
const portOrNone = integer(0, 65535)
const protocol = oneOf('TCP', 'UDP', 'SCTP')

const metadata = v.object({
  name,
  namespace: v.nullish(must<string>((x) => x === '' || v.is(namespace, x), namespace.message as string)),
  labels: v.nullish(v.object({ [SERVICE_NAME_LABEL]: v.nullish(text), [ZONE_LABEL]: v.nullish(text) })),
})

const service = v.object({
  metadata,
  spec: v.object({
    type: v.nullish(oneOf('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName')),
    clusterIP: v.nullish(clusterIP),
    clusterIPs: v.nullish(v.array(clusterIP)),
    ipFamilies: v.nullish(v.array(oneOf('IPv4', 'IPv6'))),
    externalIPs: v.nullish(v.array(address)),
    loadBalancerSourceRanges: v.nullish(v.array(prefix)),
    externalTrafficPolicy: v.nullish(oneOf('Cluster', 'Local', '')),
    internalTrafficPolicy: v.nullish(oneOf('Cluster', 'Local')),
    healthCheckNodePort: v.nullish(portOrNone),
    sessionAffinity: v.nullish(oneOf('ClientIP', 'None', '')),
    sessionAffinityConfig: v.nullish(
      v.object({ clientIP: v.nullish(v.object({ timeoutSeconds: v.nullish(integer(1, 86400)) })) }),
    ),
    ports: v.nullish(
      v.array(
        v.object({
          name: v.nullish(portName),
          protocol: v.nullish(protocol),
          port,
          nodePort: v.nullish(portOrNone),
        }),
      ),
    ),
  }),
  status: v.nullish(
    v.object({
      loadBalancer: v.nullish(
        v.object({
          ingress: v.nullish(
            v.array(v.object({ ip: v.nullish(addressOrNone), ipMode: v.nullish(oneOf('VIP', 'Proxy')) })),
          ),
        }),
      ),
    }),
  ),
})

const targetRef = v.nullish(v.object({ kind: v.nullish(text), namespace: v.nullish(text), name: v.nullish(text) }))
const hints = v.nullish(v.array(v.object({ name: text })))

// What the API server fills in when an EndpointSlice is made is filled in here: a hand-written one is the same.
const endpointSlice = v.object({
  metadata,
  addressType: oneOf('IPv4', 'IPv6', 'FQDN'),
  endpoints: v.nullish(
    v.array(
      v.object({
        addresses: v.array(text),
        conditions: v.nullish(
          v.object({ ready: v.nullish(flag), serving: v.nullish(flag), terminating: v.nullish(flag) }),
        ),
        nodeName: v.nullish(text),
        hints: v.nullish(v.object({ forZones: hints, forNodes: hints })),
        targetRef,
      }),
    ),
  ),
  ports: v.nullish(
    v.array(
      // The API server does not look at the number; kube-proxy passes over a port that is 0.
      v.object({ name: v.nullish(portName, ''), protocol: v.nullish(protocol, 'TCP'), port: v.nullish(portOrNone) }),
    ),
  ),
})

const endpointAddresses = v.nullish(v.array(v.object({ ip: address, nodeName: v.nullish(text), targetRef })))
const endpoints = v.object({
  metadata,
  subsets: v.nullish(
    v.array(
      v.object({
        addresses: endpointAddresses,
        notReadyAddresses: endpointAddresses,
        ports: v.nullish(v.array(v.object({ name: v.nullish(portName), protocol: v.nullish(protocol), port }))),
      }),
    ),
  ),
})

const node = v.object({
  metadata,
  spec: v.nullish(v.object({ podCIDR: v.nullish(prefixOrNone()), podCIDRs: v.nullish(v.array(prefix)) })),
  status: v.nullish(v.object({ addresses: v.nullish(v.array(v.object({ type: text, address: text }))) })),
})

function prefixOrNone(): v.CustomSchema<string, string> {
  return must<string>((x) => x === '' || v.is(prefix, x), PREFIX)
}

const pod = v.object({
  metadata,
  spec: v.nullish(v.object({ nodeName: v.nullish(text), hostNetwork: v.nullish(flag) })),
  status: v.nullish(
    v.object({
      phase: v.nullish(text),
      podIP: v.nullish(addressOrNone),
      podIPs: v.nullish(v.array(v.object({ ip: v.nullish(addressOrNone) }))),
    }),
  ),
})

/** The schema of each kind that is read. */
export const SCHEMAS: Readonly<Record<keyof Cluster, v.GenericSchema>> = {
  services: service,
  endpointSlices: endpointSlice,
  endpoints,
  nodes: node,
  pods: pod,
}
