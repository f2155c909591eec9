// What the property tests share: how often and from which seed, how lines become packets, how answers are compared.
import type fc from 'fast-check'
import { FaultError } from '../../src/net/fault.js'
import { MissingFieldError } from '../../src/net/missing.js'
import type { Answer, ConntrackEntry, Packet } from '../../src/net/packet.js'
import type { Ruleset } from '../../src/netfilter/model.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import type { IpSet, NetworkNamespace } from '../../src/netns/model.js'
import { readPacketLines } from '../../src/netns/packets.js'
import { PacketScript } from '../../src/netns/refer.js'

/** FC_SEED replays; else every run has another seed. */
export const SEED: number = process.env['FC_SEED'] ? Number(process.env['FC_SEED']) : (Date.now() ^ process.pid) | 0

/** How often a property is tried: FC_RUNS, else the number given. */
export const runs = (usual: number): number => Number(process.env['FC_RUNS'] ?? usual)

process.stdout.write(`\nproperty seed: FC_SEED=${SEED} (FC_RUNS=${process.env['FC_RUNS'] ?? 'default'})\n`)

/** Options of every property here. FC_PATH replays one counterexample. */
export function options(usual: number): fc.Parameters<unknown> {
  const path = process.env['FC_PATH']
  return { seed: SEED, numRuns: runs(usual), includeErrorInReport: true, ...(path ? { path, endOnFailure: true } : {}) }
}

/** An answer, or the words with which a packet was stopped that a rule needs more of than it says. */
export function answerOf(plane: DataPlane, packet: Packet, want: { trace?: boolean; ct?: boolean }): Answer {
  try {
    return plane.process(packet, want)
  } catch (error) {
    return stopped(packet, error)
  }
}

/** The answer that stands for a stopped packet; throws any other error. */
export function stopped(packet: Packet, error: unknown): Answer {
  if (!(error instanceof MissingFieldError)) throw error
  // Without the place of the rule in a file: not every rule set is read from one.
  return { verdict: 'skipped', in: packet, out_iface: error.message.replace(/ \([^()]*:\d+\)/, '') }
}

/** Everything one data plane says about a sequence. */
export interface Outcome {
  readonly packets: readonly Packet[]
  readonly answers: readonly Answer[]
  readonly conntrack: readonly ConntrackEntry[]
  readonly counters: readonly Ruleset[]
  readonly sets: readonly IpSet[]
}

const EVERYTHING = { trace: true, ct: true }

/**
 * Makes lines concrete from the answers of `plane`, and gives all of them. Lines that refer to packets that went
 * nowhere, or that make no packet (an address of another family, say), are left out.
 */
export function play(
  plane: DataPlane,
  lines: readonly object[],
  want: { trace?: boolean; ct?: boolean } = EVERYTHING,
): Outcome {
  const packets: Packet[] = []
  const answers: Answer[] = []
  if (lines.length > 0) {
    const items = readPacketLines(lines.map((line) => JSON.stringify(line)).join('\n'), { file: 'packets' })
    const script = new PacketScript({ file: 'packets' })
    for (const item of items) {
      let resolved: ReturnType<PacketScript['resolve']>
      try {
        resolved = script.resolve(item)
      } catch (error) {
        if (error instanceof FaultError) continue
        throw error
      }
      if (resolved === null) continue
      const answer = answerOf(plane, resolved.packet, want)
      packets.push(resolved.packet)
      answers.push(answer)
      script.settle(item, resolved, answer)
    }
  }
  return { packets, answers, conntrack: plane.conntrack(), counters: plane.counters(), sets: plane.sets() }
}

/** The same concrete packets through another data plane, one by one. */
export function replay(
  plane: DataPlane,
  packets: readonly Packet[],
  want: { trace?: boolean; ct?: boolean } = EVERYTHING,
): Outcome {
  const answers = packets.map((packet) => answerOf(plane, packet, want))
  return { packets, answers, conntrack: plane.conntrack(), counters: plane.counters(), sets: plane.sets() }
}

/** One text for each value: keys sorted, absent and undefined alike. */
export function plain(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => {
    if (typeof v === 'bigint') return `${v}n`
    if (v !== null && typeof v === 'object' && !Array.isArray(v))
      return Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    return v
  })
}

/** Are their `plain` texts the same? */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((v, i) => isSame(v, b[i]))
  }
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const key in x) if (!isSame(x[key], y[key])) return false
  for (const key in y) if (y[key] !== undefined && x[key] === undefined) return false
  return true
}

/** Where two outcomes differ, in words; null when nowhere. */
export function difference(want: Outcome, got: Outcome): string | null {
  for (const [i, packet] of want.packets.entries()) {
    const [a, b] = [want.answers[i], got.answers[i]]
    if (isSame(a, b)) continue
    const keys = [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].filter(
      (k) => !isSame(part(a, k), part(b, k)),
    )
    const parts = keys.map((k) => `\n  ${k}:\n    want ${plain(part(a, k))}\n    got  ${plain(part(b, k))}`)
    return `packet ${i} (${plain(packet)}):${parts.join('')}`
  }
  if (!isSame(want.conntrack, got.conntrack)) {
    const i = want.conntrack.findIndex((e, n) => !isSame(e, got.conntrack[n]))
    return `connection ${i} of ${want.conntrack.length}/${got.conntrack.length}:\n    want ${plain(want.conntrack[i])}\n    got  ${plain(got.conntrack[i < 0 ? want.conntrack.length : i])}`
  }
  const i = want.sets.findIndex((set, n) => !isSame(set, got.sets[n]))
  if (i >= 0) return `sets:\n    want ${plain(want.sets[i])}\n    got  ${plain(got.sets[i])}`
  return countersDifference(want.counters, got.counters)
}

const part = (answer: Answer | undefined, key: string): unknown =>
  (answer as unknown as Record<string, unknown> | undefined)?.[key]

function countersDifference(want: readonly Ruleset[], got: readonly Ruleset[]): string | null {
  const [a, b] = [counterLines(want), counterLines(got)]
  const i = a.findIndex((line, n) => line !== b[n])
  return i < 0 && a.length === b.length ? null : `counters:\n    want ${a[i]}\n    got  ${b[i]}`
}

/** `ipv4 filter INPUT policy 3 120`, one for each policy and rule. */
export function counterLines(rulesets: readonly Ruleset[]): string[] {
  return rulesets.flatMap(({ family, tables }) =>
    tables.flatMap((t) =>
      t.chains.flatMap((c) => [
        `${family} ${t.name} ${c.name} policy ${c.policy === null ? '-' : `${c.counters.packets} ${c.counters.bytes}`}`,
        ...c.rules.map(
          (r, i) => `${family} ${t.name} ${c.name} ${i + 1} ${r.counters?.packets ?? 0n} ${r.counters?.bytes ?? 0n}`,
        ),
      ]),
    ),
  )
}

/** A counterexample as a file of test/pinned/ holds it. */
export function pinned(namespace: NetworkNamespace, packets: readonly Packet[], seed: number | bigint): string {
  return JSON.stringify({ seed: String(seed), namespace, packets }, (_, v: unknown) =>
    typeof v === 'bigint' ? `${v}n` : v,
  )
}
