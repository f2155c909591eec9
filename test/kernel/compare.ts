// The kernel's run through both engines: where they differ from it, in words. Random choices are the kernel's.
// A timeout may differ by a second; of nf_tables' trace the ends of user chains are missing, so they are passed over.

import { Engine } from '../../src/engine/index.js'
import type { Answer, Packet } from '../../src/net/packet.js'
import type { Ruleset } from '../../src/netfilter/model.js'
import { type RecordedChoices, readChoices } from '../../src/netns/choices.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { counterLines, plain } from '../property/support.js'
import type { KernelAnswer, KernelConnection } from './observe.js'
import type { KernelRun } from './play.js'

const KEYS = [
  ...(['verdict', 'out_iface', 'out_port', 'in_iface', 'proto', 'src', 'dst', 'sport', 'dport', 'ttl', 'tos'] as const),
  ...(['mark', 'flags', 'icmp_type', 'icmp_code', 'icmp_id', 'inner', 'reject_with', 'reply', 'errno'] as const),
  ...(['emitted'] as const),
]
type Loose = Record<string, unknown>

/** What engines know of a quoted packet and nobody prints. */
const UNPRINTED = new Set(['payload_len', 'sctp_chunk', 'tcp_options', 'extra_len', 'payload'])

/** A value without what is not printed: undefined, tos 0. */
function tidy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([k, v]) => v !== undefined && !(k === 'tos' && v === 0) && !UNPRINTED.has(k))
      .map(([k, v]) => [k, k === 'inner' ? tidy(withoutNumbers(v)) : tidy(v)]),
  )
}
const withoutNumbers = (value: unknown): unknown => {
  const { seq: _s, ack: _a, ...rest } = value as Loose
  return rest
}

/** Is a number of seconds within one of another? */
const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1

function connectionText(entry: Loose | null | undefined): string {
  if (entry === null || entry === undefined) return 'none'
  const { timeout: _, ...rest } = entry
  return plain(rest)
}

export const WHO = ['reference', 'engine'] as const
export type Who = (typeof WHO)[number]

interface Ruler {
  readonly nft: boolean
  readonly sends: ReadonlySet<string>
  /** How many routing errors the kernel has answered by source: it limits them. */
  readonly errors: Map<string, number>
  /** Called when an answer is missing for that. */
  readonly limited: () => void
}

const REST = /:return$/
const LIMITED = new Set(['no route', 'unreachable', 'prohibit'])
/** Answers that the kernel surely sends to one source before it limits them. */
const UNLIMITED = 5

/** The kernel's connection in the zone of the engine's; undefined: where zones are in play, nobody can tell. */
function connectionIn(want: KernelAnswer, got: Answer): Loose | null | undefined {
  if (want.zoned === undefined) return want.ct as Loose | null
  const { ct } = got
  if (ct === undefined || ct === null) return undefined
  return want.zoned.find((c) => (c.zone ?? 0) === (ct.zone ?? 0)) as Loose | undefined
}

/** Rules whose target sends something before it is done: nft lists them behind what that meets. */
const SENDS: ReadonlySet<string> = new Set(['REJECT', 'TEE'])

function traceFaults(want: KernelAnswer, got: Answer, { nft, sends }: Ruler): string[] {
  const faults: string[] = []
  const family = got.in.src.includes(':') ? 'ipv6' : 'ipv4'
  for (const key of ['trace', 'trace_reply'] as const) {
    const list = (lines: readonly string[] | undefined): string => {
      if (!nft) return (lines ?? []).join(' ')
      const kept = (lines ?? []).filter((l) => !REST.test(l))
      const late = (line: string): boolean => sends.has(`${family} ${line}`)
      return [...kept.filter((l) => !late(l)), ...kept.filter(late).sort()].join(' ')
    }
    // nft lists a rule that drops because of what it keeps (a full table, nothing to count); legacy does not.
    const { table, chain, rule } = got.dropped_by ?? {}
    const full = nft && key === 'trace' && rule !== undefined ? ` ${table}:${chain}:rule:${rule}` : ''
    if (list(want[key]) !== list(got[key]) && list(want[key]) !== `${list(got[key])}${full}`.trim())
      faults.push(`${key}:\n      kernel ${list(want[key])}\n      got    ${list(got[key])}`)
  }
  return faults
}

/** The trace's lines of all rules with such a target, after their family. */
function sendersOf(run: KernelRun): ReadonlySet<string> {
  const lines = run.namespace.rulesets.flatMap(({ family, tables }) =>
    tables.flatMap((t) =>
      t.chains.flatMap((c) =>
        c.rules.flatMap(({ target }, i) =>
          SENDS.has(target?.target ?? '') ? [`${family} ${t.name}:${c.name}:rule:${i + 1}`] : [],
        ),
      ),
    ),
  )
  return new Set(lines)
}

/** What differs in one answer, one text each. */
function answerFaults(want: KernelAnswer, got: Answer, ruler: Ruler): string[] {
  const faults: string[] = []
  const { errors, limited } = ruler
  const routed = got.dropped_by?.reason !== undefined && LIMITED.has(got.dropped_by.reason) && !got.in.src.includes(':')
  if (routed && (got.verdict === 'reject' || got.trace_reply !== undefined)) {
    const before = errors.get(got.in.src) ?? 0
    errors.set(got.in.src, before + 1)
    if (before >= UNLIMITED && want.verdict === 'drop' && want.trace_reply === undefined) {
      limited()
      return []
    }
  }
  // Redirects are sent on the same account.
  if (got.steps?.some((s) => s.step === 'route' && s.why === 'input' && s.dev === got.in.iface))
    errors.set(got.in.src, UNLIMITED)
  const [a, b] = [want as unknown as Loose, { ...got } as Loose]
  // Nobody listens to the queues here.
  if (b['verdict'] === 'queue') Object.assign(b, { verdict: 'drop', errno: undefined })
  for (const key of KEYS) {
    let [x, y] = [plain(tidy(a[key])), plain(tidy(b[key]))]
    if (key === 'mark' && a['verdict'] === 'drop') continue
    if (key === 'proto' && x !== undefined && y !== undefined) [x, y] = [x.replaceAll('"', ''), y.replaceAll('"', '')]
    if (x !== y) faults.push(`${key}: kernel ${x ?? 'none'}, got ${y ?? 'none'}`)
  }
  const [c, d] = [connectionIn(want, got), got.ct as unknown as Loose | null]
  if (c === undefined) return [...faults, ...traceFaults(want, got, ruler)]
  if (connectionText(c) !== connectionText(d)) faults.push(`ct: kernel ${connectionText(c)}, got ${connectionText(d)}`)
  else if (c && d && !near(Number(c['timeout']), Number(d['timeout'])))
    faults.push(`ct.timeout: kernel ${c['timeout']}, got ${d['timeout']}`)
  return [...faults, ...traceFaults(want, got, ruler)]
}

function choicesOf(run: KernelRun): RecordedChoices {
  const text = run.answers
    .map(({ in: _, zoned: _z, ...a }) => JSON.stringify(a.ct === null ? { ...a, ct: undefined } : a))
    .join('\n')
  return run.answers.length === 0 ? { file: 'kernel', answers: new Map() } : readChoices(text, { file: 'kernel' })
}

function finalFaults(run: KernelRun, who: Who, plane: DataPlane): string[] {
  const faults: string[] = []
  // iptables-save has its own order of tables and chains.
  const [a, b] = [counterLines(run.counters).sort(), counterLines(plane.counters()).sort()]
  for (const [i, line] of a.entries()) if (line !== b[i]) faults.push(`${who}: counters: kernel ${line}, got ${b[i]}`)
  // By then some of the kernel's seconds may be over.
  const [soon, late] = [run.begin - plane.now, run.end - plane.now]
  const key = (e: KernelConnection | Loose): string => connectionText(e as Loose)
  const ours = new Map(plane.conntrack().map((e) => [key(e as unknown as Loose), e.timeout]))
  for (const entry of run.conntrack) {
    const timeout = ours.get(key(entry))
    const isNear = (t: number): boolean =>
      t - late / 1000 - 1.5 <= entry.timeout && entry.timeout <= t - soon / 1000 + 1.5
    if (timeout === undefined || !isNear(timeout))
      faults.push(
        `${who}: entry at the end: kernel ${plain(entry)}, got ${timeout === undefined ? 'none' : `timeout ${timeout}`}`,
      )
    ours.delete(key(entry))
  }
  for (const [entry, timeout] of ours)
    if (timeout * 1000 > late + 1000) faults.push(`${who}: entry at the end: kernel none, got ${entry}`)
  return faults
}

/** Did TEE send a copy to this host itself? */
function copiedHere({ steps = [] }: Answer): boolean {
  const from = steps.findIndex((s) => s.step === 'copy')
  return from >= 0 && steps.slice(from).some((s) => s.step === 'route' && s.type !== 'unicast' && s.why !== 'input')
}

/** What one engine's process() gives, or the error that it throws. */
function attempt(plane: DataPlane, packet: Packet): Answer | string {
  try {
    return plane.process(packet, { trace: true, ct: true })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const mapsPrefixes = ({ tables }: Ruleset): boolean =>
  tables.some((t) => t.chains.some((c) => c.rules.some((r) => /^[SD]NPT$/.test(r.target?.target ?? ''))))

const UNKNOWABLE = /such a rule cannot be evaluated( for this packet)?$/

/** Where the engines differ from the kernel: all faults of the first packet that differs, or those at the end. */
export function compareRun(run: KernelRun): string[] {
  const choices = choicesOf(run)
  const reference = new ReferenceEngine(run.namespace, { choices })
  const engine = new Engine(run.namespace, { maxConnections: 4096 })
  const rulers = { reference: new Map<string, number>(), engine: new Map<string, number>() }
  const sends = sendersOf(run)
  const maps = run.namespace.rulesets.some(mapsPrefixes)
  let limited = false
  const note = (): void => {
    limited = true
  }
  for (const [i, packet] of run.packets.entries()) {
    const faults: string[] = []
    const answers: Record<Who, Answer | string> = { reference: attempt(reference, packet), engine: '' }
    // The kernel delivers it later, to whatever rules it meets then.
    if (typeof answers.reference !== 'string' && copiedHere(answers.reference)) return []
    engine.forceDraws(reference.drawn)
    answers.engine = attempt(engine, packet)
    // Answers whose prefix is translated (README, "Where it differs").
    if (maps && typeof answers.reference !== 'string' && answers.reference.trace_reply !== undefined) return []
    // Both say that no line can hold what a rule asks for: from there on nothing is known.
    if (
      typeof answers.reference === 'string' &&
      answers.engine === answers.reference &&
      UNKNOWABLE.test(answers.engine)
    )
      return []
    for (const who of WHO) {
      const got = answers[who]
      const ruler = { nft: run.backend === 'nft', sends, errors: rulers[who], limited: note }
      const found = typeof got === 'string' ? [`error: ${got}`] : answerFaults(run.answers[i]!, got, ruler)
      faults.push(...found.map((f) => `${who}: ${f}`))
    }
    if (faults.length > 0) return [`packet ${i} ${plain(packet)}`, ...faults]
  }
  // Answers that were not sent are not counted.
  if (limited) return []
  return [...finalFaults(run, 'reference', reference), ...finalFaults(run, 'engine', engine)]
}
