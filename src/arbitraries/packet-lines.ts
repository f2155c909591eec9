// Drawn steps become packet lines: numbers become addresses, ports and names of a namespace's pool, and lines refer to
// earlier ones.
import { familyOf } from '../net/ip.js'
import { isIcmp, protoName } from '../net/proto.js'
import type { Family } from '../netfilter/model.js'
import type { PacketPool } from './packet-pool.js'
import { CHUNKS, type Extras, FLAGS, type Flow, type Pieces, SEQUENCE, type Step } from './packet-steps.js'

/** One packet line: an id, an absolute time, fields of a packet, and at most one reference to an earlier line. */
export type PacketLine = Readonly<Record<string, unknown>> & { readonly id: number; readonly at_ms: number }

const at = <T>(values: readonly T[], n: number): T => values[n % values.length] as T

const ICMP_TYPES: Readonly<Record<Family, readonly (readonly [number, number])[]>> = {
  ipv4: [
    [8, 0],
    [8, 0],
    [8, 0],
    [13, 0],
    [0, 0],
    [15, 0],
    [3, 3],
    [40, 0],
    [5, 1],
    [9, 0],
  ],
  ipv6: [
    [128, 0],
    [128, 0],
    [128, 0],
    [129, 0],
    [135, 0],
    [139, 0],
    [1, 4],
    [3, 0],
    [200, 0],
    [143, 0],
  ],
}
const ERRORS: Readonly<Record<Family, readonly (readonly [number, number])[]>> = {
  ipv4: [
    [3, 3],
    [3, 1],
    [11, 0],
    [3, 4],
    [12, 0],
    [4, 0],
    [5, 1],
    [3, 13],
  ],
  ipv6: [
    [1, 4],
    [1, 0],
    [3, 0],
    [2, 0],
    [4, 0],
    [1, 1],
    [3, 1],
    [4, 2],
  ],
}

const ORDERS = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1], [0], [1], [0, 1, 1, 2], [0, 2]] as const

/** Three pieces of 64 bytes, in some order, some of them missing or there twice; or one that lies across two others. */
function piecesOf({ order, id, last }: Pieces, proto: string): Record<string, number>[] {
  const header = proto === 'tcp' ? 20 : 8
  const pieces = [0, 1, 2].map((n) => ({
    frag: n * 8 + (n < 2 ? 0x2000 : 0),
    payload_len: 64 - header,
    ...(id === 0 ? {} : { ip_id: id }),
  }))
  const sent = at(ORDERS, order).map((n) => pieces[n]!)
  if (last === 1) sent.splice(1, 0, { ...pieces[1]!, frag: 0x2000 + 4 })
  if (last === 2) return [{ ...pieces[0]!, frag: 1 }, ...sent]
  return sent
}

/** The same flow among few ends. */
function narrowed(f: Flow): Flow {
  const proto = (f.type & 3) === 0 ? f.proto : 'tcp'
  return { ...f, proto, link: f.link & 1, from: f.from % 3, to: f.to % 3, sport: f.sport & 1, dport: f.dport % 2 }
}

/** Writes lines: numbers become addresses, ports and names of the pool. */
export class LineWriter {
  readonly lines: PacketLine[] = []
  private clock = 0
  private readonly pool: PacketPool
  private readonly families: readonly Family[]
  private readonly narrow: boolean

  constructor(pool: PacketPool, families: readonly Family[], narrow: boolean) {
    this.pool = pool
    this.families = families
    this.narrow = narrow
  }

  step(step: Step): void {
    const { lines } = this
    if (step.kind === 'new') {
      this.add(step.extras, this.flow(step.flow, FLAGS[step.flags] as string))
      return
    }
    if (step.kind === 'open') {
      const id = this.add(step.extras, this.flow(step.flow, 'S'))
      const proto = this.protoOf(id)
      if (proto === 'sctp') {
        this.add(null, { reply_to: id, sctp_chunk: 'INIT_ACK' })
        this.add(null, { again: id, sctp_chunk: 'COOKIE_ECHO' })
        this.add(null, { reply_to: id, sctp_chunk: 'COOKIE_ACK' })
      } else {
        this.add(null, { reply_to: id, ...(proto === 'tcp' ? { flags: 'SA' } : {}) })
        this.add(null, { again: id, ...(proto === 'tcp' ? { flags: 'A' } : {}) })
      }
      return
    }
    if (lines.length === 0) return
    const ref = (lines[Math.max(0, lines.length - 1 - step.back)] as PacketLine).id
    if (step.kind === 'close') {
      const id = this.add(step.extras, { again: ref, flags: 'FA' })
      this.add(null, { reply_to: id, flags: 'FA', ack: 1002 })
      this.add(null, { again: id, flags: 'A', seq: 1002, ack: 1002 })
      return
    }
    if (step.kind === 'error') {
      const v6 = this.family(ref) === 'ipv6'
      const [type, code] = at(ERRORS[v6 ? 'ipv6' : 'ipv4'], step.type)
      const odd = step.wrong ? { dst: at(this.pool.all[v6 ? 'ipv6' : 'ipv4'], step.type) } : {}
      this.add(step.extras, { error_to: ref, icmp_type: type, icmp_code: code, ...odd })
      return
    }
    const proto = this.protoOf(ref)
    const fields: Record<string, unknown> = { [step.kind === 'reply' ? 'reply_to' : 'again']: ref }
    if (step.flags !== null && proto === 'tcp') fields['flags'] = FLAGS[step.flags]
    else if (proto === 'tcp' && step.kind === 'reply') fields['flags'] = 'SA'
    if (step.flags !== null && proto === 'sctp') fields['sctp_chunk'] = at(CHUNKS, step.flags)
    if (step.win !== null && proto === 'tcp') fields['win'] = step.win
    if (step.other !== null && (proto === 'tcp' || proto === 'udp'))
      fields[step.kind === 'reply' ? 'dport' : 'sport'] = 40000 + step.other.port
    this.add(step.extras, fields)
  }

  private add(extras: Extras | null, fields: Record<string, unknown>): number {
    const id = this.lines.length + 1
    this.clock += extras?.gap ?? 0
    const more: Record<string, unknown> = {}
    if (extras !== null) {
      if (extras.mark !== null) more['mark'] = at(this.pool.marks, extras.mark)
      if (extras.ttl !== null) more['ttl'] = extras.ttl
      if (extras.tos !== null) more['tos'] = extras.tos
      if (extras.facts !== null) Object.assign(more, extras.facts)
      // Most of what is sent here says who sends it.
      else if (fields['iface'] === 'local' && id % 3 !== 0)
        Object.assign(more, { uid: id % 2 ? 0 : 1000, gid: id % 5 ? 0 : 1000 })
      if (extras.frame !== null) Object.assign(more, extras.frame)
      if (extras.bytes !== null && extras.frag === null) Object.assign(more, extras.bytes)
      else if (extras.payload !== null) {
        more['payload_len'] = extras.payload
        // Some long packets may be cut on the way.
        if (extras.payload > 1000 && id % 4 === 0) more['df'] = false
      }
      if (extras.numbers !== 0 && (fields['proto'] === 'tcp' || typeof fields['flags'] === 'string')) {
        more['seq'] = at(SEQUENCE, extras.numbers)
        if (extras.numbers & 4) more['ack'] = at(SEQUENCE, extras.numbers >> 1)
      }
    }
    const line = { id, at_ms: this.clock, ...fields, ...more }
    if (extras?.frag == null) {
      this.lines.push(line)
      return id
    }
    for (const piece of piecesOf(extras.frag, String(fields['proto'] ?? this.protoOf(id - 1)))) {
      this.lines.push({ ...line, ...piece, id: this.lines.length + 1 })
    }
    return this.lines.length
  }

  /** Follows references back to the line that opened the flow. */
  private opening(id: number): PacketLine {
    let line = this.lines[id - 1] as PacketLine
    for (;;) {
      const ref = line['reply_to'] ?? line['again'] ?? line['error_to']
      if (typeof ref !== 'number') return line
      line = this.lines[ref - 1] as PacketLine
    }
  }

  private family(id: number): Family {
    return familyOf(String(this.opening(id)['src']))
  }

  private protoOf(id: number): unknown {
    const line = this.lines[id - 1] as PacketLine
    if (line['error_to'] !== undefined) return 'icmp'
    const ref = line['reply_to'] ?? line['again']
    return typeof ref === 'number' ? this.protoOf(ref) : line['proto']
  }

  private flow(drawn: Flow, flags: string): Record<string, unknown> {
    const f = this.narrow ? narrowed(drawn) : drawn
    const { pool } = this
    const family = this.families.length === 1 ? (this.families[0] as Family) : f.v6 ? 'ipv6' : 'ipv4'
    const local = f.local || pool.links.length === 0
    const k = f.link % Math.max(1, pool.links.length)
    const usual = local ? pool.own[family] : (pool.near[family][k] ?? [])
    const known = pool.all[family].length ? pool.all[family] : pool.odd[family]
    const src = at(f.fromHow === 0 && usual.length ? usual : f.fromHow === 2 ? pool.odd[family] : known, f.from)
    const target = f.known && pool.targets[family].length ? at(pool.targets[family], f.to) : null
    const dst = target?.dst ?? at(f.toHow === 2 ? pool.odd[family] : known, f.to)
    const proto = target?.proto === undefined ? f.proto : isIcmp(target.proto) ? 'icmp' : protoName(target.proto)
    const fields: Record<string, unknown> = { iface: local ? 'local' : at(pool.links, f.link), proto, src, dst }
    if (proto === 'icmp') {
      const [type, code] = at(ICMP_TYPES[family], f.type)
      Object.assign(
        fields,
        { icmp_type: type, icmp_code: code },
        type === 3 || type === 5 || (family === 'ipv6' && type < 128) ? {} : { icmp_id: 1 + (f.sport & 3) },
      )
      return fields
    }
    if (typeof proto === 'string' && proto !== 'gre' && proto !== 'esp') {
      fields['sport'] = f.sport < 4 ? 40000 + f.sport : f.sport < 6 ? 595 + f.sport : at(pool.ports, f.from)
      fields['dport'] = target?.dport ?? at(pool.ports, f.dport)
    }
    if (proto === 'tcp') fields['flags'] = flags
    if (proto === 'sctp') fields['sctp_chunk'] = at(CHUNKS, FLAGS.indexOf(flags))
    return fields
  }
}
