// Matches on what is only known of a connection: its labels, and the node of a cluster that its source belongs to.
// Kernel: net/netfilter/xt_connlabel.c, nf_conntrack_labels.c, xt_cluster.c (of a little-endian machine).
import { type ListedMatch, listed } from '../netfilter/model-listed.js'
import { addressWordsOf, isMulticast } from './address.js'
import { jhash2 } from './jhash.js'
import type { Skb } from './types.js'

export function matchesConnlabel(m: ListedMatch, { connection }: Skb): boolean {
  const { not, text } = listed(m, 'label')!
  const labels = connection?.labels
  if (labels === undefined || labels === null) return not
  if (labels.has(text)) return !not
  if (!listed(m, 'set')) return not
  labels.add(text)
  return !not
}

/** A word of the network's order as the kernel reads it. */
function swapped(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0
}

export function matchesCluster(m: ListedMatch, skb: Skb): boolean {
  // A frame to a group's address with a packet for one host is the host's from now on.
  if (skb.pktType === 'multicast' && !isMulticast(skb.packet.dst)) skb.pktType = 'host'
  if (skb.connection === null) return false
  const { not, text } = listed(m, 'cluster-local-nodemask')!
  const nodes = BigInt(listed(m, 'cluster-total-nodes')!.text)
  const seed = Number(listed(m, 'cluster-hash-seed')!.text)
  // Of an IPv6 address the kernel takes the first word only.
  const [first] = addressWordsOf(skb.connection.tuples[0].src)
  const hash = jhash2([swapped(first!)], seed)
  const node = (BigInt(hash) * nodes) >> 32n
  return (((BigInt(text) >> node) & 1n) === 1n) !== not
}
