// The WebAssembly core: its module (inside this package, or given), and one instance with its memory.
// Owns instantiation and the ABI check; nothing here knows packets.
import { ABI_VERSION } from '../../assembly/layout.js'
import { decodeBase64 } from './base64.js'
import { WASM_BASE64 } from './wasm-bytes.js'

/** What the module exports; assembly/index.ts documents each. Addresses are unsigned after `>>> 0`. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory
  abiVersion(): number
  allocate(bytes: number): number
  loadImage(image: number, seedLow: number, seedHigh: number, connections: number, traceBytes: number): number
  run(records: number, quotes: number, results: number, answers: number, from: number, count: number): number
  stateBytes(image: number): number
  useImage(image: number, state: number): void
  ruleStates(): number
  hashlimitSection(): number
  hashlimitState(): number
  carryHashlimit(section: number, state: number, from: number, to: number): number
  recentSection(): number
  recentState(): number
  recentCount(section: number, state: number, list: number): number
  carryRecent(section: number, state: number, from: number, to: number): number
  stopReason(): number
  again(events: number): void
  traceBuffer(): number
  traceBytes(): number
  clearTrace(): void
  now(): number
  counters(): number
  setRecords(): number
  setElements(): number
  setShapes(): number
  connectionCount(): number
  hotRecords(): number
  coldRecords(): number
  firstConnection(): number
  nextConnection(n: number): number
  deleteConnection(n: number): void
  findConnection(record: number, quote: number, zones: number): number
  memoryUsed(): number
}

/** A compiled core module: shared by all engines made from it, also across workers. */
export interface Core {
  readonly module: WebAssembly.Module
}

let inlined: Core | undefined

function checked(module: WebAssembly.Module): Core {
  const names = new Set(WebAssembly.Module.exports(module).map((e) => e.name))
  if (!names.has('abiVersion') || !names.has('loadImage') || !names.has('memory')) {
    throw new TypeError('this WebAssembly module is not the nodeplane core')
  }
  return { module }
}

/**
 * The core that an `Engine` is made with when none is given is inside this package and compiled on first use. For those
 * who stream or cache `nodeplane.wasm` instead: give its bytes or its compiled module. Throws a TypeError when it is
 * another module, a RangeError when it is another version.
 * For example: `loadCore(await WebAssembly.compileStreaming(fetch(url)))`.
 */
export function loadCore(source: BufferSource | WebAssembly.Module): Core {
  const core = checked(source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source))
  instantiate(core)
  return core
}

/** The core inside this package. */
export function inlinedCore(): Core {
  inlined ??= checked(new WebAssembly.Module(decodeBase64(WASM_BASE64)))
  return inlined
}

/** A fresh instance with its own memory. */
export function instantiate(core: Core): CoreExports {
  const exports = new WebAssembly.Instance(core.module, {}).exports as unknown as CoreExports
  const version = exports.abiVersion()
  if (version !== ABI_VERSION) throw new RangeError(`the core has version ${version}; ${ABI_VERSION} was expected`)
  return exports
}
