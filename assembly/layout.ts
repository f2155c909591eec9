// Sizes, offsets and codes of everything that lies in WebAssembly memory: the one source of truth, bare integer
// constants only, compiled by asc (the core) and by tsc (compile/, engine/); layout/ has a file for each kind of record.
// Names carry unit or kind: _BYTES, _OFF (from the start of its record), _AT (absolute address), the rest are codes.
// Words are little-endian u32 unless said.
//
//   0 ──────── 1024 ──────────── 16384 ─────────── heapBase ─────────────────────────────────────────────
//   (unused)   CTX, call stack,   asc's own data    image | counters | conntrack | recent … | batches (bump-allocated)
//              scratch

export const ABI_VERSION = 1

export * from './layout/asked.js'
export * from './layout/connections.js'
export * from './layout/context.js'
export * from './layout/draws.js'
export * from './layout/facts.js'
export * from './layout/hashlimit.js'
export * from './layout/image.js'
export * from './layout/links.js'
export * from './layout/matches.js'
export * from './layout/packets.js'
export * from './layout/recent.js'
export * from './layout/results.js'
export * from './layout/routes.js'
export * from './layout/rules.js'
export * from './layout/sets.js'
export * from './layout/stops.js'
export * from './layout/sysctls.js'
export * from './layout/targets.js'
export * from './layout/trace.js'
