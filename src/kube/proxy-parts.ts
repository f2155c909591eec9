// What one Service adds to kube-proxy's rules: rules in the chains that all Services share, and chains of its own.
// Owns the cut between the two, which is the cut between what every sync writes and what only a change writes.
// Source: kubernetes pkg/proxy/iptables/proxier.go (a partial sync leaves out the chains of unchanged Services).
import type { Rule, TableName } from '../netfilter/model.js'
import type { Endpoint } from './endpoints.js'
import type { Action, Part, RuleSink } from './proxy-rule.js'
import type { RuleMaker } from './proxy-rule-model.js'
import type { ServiceWriter } from './proxy-service.js'
import type { ServicePort } from './service-ports.js'

/** The rules of one Service; never changed, only exchanged. */
export interface ServicePart {
  /** `namespace/name`. */
  readonly key: string
  readonly ports: readonly ServicePort[]
  /** Of each port, sorted (`endpointsByPort`). */
  readonly endpoints: readonly (readonly Endpoint[])[]
  /** Rules by `table CHAIN`, of the chains that all Services share. */
  readonly shared: ReadonlyMap<string, readonly Rule[]>
  /** The Service's own chains, all of table nat. */
  readonly own: ReadonlyMap<string, readonly Rule[]>
}

const OWN = /^KUBE-(?:SVC|SVL|SEP|FW|EXT)-/

/** Is it a chain of one Service (or of one of its endpoints)? Such chains go with it. */
export function isServiceChain(name: string): boolean {
  return OWN.test(name)
}

/** Takes up rules by chain; those of chains that belong to one Service apart from the others. */
export class PartSink implements RuleSink {
  readonly shared: Map<string, Rule[]> = new Map()
  readonly own: Map<string, Rule[]> = new Map()
  readonly #maker: RuleMaker

  constructor(maker: RuleMaker) {
    this.#maker = maker
  }

  chain(table: TableName, name: string): void {
    this.#rulesOf(table, name)
  }

  rule(table: TableName, chain: string, parts: readonly Part[], action: Action): void {
    this.#rulesOf(table, chain).push(this.#maker.rule(parts, action))
  }

  #rulesOf(table: TableName, name: string): Rule[] {
    const own = isServiceChain(name)
    const map = own ? this.own : this.shared
    const key = own ? name : `${table} ${name}`
    let rules = map.get(key)
    if (rules === undefined) {
      rules = []
      map.set(key, rules)
    }
    return rules
  }
}

/** Writes the rules of one Service. */
export function servicePart(
  key: string,
  ports: readonly ServicePort[],
  endpoints: readonly (readonly Endpoint[])[],
  maker: RuleMaker,
  writer: (sink: RuleSink) => ServiceWriter,
): ServicePart {
  const sink = new PartSink(maker)
  const service = writer(sink)
  for (const [i, port] of ports.entries()) service.write(port, endpoints[i]!)
  return { key, ports, endpoints, shared: sink.shared, own: sink.own }
}

/** What a sync does to one Service. */
export interface PartChange {
  /** `namespace/name`. */
  readonly key: string
  /** Undefined: it was not there. */
  readonly before: ServicePart | undefined
  /** Undefined: it is gone. */
  readonly after: ServicePart | undefined
}

/** Are two pieces of plain data the same? */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
}
