// A copy for the host that is a fragment and was kept: what it was a copy of waits until the host has looked after the
// fragment, and then goes on (hooks.ts, bridge.ts).

export const HELD_NONE: u32 = 0
/** The copy that the host hears of what it sends. */
export const HELD_COPY: u32 = 1
/** The host's own one of a frame that was flooded. */
export const HELD_HOST: u32 = 2

export class Held {
  /** HELD_* */
  static what: u32 = HELD_NONE
  /** What a packet whose copy is on its way goes on with. */
  static socket: u32 = 0
  static type: u32 = 0
  static hop: usize = 0
  static link: u32 = 0
  static zones: u32 = 0
}
