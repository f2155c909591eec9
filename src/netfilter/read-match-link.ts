// Reading the matches on what the link layer says: mac, pkttype.
import type { PacketType } from '../net/packet.js'
import { type Draft, type Extension, must, negatable, options, refuse } from './extension.js'
import type { LinkMatch } from './model-link.js'

type MatchOf<K extends LinkMatch['match']> = Draft<Extract<LinkMatch, { readonly match: K }>>

/** Names as iptables reads them, in any case. */
const PACKET_TYPE_NAMES: ReadonlyMap<string, PacketType> = new Map([
  ['unicast', 'host'],
  ['broadcast', 'broadcast'],
  ['multicast', 'multicast'],
  ['otherhost', 'otherhost'],
  ['host', 'host'],
  ['bcast', 'broadcast'],
  ['mcast', 'multicast'],
])

function etherAddress(text: string): string | undefined {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(text)) return undefined
  const bytes = text.toLowerCase().split(':')
  return bytes.map((byte) => byte.padStart(2, '0')).join(':')
}

type MacDraft = MatchOf<'mac'>
const mac: Extension<MacDraft> = {
  name: 'mac',
  start: () => ({ match: 'mac' }),
  options: options<MacDraft>({
    'mac-source': {
      words: 1,
      not: true,
      read: (d, w) => {
        d.source = negatable(w, must(w, etherAddress(w.word), 'an Ethernet address, six bytes joined by colons'))
      },
    },
  }),
  end(d) {
    if (d.source === undefined) refuse('mac needs --mac-source')
  },
}

type PkttypeDraft = MatchOf<'pkttype'>
const pkttype: Extension<PkttypeDraft> = {
  name: 'pkttype',
  start: () => ({ match: 'pkttype' }),
  options: options<PkttypeDraft>({
    'pkt-type': {
      words: 1,
      not: true,
      read: (d, w) => {
        const type = PACKET_TYPE_NAMES.get(w.word.toLowerCase())
        d.type = negatable(w, must(w, type, 'unicast, broadcast or multicast'))
      },
    },
  }),
  end(d) {
    if (d.type === undefined) refuse('pkttype needs --pkt-type')
  },
}

/** The matches on what the link layer says. */
export const LINK_MATCHES: readonly Extension<never>[] = [mac, pkttype] as never
