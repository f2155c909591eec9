// Every field of a KubeProxyConfiguration: what it may hold, and why it has no effect here where it has none.
// Owns the table. Source: k8s.io/kube-proxy/config/v1alpha1 types.go, k8s.io/component-base (config/v1alpha1 types.go,
// logs/api/v1 types.go), kubernetes pkg/proxy/apis/config/validation/validation.go; Go's types decide what a value may be.
import { readAddress, readPrefix } from '../address.js'
import { durationMs } from '../duration.js'

/** What is wrong with a value, completing "Invalid value: X: "; null: nothing. `null` itself does not get here. */
type Check = (value: unknown) => string | null

/** A field with a value of its own. */
export interface Setting {
  readonly check: Check
  /** The value is a list, and `check` is about each item. */
  readonly list?: true
  /** It decides neither about rules nor about packets, since it is about this; absent: it decides. */
  readonly about?: string
  /** An empty value (`null`) is one that Go cannot read. */
  readonly notNull?: true
}

/** A field with fields. */
export interface Section {
  readonly fields: Fields
  /** Names of its fields are free (a map); each is this setting. */
  readonly each?: (key: string) => Setting
}

/** A field with a list of sections. */
export interface ListOfSections {
  readonly items: Section
  readonly about: string
}

export type Fields = Readonly<Record<string, Setting | Section | ListOfSections>>

/** Fields that earlier versions of kube-proxy knew, by path: read past with a note. */
export const OLD_FIELDS: Readonly<Record<string, string>> = {
  resourceContainer: 'removed in Kubernetes 1.17',
  udpIdleTimeout: 'of the mode userspace, removed in Kubernetes 1.26',
  'conntrack.max': 'removed in Kubernetes 1.15; conntrack.maxPerCore takes its place',
  'logging.sanitization': 'removed in Kubernetes 1.25',
}

/** Feature gates that change which endpoints are used, and can no longer be turned off. */
const LOCKED_GATES = [
  'EndpointSliceProxying',
  'LoadBalancerIPMode',
  'ProxyTerminatingEndpoints',
  'ServiceInternalTrafficPolicy',
  'TopologyAwareHints',
]

const text: Check = (x) => (typeof x === 'string' ? null : 'must be a text')
const flag: Check = (x) => (typeof x === 'boolean' ? null : 'must be true or false')
const number: Check = (x) => (typeof x === 'number' ? null : 'must be a number')
const empty = (x: unknown): boolean => x === ''

function integer(from: number, to: number): Check {
  return (x) =>
    typeof x === 'number' && Number.isInteger(x) && x >= from && x <= to ? null : `must be between ${from} and ${to}`
}

function words(...allowed: string[]): Check {
  const list = allowed.filter((w) => w !== '').join(', ')
  return (x) => (typeof x === 'string' && allowed.includes(x) ? null : `must be ${list}`)
}

const INT32 = 2 ** 31 - 1
const PREFIX = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
const prefix: Check = (x) => (typeof x === 'string' && readPrefix(x) !== null ? null : PREFIX)
const nodePorts: Check = (x) =>
  ['primary', 'localhost', 'all'].includes(x as string) || prefix(x) === null
    ? null
    : `${PREFIX}, "primary", "localhost" or "all"`

const clusterCIDR: Check = (x) => {
  if (typeof x !== 'string') return 'must be a text'
  if (empty(x)) return null
  const parts = x.split(',')
  const read = parts.map(readPrefix)
  if (read.some((p) => p === null)) return `${PREFIX}, or one of each family with a comma between`
  if (parts.length === 1 || (parts.length === 2 && read[0]!.family !== read[1]!.family)) return null
  return 'must be one CIDR, or one of each family with a comma between'
}

const address: Check = (x) => {
  if (typeof x !== 'string') return 'must be a text'
  return empty(x) || readAddress(x) !== null ? null : 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
}

/** `IP:PORT`, `[IP6]:PORT`, or the address alone: kube-proxy adds its port. */
const hostPort: Check = (x) => {
  if (typeof x !== 'string') return 'must be a text'
  if (empty(x) || readAddress(x.replace(/^\[(.*)\]$/, '$1')) !== null) return null
  const [, six, four, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(x) ?? []
  const good = readAddress(six ?? four ?? '') !== null && Number(port) >= 1 && Number(port) <= 65535
  return good ? null : 'must be IP:port'
}

function duration(least: 'any' | 'not negative'): Check {
  return (x) => {
    const ms = typeof x === 'string' ? durationMs(x) : null
    if (ms === null) return 'must be a duration, (e.g. 30s or 1h30m)'
    return ms < 0 && least !== 'any' ? 'must be greater than or equal to 0' : null
  }
}

const quantity: Check = (x) =>
  typeof x === 'number' || (typeof x === 'string' && /^[+-]?[\d.]+(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/.test(x))
    ? null
    : 'must be a quantity, (e.g. 0 or 64Ki)'

const flushFrequency: Check = (x) => (typeof x === 'number' ? null : duration('any')(x))

const portRange: Check = (x) =>
  typeof x === 'string' && /^(?:\d{1,5}(?:[-+]\d{1,5})?)?$/.test(x)
    ? null
    : 'must be a valid port range (e.g. 300-2000)'

const LOGS = 'how kube-proxy logs'
const CLIENT = 'how kube-proxy reaches the API server'
const PROCESS = "kube-proxy's own process and its ports"
const WHEN = 'when kube-proxy writes rules, not which'
const IPVS = 'the mode ipvs'
const NFTABLES = 'the mode nftables'
const WINDOWS = 'Windows'
const GATES = 'features that do not change these rules'

function said(check: Check, about?: string): Setting {
  return about === undefined ? { check } : { check, about }
}

function list(check: Check, about?: string): Setting {
  return { ...said(check, about), list: true }
}

/** A duration that is no pointer in Go: an empty value cannot be read. */
function period(about: string, least: 'any' | 'not negative' = 'not negative'): Setting {
  return { check: duration(least), about, notNull: true }
}

const output: Section = { fields: { splitStream: said(flag, LOGS), infoBufferSize: said(quantity, LOGS) } }

function gate(name: string): Setting {
  if (name === 'PreferSameTrafficDistribution') return said(flag)
  if (!LOCKED_GATES.includes(name)) return said(flag, GATES)
  const check: Check = (x) => flag(x) ?? (x ? null : 'cannot be false: kube-proxy always behaves this way by now')
  return said(check, GATES)
}

/** All of them, by name. */
export const PROXY_CONFIG: Section = {
  fields: {
    apiVersion: said(text),
    kind: said(text),
    featureGates: { fields: {}, each: gate },
    clientConnection: {
      fields: {
        kubeconfig: said(text, CLIENT),
        acceptContentTypes: said(text, CLIENT),
        contentType: said(text, CLIENT),
        qps: said(number, CLIENT),
        burst: said(integer(0, INT32), CLIENT),
      },
    },
    logging: {
      fields: {
        format: said(words('', 'text', 'json'), LOGS),
        flushFrequency: { check: flushFrequency, about: LOGS },
        verbosity: said(integer(0, 2 ** 32 - 1), LOGS),
        vmodule: {
          items: { fields: { filePattern: said(text, LOGS), verbosity: said(integer(0, 2 ** 32 - 1), LOGS) } },
          about: LOGS,
        },
        options: { fields: { text: output, json: output } },
      },
    },
    hostnameOverride: said(text),
    bindAddress: said(address),
    healthzBindAddress: said(hostPort, PROCESS),
    metricsBindAddress: said(hostPort, PROCESS),
    bindAddressHardFail: said(flag, PROCESS),
    enableProfiling: said(flag, PROCESS),
    showHiddenMetricsForVersion: said(text, PROCESS),
    mode: said((x) => (x === '' || x === 'iptables' ? null : 'must be iptables: rules of other modes are not made')),
    iptables: {
      fields: {
        masqueradeBit: said(integer(0, 31)),
        masqueradeAll: said(flag),
        localhostNodePorts: said(flag),
        snatNodeInternalIP: said(flag),
        syncPeriod: period(WHEN),
        minSyncPeriod: period(WHEN),
      },
    },
    ipvs: {
      fields: {
        syncPeriod: period(IPVS, 'any'),
        minSyncPeriod: period(IPVS, 'any'),
        scheduler: said(text, IPVS),
        excludeCIDRs: list(text, IPVS),
        strictARP: said(flag, IPVS),
        tcpTimeout: period(IPVS, 'any'),
        tcpFinTimeout: period(IPVS, 'any'),
        udpTimeout: period(IPVS, 'any'),
      },
    },
    nftables: {
      fields: {
        masqueradeBit: said(integer(-INT32 - 1, INT32), NFTABLES),
        masqueradeAll: said(flag, NFTABLES),
        syncPeriod: period(NFTABLES, 'any'),
        minSyncPeriod: period(NFTABLES, 'any'),
      },
    },
    winkernel: {
      fields: {
        networkName: said(text, WINDOWS),
        sourceVip: said(text, WINDOWS),
        enableDSR: said(flag, WINDOWS),
        rootHnsEndpointName: said(text, WINDOWS),
        forwardHealthCheckVip: said(flag, WINDOWS),
      },
    },
    detectLocalMode: said(words('', 'ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix')),
    detectLocal: { fields: { bridgeInterface: said(text), interfaceNamePrefix: said(text) } },
    clusterCIDR: said(clusterCIDR),
    nodePortAddresses: list(nodePorts),
    oomScoreAdj: said(integer(-1000, 1000), PROCESS),
    conntrack: {
      fields: {
        maxPerCore: said(integer(0, INT32), "the node's number of cores, which is not known"),
        min: said(integer(0, INT32), "the node's number of cores, which is not known"),
        tcpEstablishedTimeout: said(duration('not negative')),
        tcpCloseWaitTimeout: said(duration('not negative')),
        tcpBeLiberal: said(flag),
        udpTimeout: { check: duration('not negative'), notNull: true },
        udpStreamTimeout: { check: duration('not negative'), notNull: true },
      },
    },
    configSyncPeriod: period(WHEN),
    portRange: said(portRange, 'nothing any more'),
    windowsRunAsService: said(flag, WINDOWS),
  },
}
