// The trace buffer: events of 64 bytes, appended while a traced packet is on its way. Owns the buffer's bounds, not its
// memory. An event that does not fit is not written and the overflow is noted: the batch's driver must report it.
import {
  CTX_IS_REPLY_AT,
  CTX_TRACING_AT,
  TRACE_A_OFF,
  TRACE_B_OFF,
  TRACE_C_OFF,
  TRACE_EVENT_BYTES,
  TRACE_KIND_OFF,
  TRACE_KIND_REPLY,
} from './layout'
import { Memory } from './memory'

let next: usize = 0
let start: usize = 0
let end: usize = 0
let overflowed: bool = false

/** Gives the buffer its memory; it is empty then. */
export function traceInit(buffer: usize, bytes: usize): void {
  start = buffer
  next = buffer
  end = buffer + bytes
  overflowed = false
}

/** Empties the buffer. */
export function traceReset(): void {
  next = start
  overflowed = false
}

/** Takes the last bytes back. */
export function traceRewind(bytes: usize): void {
  next -= bytes
}

/** Bytes written since the buffer was emptied. */
export function traceUsed(): usize {
  return next - start
}

/** Bytes that are left. */
export function traceRoom(): usize {
  return end - next
}

/** Was an event lost? */
export function traceOverflowed(): bool {
  return overflowed
}

/** Appends an event and returns its address; 0 when the packet is not traced or nothing is left. */
export function traceEvent(kind: u32, a: u32, b: u32, c: u32): usize {
  if (load<u32>(CTX_TRACING_AT) === 0) return 0
  if (next + TRACE_EVENT_BYTES > end) {
    overflowed = true
    return 0
  }
  const at = next
  next += TRACE_EVENT_BYTES
  Memory.clear(at, TRACE_EVENT_BYTES)
  if (load<u32>(CTX_IS_REPLY_AT) !== 0) kind |= TRACE_KIND_REPLY
  store<u32>(at, kind, TRACE_KIND_OFF)
  store<u32>(at, a, TRACE_A_OFF)
  store<u32>(at, b, TRACE_B_OFF)
  store<u32>(at, c, TRACE_C_OFF)
  return at
}
