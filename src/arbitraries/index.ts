/**
 * Generators (fast-check) of namespaces, rule sets, Kubernetes objects and packets, for property tests of your own rules.
 * Needs the package `fast-check`. Re-exports only.
 * @module
 */
export { type NamespaceOptions, namespaces } from './namespace.js'
export {
  type AbstractPackets,
  abstractPackets,
  type PacketLine,
  type PacketOptions,
  type PacketPool,
  packetLines,
  packetPool,
  type Scenario,
  scenarios,
} from './packets.js'
export { type TrafficOptions, trafficRuleset, trafficRulesets } from './traffic.js'
