// Asking for what a packet does not say: a rule that needs a field which the packet's record lacks stops the packet
// there. The match (or target) that needs it calls `need`; chain.ts notes the rule and lets nothing more happen to the
// packet; `run` stops with STOP_ASKED.
import { ASKED_COUNTER_AT, ASKED_FIELD_AT, FIELD_HOTDROP } from './layout'

export class Asked {
  /** Asks for a FIELD_*; false, for a match to return (inverted or not: the packet is stopped). The first one counts. */
  static need(field: u32): bool {
    if (load<u32>(ASKED_FIELD_AT) === 0) store<u32>(ASKED_FIELD_AT, field)
    return false
  }

  /** A match drops the packet, whatever its rule says; false, for the match to return. */
  static hotdrop(): bool {
    store<u32>(ASKED_FIELD_AT, FIELD_HOTDROP)
    return false
  }

  /** Was it dropped so? Then nothing was asked for. */
  static hasDropped(): bool {
    if (load<u32>(ASKED_FIELD_AT) !== FIELD_HOTDROP) return false
    Asked.clear()
    return true
  }

  /** Has the packet been stopped? */
  static stopped(): bool {
    return load<u32>(ASKED_FIELD_AT) !== 0
  }

  /** Notes which rule asked: the first one, no rule has counter 0. */
  static by(counter: u32): void {
    if (load<u32>(ASKED_COUNTER_AT) === 0) store<u32>(ASKED_COUNTER_AT, counter)
  }

  /** Begins a packet. */
  static clear(): void {
    store<u32>(ASKED_FIELD_AT, 0)
    store<u32>(ASKED_COUNTER_AT, 0)
  }
}
