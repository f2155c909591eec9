// A bridge in generated namespaces: one of the interfaces gets ports, with hosts behind them whose addresses are those of
// the small world. Everything about them is drawn: flags, states, what is known of neighbours and forwarding database.
import fc from 'fast-check'
import type { BridgePort, FdbEntry, Link, Neighbour } from '../netns/model.js'
import { listOf, pick, rarely, weighted, worldOf } from './pool.js'

/** Names of the ports. */
export const PORT_NAMES: readonly string[] = ['veth0', 'veth1', 'veth2']

/** Ethernet addresses that generated packets and rules name: hosts behind the ports, one behind none, bridge, port, groups. */
export const MACS: readonly string[] = [
  '02:00:00:01:00:00',
  '02:00:00:01:00:01',
  '02:00:00:01:00:02',
  '02:00:00:01:00:07',
  '02:00:00:00:00:03',
  '02:00:00:02:00:01',
  'ff:ff:ff:ff:ff:ff',
  '01:00:5e:00:00:01',
]

interface PortDraft {
  readonly state: BridgePort['state']
  readonly hairpin: boolean
  readonly isolated: boolean
  readonly learning: boolean
  readonly flood: boolean
  readonly mcastFlood: boolean
  readonly bcastFlood: boolean
  readonly up: boolean
}

export interface BridgeDraft {
  /** Which of the interfaces. */
  readonly link: number
  readonly ports: readonly PortDraft[]
  /** Per bridge, beside the sysctls. */
  readonly called: boolean
  readonly call: readonly [boolean, boolean]
  readonly fdb: 'known' | 'static' | 'ages' | 'unknown'
  readonly neighbours: boolean
  readonly noAgeing: boolean
}

const mostly = rarely(6).map((not) => !not)

const portDraft: fc.Arbitrary<PortDraft> = fc.record({
  state: weighted<BridgePort['state']>(
    [10, fc.constant('forwarding')],
    [1, pick(['learning', 'blocking', 'disabled'])],
  ),
  hairpin: fc.boolean(),
  isolated: rarely(4),
  learning: mostly,
  flood: mostly,
  mcastFlood: mostly,
  bcastFlood: mostly,
  up: mostly,
})

export const bridgeDraft: fc.Arbitrary<BridgeDraft | null> = weighted<BridgeDraft | null>(
  [2, fc.constant(null)],
  [
    1,
    fc.record({
      link: pick([2, 1]),
      ports: listOf(portDraft, 1, PORT_NAMES.length),
      called: rarely(5),
      call: fc.tuple(mostly, mostly),
      fdb: pick(['static', 'ages', 'known', 'unknown'] as const),
      neighbours: mostly,
      noAgeing: rarely(8),
    }),
  ],
)

/** What a draft adds to a namespace with these links (`lo` first). */
export interface BridgeParts {
  readonly links: readonly Link[]
  readonly sysctls: Readonly<Record<string, string>>
  readonly fdb?: readonly FdbEntry[]
  readonly neighbours?: readonly Neighbour[]
}

export function bridgeOf(draft: BridgeDraft | null, links: readonly Link[]): BridgeParts {
  if (draft === null) return { links, sysctls: {} }
  const k = Math.min(draft.link, links.length - 2)
  const bridge = links[k + 1] as Link
  const ports = draft.ports.map((d, i): Link => {
    const { up, ...port } = d
    return {
      name: PORT_NAMES[i] as string,
      index: links.length + 1 + i,
      up,
      loopback: false,
      kind: 'veth',
      master: bridge.name,
      mac: `02:00:00:02:00:0${i + 1}`,
      mtu: 1500,
      port: { ...port, number: i + 1 },
      addresses: [],
    }
  })
  const calls = { nfCallIptables: draft.called, nfCallIp6tables: draft.called }
  const made = {
    ...bridge,
    mtu: 1500,
    kind: 'bridge',
    bridge: { ...calls, vlanFiltering: false, ageingMs: draft.noAgeing ? 0 : 300_000 },
  }
  const hosts = ports.map((port, i) => ({ port: port.name, mac: MACS[i] as string, i }))
  const fdb = hosts.map(({ port, mac }) => {
    const entry = { bridge: bridge.name, mac, port, local: false, sticky: false }
    return { ...entry, ages: draft.fdb === 'ages' }
  })
  const neighbours = hosts.flatMap(({ mac, i }) =>
    (['ipv4', 'ipv6'] as const).map((family) => ({ dev: bridge.name, address: worldOf(family).neighbour(k, i), mac })),
  )
  return {
    links: [...links.map((l) => (l === bridge ? made : l)), ...ports],
    sysctls: {
      'net.bridge.bridge-nf-call-iptables': draft.call[0] ? '1' : '0',
      'net.bridge.bridge-nf-call-ip6tables': draft.call[1] ? '1' : '0',
    },
    ...(draft.fdb === 'unknown' ? {} : { fdb: draft.fdb === 'known' ? [] : fdb }),
    ...(draft.neighbours ? { neighbours } : {}),
  }
}
