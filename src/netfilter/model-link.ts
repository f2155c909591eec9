// The rule model, continued: matches on what the link layer says of a packet. Spec: iptables-extensions(8) 1.8.9: mac, pkttype.
import type { PacketType } from '../net/packet.js'
import type { Negatable } from './model.js'

export type LinkMatch =
  | {
      readonly match: 'mac'
      /** Six lower-case bytes: `02:00:00:00:00:01`. */
      readonly source: Negatable<string>
    }
  | { readonly match: 'pkttype'; readonly type: Negatable<PacketType> }
