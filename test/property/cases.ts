// The kinds of namespaces over which engine and reference are compared, and how many packets each gets.
import fc from 'fast-check'
import { namespaces, type Scenario, scenarios, trafficRulesets } from '../../src/arbitraries/index.js'
import { clusters, proxyConfigs } from '../../src/arbitraries/kube.js'
import { nodeNamespace } from '../../src/kube/node-namespace.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { conversations } from './conversations.js'

export const kubeNamespaces: fc.Arbitrary<NetworkNamespace> = fc
  .record({ cluster: clusters({ services: 6, families: 'dual' }), proxyConfig: proxyConfigs(), nft: fc.boolean() })
  .map(({ cluster, proxyConfig, nft }) =>
    nodeNamespace(cluster, 'node-0', { backend: nft ? 'nft' : 'legacy', proxyConfig }),
  )

/** Name, generator, and how often it is usually tried. */
export const CASES: readonly (readonly [string, fc.Arbitrary<Scenario>, number])[] = [
  ['any namespace', scenarios(namespaces(), { maxPackets: 120 }), 60],
  [
    'few rules, many packets',
    scenarios(namespaces({ rulesets: trafficRulesets({ maxRules: 2 }) }), { minPackets: 100, maxPackets: 400 }),
    12,
  ],
  ['plain links, many rules', scenarios(namespaces({ plain: true }), { maxPackets: 200 }), 15],
  [
    'few ends, translated',
    scenarios(namespaces({ plain: true, rulesets: trafficRulesets({ tables: ['raw', 'nat'], maxRules: 4 }) }), {
      minPackets: 60,
      maxPackets: 250,
      narrow: true,
    }),
    15,
  ],
  [
    'few ends, any namespace',
    scenarios(namespaces({ rulesets: trafficRulesets({ maxRules: 4 }) }), {
      minPackets: 60,
      maxPackets: 250,
      narrow: true,
    }),
    12,
  ],
  [
    'lists, limits and sets',
    scenarios(
      namespaces({
        rulesets: trafficRulesets({
          tables: ['mangle', 'filter'],
          matches: ['recent', 'limit', 'set', 'statistic', 'addrtype', 'hashlimit', 'quota'],
          maxRules: 6,
        }),
      }),
      { minPackets: 60, maxPackets: 200, narrow: true },
    ),
    12,
  ],
  [
    'connections counted',
    scenarios(
      namespaces({
        rulesets: trafficRulesets({
          tables: ['raw', 'mangle', 'filter'],
          matches: ['connbytes', 'connlimit', 'connlabel', 'cluster', 'conntrack', 'connmark'],
          maxRules: 5,
        }),
      }),
      { minPackets: 60, maxPackets: 200, narrow: true },
    ),
    12,
  ],
  ['conversations', conversations, 40],
  ["kube-proxy's rules", scenarios(kubeNamespaces, { maxPackets: 200 }), 12],
]
