// What makes room in a full connection table: the entries that are not ASSURED in the first of eight neighbouring
// buckets that holds some. Kernel: net/netfilter/nf_conntrack_core.c (early_drop). The kernel's hash is secret; the one of
// docs/semantics.md, "Table full", is one that it could have.
import { addressWords } from '../net/ip.js'
import type { Family } from '../netfilter/model.js'
import { fmix, U64 } from './prf.js'
import { sysctl } from './sysctl.js'
import { zoneId } from './tuple.js'
import type { Connection, FlowTuple, World, Zone } from './types.js'

const DEFAULT_BUCKETS = 262144
const RANGE = 8

function bucketOf(world: World, family: Family, tuple: FlowTuple, zone: number, buckets: number): number {
  const [a, b] = [tuple.src, tuple.dst].map((text) => [...addressWords(text)].map(BigInt)) as [bigint[], bigint[]]
  const first = tuple.type === undefined ? (tuple.sport ?? 0) : (tuple.id ?? 0)
  const second = tuple.type === undefined ? (tuple.dport ?? 0) : (tuple.type << 8) | (tuple.code ?? 0)
  const pairs: bigint[][] = [a.slice(0, 2), a.slice(2), b.slice(0, 2), b.slice(2), [BigInt(first), BigInt(second)]]
  let h = fmix((world.seed & U64) + 0x9e3779b97f4a7c15n)
  for (const [low = 0n, high = 0n] of pairs) h = fmix(h ^ (low | (high << 32n)))
  h = fmix(h ^ ((BigInt(zone) << 32n) | BigInt((family === 'ipv4' ? 4 : 6) * 256 + tuple.proto)))
  return Number(((h >> 32n) * BigInt(buckets)) >> 32n)
}

/** Ends entries to make room for a connection with this original tuple; false: nothing near it can go. */
export function makeRoom(world: World, family: Family, tuple: FlowTuple, zone: Zone): boolean {
  const buckets = Math.max(1, sysctl(world.ns, 'net.netfilter.nf_conntrack_buckets', DEFAULT_BUCKETS))
  const start = bucketOf(world, family, tuple, zoneId(zone, 0), buckets)
  const open = world.table.list().filter((flow) => !flow.assured)
  const inBucket = (flow: Connection, bucket: number): boolean =>
    ([0, 1] as const).some(
      (d) => bucketOf(world, flow.family, flow.tuples[d], zoneId(flow.zone, d), buckets) === bucket,
    )
  for (let i = 0; i < RANGE; i++) {
    const gone = open.filter((flow) => inBucket(flow, (start + i) % buckets))
    for (const flow of gone) world.table.kill(flow)
    if (gone.length > 0) return true
  }
  return false
}
