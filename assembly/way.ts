// Where the packet in the context is on its way: the route it follows, and how its way ended. Plain state, set by
// hooks.ts and answer.ts.

export class Way {
  /** The route it follows: RTN_*, its hop's record, the link it leaves by (lo for local routes). */
  static type: u32 = 0
  static hop: usize = 0
  static link: u32 = 0

  /** The link by which alone an answer to a link-local address goes; 0 = any. */
  static bound: u32 = 0

  /** Sent by this host. */
  static local: bool = false
  /** Why it was dropped: REASON_*; 0 = a rule or policy. */
  static reason: u32 = 0
  /** What a sending process is told: ERRNO_*. */
  static errno: u32 = 0
  /** Where a fragment is wanted: FRAGMENT_*. */
  static user: u32 = 0
  /** How it ended when it was not dropped: VERDICT_FORWARD, VERDICT_OUT or VERDICT_LOCAL. */
  static end: u32 = 0

  /** TPROXY gave it to a socket: it is not forwarded. */
  static taken: bool = false

  // Of the packet that is being processed, not of its answers:
  /** An answer left or arrived: it stands in the result already. */
  static sent: bool = false
  static result: usize = 0
  static answer: usize = 0
  /** How deep in answers to answers. */
  static depth: u32 = 0
}
