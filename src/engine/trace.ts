// Trace events of the core as trace lines and steps.
import {
  HOP_BYTES,
  HOP_HAS_VIA_OFF,
  HOP_LINK_OFF,
  HOP_VIA_OFF,
  PREFIX_ADDRESS_OFF,
  PREFIX_BYTES,
  PREFIX_LENGTH_OFF,
  ROUTE_BYTES,
  ROUTE_HOP_OFF,
  ROUTE_PREFIX_OFF,
  ROUTE_TABLE_OFF,
  SECTION_HOPS,
  SECTION_PREFIXES,
  SECTION_ROUTES,
  TRACE_A_OFF,
  TRACE_ADDR1_OFF,
  TRACE_ADDR2_OFF,
  TRACE_B_OFF,
  TRACE_C_OFF,
  TRACE_D_OFF,
  TRACE_E_OFF,
  TRACE_EVENT_BYTES,
  TRACE_F_OFF,
  TRACE_KIND_BRIDGE,
  TRACE_KIND_CONNTRACK,
  TRACE_KIND_COPY,
  TRACE_KIND_HOOK,
  TRACE_KIND_NAT,
  TRACE_KIND_OFF,
  TRACE_KIND_REPLY,
  TRACE_KIND_ROUTE,
  TRACE_KIND_RULE,
  TRACE_KIND_TEE,
  TRACE_POLICY,
  TRACE_RETURN,
} from '../../assembly/layout.js'
import { type ChainSymbol, type Image, type SectionRange, sectionTable } from '../compile/image.js'
import { ROUTE_TYPES } from '../compile/route-table.js'
import type { Step } from '../net/packet.js'
import type { RouteType } from '../netns/model.js'
import { addressText } from './address-text.js'

const HOOKS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const
const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const
const WHY = ['input', 'output', 'reroute'] as const

/** What a packet's events say. */
export interface Trace {
  readonly trace: string[]
  readonly traceReply: string[]
  readonly steps: Step[]
  /** Ports by which frames left that a bridge flooded, in their order. */
  readonly flooded: string[]
}

/** Decodes the events of one image. */
export class TraceReader {
  readonly #chains: ChainSymbol[]
  readonly #links: readonly string[]
  readonly #sections: ReadonlyMap<number, SectionRange>
  readonly #image: DataView

  constructor(image: Image) {
    this.#chains = [...image.symbols.chains].sort((a, b) => a.counter - b.counter)
    this.#links = image.symbols.links
    this.#sections = sectionTable(image.bytes)
    this.#image = new DataView(image.bytes.buffer, image.bytes.byteOffset, image.bytes.byteLength)
  }

  /** Learns of chains that lie elsewhere now, or have other rules. */
  moved(chains: readonly ChainSymbol[]): void {
    for (const chain of chains) {
      const at = this.#placeOf(chain.counter)
      if (this.#chains[at]?.counter === chain.counter) this.#chains[at] = chain
      else this.#chains.splice(at + 1, 0, chain)
    }
  }

  /** The events that lie from `at` on, `count` of them. */
  read(view: DataView, at: number, count: number): Trace {
    const out: Trace = { trace: [], traceReply: [], steps: [], flooded: [] }
    for (let i = 0; i < count; i++) this.#event(view, at + i * TRACE_EVENT_BYTES, out)
    return out
  }

  #event(view: DataView, at: number, out: Trace): void {
    const word = (offset: number): number => view.getUint32(at + offset, true)
    const kind = word(TRACE_KIND_OFF)
    const a = word(TRACE_A_OFF)
    const b = word(TRACE_B_OFF)
    switch ((kind & ~TRACE_KIND_REPLY) >>> 0) {
      case TRACE_KIND_HOOK:
        out.steps.push({ step: 'hook', hook: HOOKS[a]! })
        break
      case TRACE_KIND_CONNTRACK: {
        const state = STATES[a]!
        if (a >= 3) out.steps.push({ step: 'conntrack', state })
        else out.steps.push({ step: 'conntrack', state, dir: b === 0 ? 'ORIGINAL' : 'REPLY' })
        break
      }
      case TRACE_KIND_RULE: {
        const chain = this.#chainAt(a)
        const rule = b === TRACE_POLICY ? 'policy' : b === TRACE_RETURN ? 'return' : a - chain.counter
        out.steps.push({ step: 'rule', table: chain.table, chain: chain.name, rule })
        const line = `${chain.table}:${chain.name}:${typeof rule === 'number' ? `rule:${rule}` : rule}`
        if (kind & TRACE_KIND_REPLY) out.traceReply.push(line)
        else out.trace.push(line)
        break
      }
      case TRACE_KIND_BRIDGE:
        out.steps.push({ step: 'bridge', to: a === 0 ? 'local' : this.#links[a]! })
        break
      case TRACE_KIND_COPY:
        out.flooded.push(this.#links[a]!)
        break
      case TRACE_KIND_ROUTE:
        out.steps.push(this.#route(a, b, word(TRACE_C_OFF), word(TRACE_D_OFF), word(TRACE_E_OFF), word(TRACE_F_OFF)))
        break
      case TRACE_KIND_TEE:
        out.steps.push({ step: 'copy', to: addressText(view, at + TRACE_ADDR1_OFF, word(TRACE_F_OFF)) })
        break
      case TRACE_KIND_NAT: {
        const family = word(TRACE_F_OFF)
        out.steps.push({
          step: 'nat',
          manip: a === 0 ? 'DNAT' : 'SNAT',
          from: side(addressText(view, at + TRACE_ADDR1_OFF, family), b, word(TRACE_D_OFF)),
          to: side(addressText(view, at + TRACE_ADDR2_OFF, family), b, word(TRACE_E_OFF)),
        })
        break
      }
      default:
        throw new Error(`trace event of unknown kind ${kind}`)
    }
  }

  /** The chain to which a counter belongs. */
  #chainAt(counter: number): ChainSymbol {
    return this.#chains[this.#placeOf(counter)]!
  }

  #placeOf(counter: number): number {
    let low = 0
    let high = this.#chains.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (this.#chains[middle]!.counter <= counter) low = middle
      else high = middle
    }
    return low
  }

  #word(section: number, record: number, bytes: number, offset: number): number {
    return this.#image.getUint32((this.#sections.get(section)?.offset ?? 0) + record * bytes + offset, true)
  }

  #route(why: number, route: number, type: number, hop: number, link: number, family: number): Step {
    const step = {
      step: 'route' as const,
      why: WHY[why]!,
      type: (type === 0 ? 'unreachable' : ROUTE_TYPES[type]!) as RouteType,
    }
    if (route === 0) return link === 0 ? step : { ...step, dev: this.#links[link]! }
    const record = route - 1
    const prefix = this.#word(SECTION_ROUTES, record, ROUTE_BYTES, ROUTE_PREFIX_OFF)
    const at = (this.#sections.get(SECTION_PREFIXES)?.offset ?? 0) + prefix * PREFIX_BYTES
    const address = addressText(this.#image, at + PREFIX_ADDRESS_OFF, family)
    const dst = `${address}/${this.#image.getUint32(at + PREFIX_LENGTH_OFF, true)}`
    const found = { ...step, table: this.#word(SECTION_ROUTES, record, ROUTE_BYTES, ROUTE_TABLE_OFF), dst }
    if (hop === 0) return found
    const index = this.#word(SECTION_ROUTES, record, ROUTE_BYTES, ROUTE_HOP_OFF) + hop - 1
    const dev = this.#links[this.#word(SECTION_HOPS, index, HOP_BYTES, HOP_LINK_OFF)] ?? ''
    const hopAt = (this.#sections.get(SECTION_HOPS)?.offset ?? 0) + index * HOP_BYTES
    const via = this.#word(SECTION_HOPS, index, HOP_BYTES, HOP_HAS_VIA_OFF) === 0 ? '' : this.#via(hopAt, family)
    return { ...found, ...(dev === '' ? {} : { dev }), ...(via === '' ? {} : { via }) }
  }

  /** A next hop may be of the other family; then it has more than its first word. */
  #via(hop: number, family: number): string {
    const rest = [4, 8, 12].some((i) => this.#image.getUint32(hop + HOP_VIA_OFF + i, true) !== 0)
    return addressText(this.#image, hop + HOP_VIA_OFF, rest ? 6 : family)
  }
}

/** `A`, `A:N` or `[A]:N`. */
function side(address: string, ports: number, port: number): string {
  if (ports === 0) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
