// The matches and targets that the reader knows, by name.
import type { Extension } from './extension.js'
import { BYTE_MATCHES } from './read-match-bytes.js'
import { CONNECTION_MATCHES } from './read-match-connection.js'
import { CONTEXT_MATCHES } from './read-match-context.js'
import { ESTIMATE_MATCHES } from './read-match-estimate.js'
import { HEADER_MATCHES } from './read-match-header.js'
import { HOST_MATCHES } from './read-match-host.js'
import { IPV6_MATCHES } from './read-match-ipv6.js'
import { LIMIT_MATCHES } from './read-match-limits.js'
import { LINK_MATCHES } from './read-match-link.js'
import { OTHER_KNOWN_MATCHES } from './read-match-other.js'
import { POLICY_MATCHES } from './read-match-policy.js'
import { PORT_MATCHES } from './read-match-ports.js'
import { STATE_MATCHES } from './read-match-state.js'
import { TRANSPORT_MATCHES } from './read-match-transport.js'
import { TARGETS } from './read-target.js'

/** An extension whose draft is of no concern to the caller. */
export type AnyExtension = Extension<Record<string, unknown>>

/** Matches by name. */
export const KNOWN_MATCHES: ReadonlyMap<string, AnyExtension> = new Map(
  (
    [
      ...PORT_MATCHES,
      ...STATE_MATCHES,
      ...CONNECTION_MATCHES,
      ...ESTIMATE_MATCHES,
      ...HEADER_MATCHES,
      ...CONTEXT_MATCHES,
      ...LIMIT_MATCHES,
      ...LINK_MATCHES,
      ...OTHER_KNOWN_MATCHES,
      ...TRANSPORT_MATCHES,
      ...HOST_MATCHES,
      ...IPV6_MATCHES,
      ...POLICY_MATCHES,
      ...BYTE_MATCHES,
    ] as unknown as AnyExtension[]
  ).map((m) => [m.name, m]),
)

/** Targets that take options, by name. */
export const KNOWN_TARGETS: ReadonlyMap<string, AnyExtension> = TARGETS as unknown as ReadonlyMap<string, AnyExtension>
