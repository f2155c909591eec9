// The types of IP sets: what their elements are made of, and which options `create` takes, in the order in which ipset
// prints them. Owns the tables only. Spec: ipset(8) 7.17; kernel net/netfilter/ipset/ip_set_*.c.

/** What one part of an element may be: one address, addresses in a range, a network (`/0` only for `net0`), … */
export type PartKind = 'one' | 'ip' | 'net' | 'net0' | 'port' | 'mark' | 'mac' | 'iface' | 'set'

export interface SetType {
  readonly parts: readonly PartKind[]
  /** Options of `create`, in ipset's order. */
  readonly options: readonly string[]
  /** Elements may be `nomatch`. */
  readonly nomatch: boolean
  /** IPv4 only, either family, or none. */
  readonly family: 'ipv4' | 'both' | 'none'
  /** The address 0.0.0.0 or `::` in the first part is refused. */
  readonly noZero: boolean
}

const EXTENSIONS = ['timeout', 'counters', 'comment', 'forceadd', 'skbinfo']
const HASH = ['hashsize', 'maxelem']
const TAIL = [...EXTENSIONS, 'bucketsize', 'initval']
const MASKS = ['netmask', 'bitmask']
const plain = EXTENSIONS.filter((name) => name !== 'forceadd')

const hash = (parts: readonly PartKind[], rest: Partial<SetType> = {}): SetType => ({
  parts,
  options: ['family', ...HASH, ...TAIL],
  nomatch: parts.some((p) => p === 'net' || p === 'net0'),
  family: 'both',
  noZero: false,
  ...rest,
})
const bitmap = (parts: readonly PartKind[], family: 'ipv4' | 'none', own: readonly string[]): SetType => ({
  parts,
  options: [...own, ...plain],
  nomatch: false,
  family,
  noZero: false,
})
const MASKED_TAIL = { options: ['family', ...HASH, ...TAIL, ...MASKS] }

/** Every type by its name. */
export const SET_TYPES: ReadonlyMap<string, SetType> = new Map<string, SetType>([
  ['bitmap:ip', bitmap(['ip'], 'ipv4', ['range', 'netmask'])],
  ['bitmap:ip,mac', bitmap(['one', 'mac'], 'ipv4', ['range'])],
  ['bitmap:port', bitmap(['port'], 'none', ['range'])],
  ['hash:ip', hash(['ip'], { noZero: true, options: ['family', ...HASH, ...MASKS, ...TAIL] })],
  ['hash:mac', hash(['mac'], { family: 'none', options: [...HASH, ...TAIL] })],
  ['hash:ip,mac', hash(['one', 'mac'])],
  ['hash:ip,mark', hash(['ip', 'mark'], { options: ['family', 'markmask', ...HASH, ...TAIL] })],
  ['hash:ip,port', hash(['ip', 'port'], { noZero: true, ...MASKED_TAIL })],
  ['hash:ip,port,ip', hash(['ip', 'port', 'one'])],
  ['hash:ip,port,net', hash(['ip', 'port', 'net'])],
  ['hash:net', hash(['net'])],
  ['hash:net,net', hash(['net', 'net'], MASKED_TAIL)],
  ['hash:net,port', hash(['net', 'port'])],
  ['hash:net,port,net', hash(['net0', 'port', 'net0'])],
  ['hash:net,iface', hash(['net0', 'iface'])],
  ['list:set', { ...bitmap(['set'], 'none', ['size']) }],
])

/** Options without a value. */
export const FLAG_OPTIONS: ReadonlySet<string> = new Set(['counters', 'comment', 'forceadd', 'skbinfo'])
/** Options that ipset reads and forgets. */
export const FORGOTTEN_OPTIONS: ReadonlySet<string> = new Set(['probes', 'resize', 'gc'])

/** The largest timeout, seconds. */
export const MAX_TIMEOUT = 2147483
/** Elements of a bitmap at most. */
export const MAX_BITMAP = 65536
export const DEFAULT_HASHSIZE = 1024
export const DEFAULT_MAXELEM = 65536
export const DEFAULT_LIST_SIZE = 8

/** ICMP messages stand in an element as type and code or by name: name, type, code; other spellings after the first. */
export const SET_ICMP: readonly (readonly [string, number, number])[] = [
  ['echo-reply', 0, 0],
  ['pong', 0, 0],
  ['network-unreachable', 3, 0],
  ['host-unreachable', 3, 1],
  ['protocol-unreachable', 3, 2],
  ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4],
  ['source-route-failed', 3, 5],
  ['network-unknown', 3, 6],
  ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9],
  ['host-prohibited', 3, 10],
  ['TOS-network-unreachable', 3, 11],
  ['TOS-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13],
  ['host-precedence-violation', 3, 14],
  ['precedence-cutoff', 3, 15],
  ['source-quench', 4, 0],
  ['network-redirect', 5, 0],
  ['host-redirect', 5, 1],
  ['TOS-network-redirect', 5, 2],
  ['TOS-host-redirect', 5, 3],
  ['echo-request', 8, 0],
  ['ping', 8, 0],
  ['router-advertisement', 9, 0],
  ['router-solicitation', 10, 0],
  ['ttl-zero-during-transit', 11, 0],
  ['ttl-zero-during-reassembly', 11, 1],
  ['ip-header-bad', 12, 0],
  ['required-option-missing', 12, 1],
  ['timestamp-request', 13, 0],
  ['timestamp-reply', 14, 0],
  ['address-mask-request', 17, 0],
  ['address-mask-reply', 18, 0],
]
export const SET_ICMPV6: readonly (readonly [string, number, number])[] = [
  ['no-route', 1, 0],
  ['communication-prohibited', 1, 1],
  ['address-unreachable', 1, 3],
  ['port-unreachable', 1, 4],
  ['packet-too-big', 2, 0],
  ['ttl-zero-during-transit', 3, 0],
  ['ttl-zero-during-reassembly', 3, 1],
  ['bad-header', 4, 0],
  ['unknown-header-type', 4, 1],
  ['unknown-option', 4, 2],
  ['echo-request', 128, 0],
  ['ping', 128, 0],
  ['echo-reply', 129, 0],
  ['pong', 129, 0],
  ['router-solicitation', 133, 0],
  ['router-advertisement', 134, 0],
  ['neighbour-solicitation', 135, 0],
  ['neigbour-solicitation', 135, 0],
  ['neighbour-advertisement', 136, 0],
  ['neigbour-advertisement', 136, 0],
  ['redirect', 137, 0],
]
