/**
 * Packet bytes and packets, turned into each other. Re-exports only.
 * @module
 */
export { type Decoded, decodePacket } from './decode.js'
export type { Undecoded, WirePacket } from './decode-layer4.js'
export {
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
} from './decode-link.js'
export { encodePacket } from './encode.js'
