// The ABI: what the module exports, and that the records of the layout neither overlap nor leave their size.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as L from '../../assembly/layout.js'
import { decodeBase64 } from '../../src/engine/base64.js'
import { inlinedCore, instantiate, loadCore } from '../../src/engine/core.js'
import { WASM_BASE64 } from '../../src/engine/wasm-bytes.js'

const abi = suite('engine/abi')

abi('the exported functions and their number of parameters', () => {
  const exports = instantiate(inlinedCore()) as unknown as Record<string, unknown>
  const arity = Object.fromEntries(
    Object.entries(exports)
      .filter(([, value]) => typeof value === 'function')
      .map(([name, value]) => [name, (value as (...args: number[]) => number).length]),
  )
  assert.equal(arity, {
    abiVersion: 0,
    allocate: 1,
    loadImage: 5,
    run: 6,
    stopReason: 0,
    again: 1,
    traceBuffer: 0,
    traceBytes: 0,
    clearTrace: 0,
    now: 0,
    counters: 0,
    setRecords: 0,
    setElements: 0,
    setShapes: 0,
    connectionCount: 0,
    hotRecords: 0,
    coldRecords: 0,
    firstConnection: 0,
    nextConnection: 1,
    deleteConnection: 1,
    findConnection: 3,
    memoryUsed: 0,
    stateBytes: 1,
    useImage: 2,
    ruleStates: 0,
    hashlimitSection: 0,
    hashlimitState: 0,
    carryHashlimit: 4,
    recentSection: 0,
    recentState: 0,
    recentCount: 3,
    carryRecent: 4,
  })
})

abi('the module needs no imports and exports its memory', () => {
  const { module } = inlinedCore()
  assert.equal(WebAssembly.Module.imports(module), [])
  assert.ok(WebAssembly.Module.exports(module).some((e) => e.name === 'memory' && e.kind === 'memory'))
})

abi('loadCore takes bytes or a module, and refuses another module', () => {
  const bytes = decodeBase64(WASM_BASE64)
  assert.ok(loadCore(bytes).module instanceof WebAssembly.Module)
  assert.ok(loadCore(new WebAssembly.Module(bytes)).module instanceof WebAssembly.Module)
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  assert.throws(
    () => loadCore(empty),
    (e: Error) => e instanceof TypeError && /not the nodeplane core/.test(e.message),
  )
})

/** Bytes of the fields that are not one word. */
const WIDE: Readonly<Record<string, number>> = {
  HDR_FAMILY: 1,
  HDR_PROTO: 1,
  HDR_TTL: 1,
  HDR_TOS: 1,
  HDR_SRC: 16,
  HDR_DST: 16,
  HDR_SPORT: 2,
  HDR_DPORT: 2,
  HDR_TYPE: 1,
  HDR_CODE: 1,
  HDR_ID: 2,
  HDR_TCP_FLAGS: 1,
  HDR_HAS: 1,
  HDR_CHUNK: 2,
  HDR_WIN: 2,
  RECORD_AT_MS: 8,
  RECORD_ZONE: 2,
  RECORD_MAC_SRC: 6,
  RECORD_HAS: 1,
  RECORD_MORE: 1,
  RECORD_MAC_DST: 6,
  RECORD_PKTTYPE: 2,
  RECORD_FRAG: 2,
  RECORD_FLAGS: 2,
  RECORD_LONGEST: 2,
  HOP_MTU: 2,
  HOP_LEAVES: 2,
  HOP_LIVE: 0, // the two beside it
  ADDRESS_WORDS: 16,
  ADDRESS_SUBNET: 16,
  POLICY_FROM: 16,
  POLICY_TO: 16,
  PREFIX_ADDRESS: 16,
  HOP_VIA: 16,
  CONNECTION_ORIG: 40,
  CONNECTION_REPLY: 40,
  TUPLE_SRC: 16,
  TUPLE_DST: 16,
  LINK_MAC: 8,
  LINK_BEHIND: 8,
  FDB_MAC: 8,
  FDB_SEEN: 8,
  NEIGHBOUR_ADDRESS: 16,
  NEIGHBOUR_MAC: 8,
}
const RECORDS: readonly (readonly [string, string, number])[] = [
  ['HDR_', 'HDR_', L.HDR_BYTES],
  ['RECORD_', 'RECORD_', L.RECORD_BYTES],
  ['RESULT_', 'RESULT_', L.RESULT_BYTES],
  ['LINK_', 'LINK_', L.LINK_BYTES],
  ['ADDRESS_', 'ADDRESS_', L.ADDRESS_BYTES],
  ['POLICY_', 'POLICY_', L.POLICY_BYTES],
  ['RTABLE_', 'RTABLE_', L.RTABLE_BYTES],
  ['PREFIX_', 'PREFIX_', L.PREFIX_BYTES],
  ['ROUTE_', 'ROUTE_', L.ROUTE_BYTES],
  ['HOP_', 'HOP_', L.HOP_BYTES],
  ['CONNECTION_', 'CONNECTION_', L.CONNECTION_BYTES],
  ['TUPLE_', 'TUPLE_', L.TUPLE_BYTES],
  ['FDB_', 'FDB_', L.FDB_BYTES],
  ['NEIGHBOUR_', 'NEIGHBOUR_', L.NEIGHBOUR_BYTES],
]

abi('fields of a record neither overlap nor leave it', () => {
  for (const [name, prefix, bytes] of RECORDS) {
    const fields = Object.entries(L)
      .filter(([key]) => key.startsWith(prefix) && key.endsWith('_OFF'))
      .map(([key, offset]) => ({ key, offset, size: WIDE[key.slice(0, -4)] ?? 4 }))
      .sort((a, b) => a.offset - b.offset)
    assert.ok(fields.length > 1, name)
    const start = prefix === 'RECORD_' || prefix === 'RESULT_' ? L.HDR_BYTES : 0
    let end = start
    for (const field of fields) {
      assert.ok(field.offset >= end, `${field.key} at ${field.offset} overlaps what ends at ${end}`)
      end = field.offset + field.size
    }
    assert.ok(end <= bytes, `${name} has fields up to ${end} of ${bytes}`)
  }
})

abi.run()
