// What the facts of a packet's record say beyond it (layout.ts, FACTS_*). An answer of this host has none.
import {
  CTX_IS_REPLY_AT,
  CTX_RECORD_AT,
  FACTS_BYTES,
  FACTS_HAS_OFF,
  FACTS_PAYLOAD_BYTES_OFF,
  FACTS_PAYLOAD_OFF,
  MORE_FACTS,
  MORE_OPTIONS,
  MORE_SOCKET,
  MORE_SOCKET_FOUND,
  MORE_SOCKET_TRANSPARENT,
  MORE_SOCKET_WILDCARD,
  OPTIONS_BYTES,
  RECORD_MORE_OFF,
  RECORD_PAYLOAD_OFF,
} from './layout'

const SOCKETS: u32 = MORE_SOCKET | MORE_SOCKET_FOUND | MORE_SOCKET_TRANSPARENT | MORE_SOCKET_WILDCARD

export class Facts {
  /** MORE_* of the packet that came, of which an answer of this host has the sockets only. */
  static more(): u32 {
    const more: u32 = load<u8>(<usize>load<u32>(CTX_RECORD_AT) + RECORD_MORE_OFF)
    return load<u32>(CTX_IS_REPLY_AT) !== 0 ? more & SOCKETS : more
  }

  /** Is a piece of memory there? Records may be written by others. */
  private static inside(at: u32, bytes: u32): bool {
    return (at as u64) + bytes <= (memory.size() as u64) << 16
  }

  /** Address of the facts; 0: there are none. */
  static at(): usize {
    if ((Facts.more() & MORE_FACTS) === 0) return 0
    const at = load<u32>(<usize>load<u32>(CTX_RECORD_AT) + RECORD_PAYLOAD_OFF)
    return Facts.inside(at, FACTS_BYTES) ? (at as usize) : 0
  }

  /** Address of the packet's TCP options, the first byte their number; 0: none are given. */
  static options(): usize {
    if ((Facts.more() & MORE_OPTIONS) === 0) return 0
    const at = load<u32>(<usize>load<u32>(CTX_RECORD_AT) + RECORD_PAYLOAD_OFF)
    return Facts.inside(at, OPTIONS_BYTES) && <u32>load<u8>(at) < <u32>OPTIONS_BYTES ? (at as usize) : 0
  }

  /** Is a fact said? `has` is one of FACTS_HAS_*. */
  static has(has: u32): bool {
    const facts = Facts.at()
    return facts !== 0 && (load<u32>(facts, FACTS_HAS_OFF) & has) !== 0
  }

  /** How many bytes a text is long whose address is at this offset; -1: it is not said. */
  static bytes(has: u32, offset: usize): i32 {
    if (!Facts.has(has)) return -1
    const bytes = load<u32>(Facts.at() + offset, 4)
    return Facts.inside(load<u32>(Facts.at() + offset), bytes) ? (bytes as i32) : -1
  }

  /** The address of such a text. */
  static text(offset: usize): usize {
    return load<u32>(Facts.at() + offset) as usize
  }

  /** A byte of the payload; -1: it is not there. */
  static payload(i: u32): i32 {
    const facts = Facts.at()
    if (facts === 0 || i >= load<u32>(facts, FACTS_PAYLOAD_BYTES_OFF)) return -1
    const at = load<u32>(facts, FACTS_PAYLOAD_OFF)
    return Facts.inside(at, i + 1) ? (load<u8>((at as usize) + i) as i32) : -1
  }
}
