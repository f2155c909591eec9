// Fragments put together before the rules see them. Kernel: net/ipv4/ip_fragment.c, inet_fragment.c,
// net/ipv6/netfilter/nf_conntrack_reasm.c. Where that happens is hooks.ts's business.
import { fragmentKey, isLaterFragment, mayBeCut, pieceOf, REASSEMBLY_SECONDS, wholeOf } from '../net/fragment.js'
import { packetLength } from '../net/length.js'
import type { Packet } from '../net/packet.js'
import { copyPacket } from './tuple.js'
import type { Skb, World } from './types.js'

const MOST_BYTES = 65535

/** Bytes that are there, from one to another. */
interface Run {
  readonly from: number
  to: number
}

interface Queue {
  readonly endMs: number
  pieces: Run[]
  /** Of the whole packet; null: its last piece is still to come. */
  length: number | null
  /** The piece at 0. */
  first: ({ readonly packet: Packet } & FirstFrame) | null
  /** Bytes of the longest piece as it came, and of the longest that may not be cut. */
  longest: number
  longestUncut: number
}

/** What the whole packet has of its first piece beside the packet itself. */
type FirstFrame = Pick<Skb, 'mark' | 'ether' | 'pktType' | 'forOther'>

function frameOf({ mark, ether, pktType, forOther = false }: FirstFrame): FirstFrame {
  return { mark, ether, pktType, forOther }
}

/** The pieces of incomplete packets. */
export class Fragments {
  readonly #queues = new Map<string, Queue>()

  /**
   * Takes a fragment. `whole`: it completes its packet, which `skb` is now; else it is gone: kept, or its queue was
   * given up because the pieces contradict each other. `user`: where it is wanted; each place has its own pieces.
   */
  gather(world: World, skb: Skb, user: string): 'whole' | 'kept' | 'given up' {
    const { packet } = skb
    if (packet.frag === undefined) return 'whole'
    const name = fragmentKey(packet)
    if (name === null) return 'kept'
    const key = `${user} ${name}`
    const old = this.#queues.get(key)
    const endMs = world.now + 1000 * REASSEMBLY_SECONDS[skb.family]
    const queue: Queue =
      old === undefined || world.now >= old.endMs
        ? { endMs, pieces: [], length: null, first: null, longest: 0, longestUncut: 0 }
        : old
    this.#queues.set(key, queue)
    const piece = pieceOf(packet)
    const furthest = Math.max(0, ...queue.pieces.map((p) => p.to))
    const beyond = queue.length !== null && (piece.to > queue.length || (piece.last && piece.to !== queue.length))
    if (beyond || (piece.last && piece.to < furthest) || piece.to === piece.from) {
      this.#queues.delete(key)
      return 'given up'
    }
    if (piece.last) queue.length = piece.to
    const fate = place(queue.pieces, piece)
    if (fate === 'there already') return 'kept'
    if (fate === 'overlaps') {
      this.#queues.delete(key)
      return 'given up'
    }
    if (!isLaterFragment(packet)) queue.first = { packet, ...frameOf(skb) }
    const bytes = packetLength(packet)
    queue.longest = Math.max(queue.longest, bytes)
    if (!mayBeCut(packet)) queue.longestUncut = Math.max(queue.longestUncut, bytes)
    const have = queue.pieces.reduce((sum, run) => sum + run.to - run.from, 0)
    if (queue.first === null || have !== queue.length) return 'kept'
    this.#queues.delete(key)
    const header = packet.src.includes(':') ? 40 : 20
    if (queue.length + header > MOST_BYTES) return 'given up'
    const cuttable = queue.longestUncut < queue.longest
    skb.packet = wholeOf(queue.first.packet, packet, queue.length, cuttable)
    skb.longest = queue.longest
    Object.assign(skb, frameOf(queue.first))
    world.whole = copyPacket(skb.packet)
    return 'whole'
  }
}

/**
 * Puts a piece among the runs, which never touch another. Only the furthest run grows, when a piece follows it; a piece
 * before its end is a run of its own, so that one which lies across two is no repetition.
 */
function place(runs: Run[], piece: Run): 'placed' | 'there already' | 'overlaps' {
  const furthest = runs.reduce<Run | null>((far, run) => (far === null || run.to > far.to ? run : far), null)
  if (furthest !== null && piece.from === furthest.to) {
    furthest.to = piece.to
    return 'placed'
  }
  const met = runs.filter((run) => piece.from < run.to && piece.to > run.from)
  if (met.some((run) => piece.from >= run.from && piece.to <= run.to)) return 'there already'
  if (met.length > 0) return 'overlaps'
  runs.push({ from: piece.from, to: piece.to })
  return 'placed'
}
