/**
 * nodeplane: the Linux/Kubernetes node data plane as a library. Re-exports only.
 * @module
 */
export { escapeText, type Fault, FaultError, formatFault } from './net/fault.js'
export type * from './net/packet.js'
export type * from './netfilter/model.js'
export type * from './netns/dataplane.js'
export type * from './netns/model.js'
