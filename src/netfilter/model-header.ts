// The rule model, continued: matches on single fields of the packet's header and on the CPU that handles it.
// Spec: iptables-extensions(8) 1.8.9: length, ttl, hl, tos, dscp, ecn, cpu.
import type { Masked, Negatable, Range } from './model.js'

export type HeaderMatch =
  | {
      readonly match: 'length'
      /** IP total length, bytes, 0..65535. `from` above `to`: no length is inside. */
      readonly length: Negatable<Range>
    }
  | {
      /** ttl: IPv4's; hl: IPv6's hop limit. */
      readonly match: 'ttl' | 'hl'
      readonly op: 'eq' | 'ne' | 'lt' | 'gt'
      /** 0..255 */
      readonly value: number
    }
  | {
      readonly match: 'tos'
      /** The field is ANDed with the mask and compared with the whole value; each 0..255. */
      readonly tos: Negatable<Masked>
    }
  | {
      readonly match: 'dscp'
      /** 0..63 */
      readonly dscp: Negatable<number>
    }
  | {
      readonly match: 'ecn'
      /** TCP's ECE and CWR bits. */
      readonly ece?: Negatable<true>
      readonly cwr?: Negatable<true>
      /** The IP header's codepoint, 0..3. */
      readonly ect?: Negatable<number>
    }
  | { readonly match: 'cpu'; readonly cpu: Negatable<number> }
