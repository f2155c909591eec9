/**
 * nodeplane: the Linux/Kubernetes node data plane as a library. Re-exports only: the one front door of the core, which
 * needs neither Node nor a package. Beside it: `nodeplane/node` (files and archives), `nodeplane/kube-reader` (YAML and
 * JSON of kubectl), `nodeplane/arbitraries` (generators for property tests), `nodeplane/nodeplane.wasm`.
 * @module
 */
export { checkImage, ImageError, readImage } from './compile/check.js'
export { compile } from './compile/compile.js'
export type { CompileOptions } from './compile/context.js'
export type { ChainSymbol, Image, Symbols } from './compile/image.js'
export { PacketBatch } from './engine/batch.js'
export { type Core, loadCore } from './engine/core.js'
export { type BatchOptions, Engine, type EngineOptions } from './engine/engine.js'
export type { Trace } from './engine/trace.js'
export { type Cluster, clusterOf } from './kube/cluster.js'
export type { ObjectEvent } from './kube/cluster-store.js'
export {
  type ExplainedEndpoint,
  type ExplainedPort,
  type ExplainedService,
  type ExplainedTraffic,
  type ExplainOptions,
  explainEndpoints,
} from './kube/explain.js'
export type { EndpointUse } from './kube/explain-use.js'
export { describeEndpoint, formatEndpoint, type ResolvedName, resolveName, type ServiceEndpoint } from './kube/names.js'
export { type NodeNamespaceOptions, nodeNamespace } from './kube/node-namespace.js'
export type * from './kube/objects.js'
export { type ProxyCounts, proxyCounts, proxyRestoreText, proxyRules } from './kube/proxy.js'
export { type LocalDetector, type ProxyConfig, type ProxyOptions, proxyOptions } from './kube/proxy-options.js'
export { type ProxySync, ProxyTracker, type ProxyTrackerOptions } from './kube/proxy-tracker.js'
export {
  type Decoded,
  decodePacket,
  encodePacket,
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
  type Undecoded,
  type WirePacket,
} from './net/bytes.js'
export { completePacket, type FieldProblem, PacketError } from './net/complete.js'
export { escapeText, type Fault, FaultError, formatFault } from './net/fault.js'
export { packetLength } from './net/length.js'
export { LineSplitter } from './net/lines.js'
export { type AskedField, type AskingRule, MissingFieldError } from './net/missing.js'
export type * from './net/packet.js'
export {
  type CapturedPacket,
  type CaptureInterface,
  type CaptureLimits,
  CaptureReader,
  type CaptureReaderOptions,
  type PacketToWrite,
  type PcapngOptions,
  PcapngWriter,
  type PcapOptions,
  type PcapPacket,
  PcapPackets,
  type ReadPcapOptions,
  readPcapPackets,
  writePcap,
  writePcapng,
} from './net/pcap.js'
export { type FormatOptions, formatRules } from './netfilter/fmt.js'
export type * from './netfilter/model.js'
export { type PrintOptions, printRule, printRules } from './netfilter/print.js'
export { type ReadLimits, type ReadOptions, readRules } from './netfilter/read.js'
export { type RestoreOptions, restoreRules } from './netfilter/restore.js'
export { savedRules } from './netfilter/saved.js'
export { BUNDLE_FILES, type BundleOptions, readBundle } from './netns/bundle.js'
export { type ConntrackReadOptions, formatConntrack, readConntrack } from './netns/conntrack.js'
export type * from './netns/dataplane.js'
export { ingressInterface } from './netns/ingress.js'
export { type Leaving, leaving } from './netns/leaving.js'
export type * from './netns/model.js'
export {
  type PacketId,
  type PacketItem,
  PacketLineReader,
  type PacketReadOptions,
  type ReferenceKind,
  readPacketLines,
} from './netns/packets.js'
export { PacketScript, type Resolved, type ScriptOptions } from './netns/refer.js'
export { type PrintedAnswer, printedAnswer, printedPacket, runScript } from './netns/script.js'
export { checkSupported } from './netns/supported.js'
export { ReferenceEngine } from './reference/index.js'
