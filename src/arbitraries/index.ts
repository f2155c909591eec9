/**
 * Generators (fast-check) of namespaces, rule sets, Kubernetes objects and packets, for property tests of your own rules.
 * Needs the package `fast-check`; docs/arbitraries.md shows them at work. Re-exports only.
 * @module
 */
export { type ClusterShape, clusters, nodes, proxyConfigs } from './kube.js'
export { type NamespaceOptions, namespaces } from './namespace.js'
export { type RulePlace, type RulesetShape, rules, rulesets } from './netfilter.js'
export {
  type AbstractPackets,
  abstractPackets,
  type PacketLine,
  type PacketOptions,
  type PacketPool,
  type PacketTarget,
  packetLines,
  packetPool,
  type Scenario,
  scenarios,
} from './packets.js'
export { type TrafficOptions, trafficRuleset, trafficRulesets } from './traffic.js'
