// Which tuple a binding gives a flow: the address out of a range and a port (or ICMP id) that is free.
// Kernel: net/netfilter/nf_nat_core.c (get_unique_tuple, find_best_ips_proto, nf_nat_l4proto_unique_tuple).

import { addressWords, formatAddress } from '../net/ip.js'
import { hasPorts, isIcmp } from '../net/proto.js'
import type { NatRange } from '../netfilter/model.js'
import { familyOfText, numberOf } from './address.js'
import { jhash2 } from './jhash.js'
import { invert } from './tuple.js'
import type { Connection, FlowTuple, Manip, World } from './types.js'

/** Ports tried before a new start is drawn, and the fewest for which one is drawn. */
const MAX_ATTEMPTS = 128
const MIN_ATTEMPTS = 16
/** In the last attempts a closed TCP connection gives up its tuple. */
const EVICT_ATTEMPTS = 32

/** The port or id that NAT may change; undefined for protocols without. */
export function portOf(t: FlowTuple, manip: Manip): number | undefined {
  if (t.type !== undefined) return t.id
  return manip === 'SRC' ? t.sport : t.dport
}

function withPort(t: FlowTuple, manip: Manip, port: number): FlowTuple {
  if (t.type !== undefined) return { ...t, id: port }
  return manip === 'SRC' ? { ...t, sport: port } : { ...t, dport: port }
}

function isRandom(range: NatRange): boolean {
  return range.random === true || range.randomFully === true
}

/** Has another live connection the answer's tuple already? */
function used(world: World, t: FlowTuple, flow: Connection): Connection | undefined {
  const reply = invert(t)
  if (reply === null) return undefined
  const found = world.table.find(reply, flow.zone)?.flow
  return found === flow ? undefined : found
}

/** Does a closed TCP connection make room for a SYN with a later sequence number? Only when few attempts are left. */
function makesRoom(world: World, t: FlowTuple, flow: Connection, other: Connection, left: number): boolean {
  const reply = invert(t)
  if (reply === null || left > EVICT_ATTEMPTS || t.proto !== 6 || flow.state !== 'SYN_SENT') return false
  if (world.table.at(reply, 1, flow.zone) !== other) return false
  const closed = other.state === 'TIME_WAIT' || other.state === 'CLOSE' || other.state === 'SYN_SENT2'
  const mine = flow.tcp.sides[0].end
  const theirs = other.tcp.sides[0].end
  return closed && !other.fixedTimeout && other.srcNat && ((mine - theirs) | 0) > 0
}

/** For SRC: do address and port of the tuple's source lie inside the range? */
function inRange(t: FlowTuple, range: NatRange): boolean {
  if (range.from !== undefined) {
    const address = numberOf(t.src)
    if (address < numberOf(range.from) || address > numberOf(range.to ?? range.from)) return false
  }
  return range.ports === undefined || portInRange(t, 'SRC', range)
}

function portInRange(t: FlowTuple, manip: Manip, range: NatRange): boolean {
  const port = portOf(t, manip)
  if (port === undefined || range.ports === undefined) return true
  return port >= range.ports.from && port <= range.ports.to
}

function swap32(x: number): number {
  return (((x & 0xff) << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24)) >>> 0
}

/** The words of an address as a little-endian machine has them in memory; IPv4 in the first of four. */
function memoryWords(address: string): number[] {
  return addressWords(address).map(swap32)
}

function scale(hash: number, size: number): number {
  return Number((BigInt(hash) * BigInt(size)) >> 32n)
}

/** The address out of a range: by a hash of the flow's addresses, so the same flow always gets the same. */
function chooseAddress(t: FlowTuple, range: NatRange, manip: Manip, zone: number): string {
  const from = range.from!
  const to = range.to ?? from
  if (from === to) return from
  const family = familyOfText(from)
  const last = family === 'ipv6' ? 3 : 0
  const [low, high] = [memoryWords(from), memoryWords(to)]
  const source = memoryWords(t.src)
  const destination = memoryWords(t.dst)
  // The address being chosen takes the place of the old one while the hash goes on.
  const chosen = manip === 'SRC' ? source : destination
  const persistent = range.persistent === true
  let hash = jhash2(source, persistent ? 0 : (destination[last]! ^ zone) >>> 0)
  let free = false
  for (let i = 0; i <= last; i++) {
    const start = free ? 0 : swap32(low[i]!)
    const size = free ? 0xffffffff : (swap32(high[i]!) - start + 1) >>> 0
    chosen[i] = swap32((start + scale(hash, size)) >>> 0)
    if (chosen[i] !== high[i]) free = true
    if (!persistent) hash = (hash ^ destination[i]!) >>> 0
  }
  const [a, b, c, d] = chosen.map(swap32)
  return formatAddress({ family, words: [a!, b!, c!, d!] })
}

/** The ports among which a search goes on when the rule names none. */
function usualPorts(port: number): { first: number; size: number } {
  if (port < 512) return { first: 1, size: 511 }
  if (port < 1024) return { first: 600, size: 424 }
  return { first: 1024, size: 64512 }
}

function searchPort(world: World, start: FlowTuple, range: NatRange, manip: Manip, flow: Connection): FlowTuple {
  const port = portOf(start, manip)
  if (port === undefined || (!hasPorts(start.proto) && !isIcmp(start.proto))) return start
  if (range.ports === undefined && manip === 'DST' && !isIcmp(start.proto)) return start
  let { first, size } = isIcmp(start.proto) ? { first: 0, size: 65536 } : usualPorts(port)
  if (range.ports !== undefined) {
    const { from, to } = range.ports
    first = Math.min(from, to)
    size = Math.abs(to - from) + 1
  }
  let offset = 0
  if (range.basePort !== undefined) offset = (port - range.basePort) & 0xffff
  else if (manip === 'SRC' || isRandom(range)) offset = -1
  for (let attempts = Math.min(size, MAX_ATTEMPTS); ; attempts = Math.floor(attempts / 2), offset = -1) {
    const walk = (from: number): Walk => tryPorts(world, start, manip, flow, { first, size, attempts, from })
    if (offset < 0) {
      const leads = (from: number): number | undefined => {
        const { tuple, free } = walk(from)
        const last = attempts >= size || attempts < MIN_ATTEMPTS
        return free || last ? portOf(tuple, manip) : undefined
      }
      offset = world.draws.port({ manip, flow, first, size, attempts, leads })
    }
    const { tuple, free, evicted } = walk(offset)
    if (evicted !== undefined) world.table.kill(evicted)
    if (free || attempts >= size || attempts < MIN_ATTEMPTS) return tuple
  }
}

interface Walk {
  /** The first that is free, else the last tried. */
  readonly tuple: FlowTuple
  readonly free: boolean
  /** Who has to go for it. */
  readonly evicted?: Connection
}

/** Tries ports upwards from one. Changes nothing. */
function tryPorts(
  world: World,
  start: FlowTuple,
  manip: Manip,
  flow: Connection,
  { first, size, attempts, from }: { first: number; size: number; attempts: number; from: number },
): Walk {
  let tuple = start
  for (let i = 0; i < attempts; i++) {
    tuple = withPort(start, manip, first + (((from + i) & 0xffff) % size))
    const other = used(world, tuple, flow)
    if (other === undefined) return { tuple, free: true }
    if (makesRoom(world, tuple, flow, other, attempts - i)) return { tuple, free: true, evicted: other }
  }
  return { tuple, free: false }
}

/** The tuple of a flow after this binding; the current one when nothing has to change. May be taken: see confirm. */
export function uniqueTuple(
  world: World,
  current: FlowTuple,
  range: NatRange,
  manip: Manip,
  flow: Connection,
): FlowTuple {
  if (manip === 'SRC' && !isRandom(range)) {
    if (inRange(current, range)) {
      if (used(world, current, flow) === undefined) return current
    } else {
      for (const other of world.table.fromSource(current, flow.zone)) {
        const theirs = invert(other.tuples[1])
        if (theirs === null) continue
        const mapped: FlowTuple = { ...current, src: theirs.src }
        const port = portOf(theirs, 'SRC')
        const candidate = port === undefined ? mapped : withPort(mapped, 'SRC', port)
        if (!inRange(candidate, range)) continue
        if (used(world, candidate, flow) === undefined) return candidate
        break
      }
    }
  }
  let tuple = current
  if (range.from !== undefined) {
    const address = chooseAddress(current, range, manip, flow.zone.id)
    tuple = manip === 'SRC' ? { ...current, src: address } : { ...current, dst: address }
  }
  if (!isRandom(range)) {
    if (range.ports !== undefined) {
      const single = range.ports.from === range.ports.to
      const fits = range.basePort === undefined && portInRange(tuple, manip, range)
      if (fits && (single || used(world, tuple, flow) === undefined)) return tuple
    } else if (used(world, tuple, flow) === undefined) return tuple
  }
  return searchPort(world, tuple, range, manip, flow)
}
