// Reading the other matches: comment, addrtype, iprange, set, physdev, nfacct.
// Spec: iptables-extensions(8); free text is cut to the bytes that the kernel keeps, as iptables does.
import { type Draft, type Extension, negatable, type Option, type OptionWords, options, refuse } from './extension.js'
import type { Match } from './model.js'
import { ADDR_TYPES } from './names.js'
import { nameList } from './read-match-state.js'
import { setMatch } from './read-set.js'
import { address, byteLength, cutBytes, isBareName, shown } from './words.js'

type MatchOf<K extends Match['match']> = Draft<Extract<Match, { readonly match: K }>>

const COMMENT_BYTES = 255
const NFACCT_NAME_BYTES = 31

/** Longest interface name in bytes. */
export const IFACE_BYTES = 15

type CommentDraft = MatchOf<'comment'>
const comment: Extension<CommentDraft> = {
  name: 'comment',
  start: () => ({ match: 'comment' }),
  options: options<CommentDraft>({
    comment: {
      words: 1,
      read: (d, w) => {
        d.comment = cutBytes(w.word, COMMENT_BYTES)
      },
    },
  }),
  end(d) {
    if (d.comment === undefined) refuse('comment needs --comment')
  },
}

type AddrtypeDraft = MatchOf<'addrtype'>
const IPV6_TYPES = ['BLACKHOLE', 'PROHIBIT', 'THROW', 'NAT', 'XRESOLVE', 'BROADCAST']

function limitIface(side: 'in' | 'out'): Option<AddrtypeDraft> {
  return {
    words: 0,
    id: 'limit-iface',
    read: (d) => {
      d.limitIface = side
    },
  }
}

const addrtype: Extension<AddrtypeDraft> = {
  name: 'addrtype',
  start: () => ({ match: 'addrtype' }),
  options: options<AddrtypeDraft>({
    'src-type': {
      words: 1,
      not: true,
      read: (d, w) => {
        d.srcType = negatable(w, nameList(w, ADDR_TYPES))
      },
    },
    'dst-type': {
      words: 1,
      not: true,
      read: (d, w) => {
        d.dstType = negatable(w, nameList(w, ADDR_TYPES))
      },
    },
    'limit-iface-in': limitIface('in'),
    'limit-iface-out': limitIface('out'),
  }),
  end(d, rule) {
    const types = [...(d.srcType?.value ?? []), ...(d.dstType?.value ?? [])]
    if (types.length === 0) refuse('addrtype needs --src-type or --dst-type')
    const wrong = rule.family === 'ipv6' ? types.find((t) => IPV6_TYPES.includes(t)) : undefined
    if (wrong !== undefined) refuse(`addrtype: the kernel has no type ${wrong} for IPv6`)
  },
}

type IprangeDraft = MatchOf<'iprange'>
function range(words: OptionWords): { from: string; to: string } {
  const dash = words.word.indexOf('-')
  const { family } = words.rule
  const from = address(dash < 0 ? words.word : words.word.slice(0, dash), family, true)
  const to = dash < 0 ? from : address(words.word.slice(dash + 1), family, true)
  if (from === undefined || to === undefined) {
    throw words.bad(
      `${shown(words.word)} is no range: expected ADDRESS-ADDRESS, both ${family === 'ipv4' ? 'IPv4' : 'IPv6'}`,
    )
  }
  return { from, to }
}

const iprange: Extension<IprangeDraft> = {
  name: 'iprange',
  start: () => ({ match: 'iprange' }),
  options: options<IprangeDraft>({
    'src-range': {
      words: 1,
      not: true,
      read: (d, w) => {
        d.src = negatable(w, range(w))
      },
    },
    'dst-range': {
      words: 1,
      not: true,
      read: (d, w) => {
        d.dst = negatable(w, range(w))
      },
    },
  }),
  end(d) {
    if (d.src === undefined && d.dst === undefined) refuse('iprange needs --src-range or --dst-range')
  },
}

/** An interface name of a rule, refused when the kernel can have none such. */
export function ifaceName(words: Pick<OptionWords, 'word' | 'bad'>): string {
  const { word } = words
  if (!isBareName(word))
    throw words.bad(`${shown(word)} is no name of an interface: expected a name without blanks and quotes`)
  if (byteLength(word) > IFACE_BYTES) {
    throw words.bad(`the interface name ${shown(word)} is too long: expected at most ${IFACE_BYTES} bytes`)
  }
  return word
}

type PhysdevDraft = MatchOf<'physdev'>
function physdevFlag(key: 'isIn' | 'isOut' | 'isBridged'): Option<PhysdevDraft> {
  return {
    words: 0,
    not: true,
    read: (d, w) => {
      d[key] = negatable(w, true as const)
    },
  }
}
function physdevName(key: 'in' | 'out'): Option<PhysdevDraft> {
  return {
    words: 1,
    not: true,
    read: (d, w) => {
      d[key] = negatable(w, ifaceName(w))
    },
  }
}

const physdev: Extension<PhysdevDraft> = {
  name: 'physdev',
  start: () => ({ match: 'physdev' }),
  options: options<PhysdevDraft>({
    'physdev-in': physdevName('in'),
    'physdev-out': physdevName('out'),
    'physdev-is-in': physdevFlag('isIn'),
    'physdev-is-out': physdevFlag('isOut'),
    'physdev-is-bridged': physdevFlag('isBridged'),
  }),
  end(d) {
    if (Object.keys(d).length === 1) refuse('physdev needs at least one option')
  },
}

type NfacctDraft = MatchOf<'nfacct'>
const nfacct: Extension<NfacctDraft> = {
  name: 'nfacct',
  start: () => ({ match: 'nfacct' }),
  options: options<NfacctDraft>({
    'nfacct-name': {
      words: 1,
      read: (d, w) => {
        if (w.word === '') throw w.bad('--nfacct-name is empty: expected the name of an accounting object')
        d.name = cutBytes(w.word, NFACCT_NAME_BYTES)
      },
    },
  }),
  end(d) {
    if (d.name === undefined) refuse('nfacct needs --nfacct-name')
  },
}

/** The other matches. */
export const OTHER_KNOWN_MATCHES: readonly Extension<never>[] = [
  comment,
  addrtype,
  iprange,
  setMatch,
  physdev,
  nfacct,
] as never
