// A data plane that follows recorded choices: the naive engine goes ahead and finds the draws that lead where the record
// went, the compiled one then draws the same. Owns the lock-step only.
import { Engine } from '../engine/index.js'
import type { Answer, ConntrackEntry, Packet } from '../net/packet.js'
import type { Ruleset } from '../netfilter/model.js'
import type { RecordedChoices } from '../netns/choices.js'
import type { DataPlane, DataPlaneOptions, ProcessOptions } from '../netns/dataplane.js'
import type { IpSet, NetworkNamespace } from '../netns/model.js'
import { ReferenceEngine } from '../reference/index.js'

/** The compiled engine, with the choices of a record. An impossible choice is a FaultError that names the packet. */
export class FollowingEngine implements DataPlane {
  readonly #ahead: ReferenceEngine
  readonly #engine: Engine

  constructor(ns: NetworkNamespace, choices: RecordedChoices, options: DataPlaneOptions = {}) {
    this.#ahead = new ReferenceEngine(ns, { ...options, choices })
    this.#engine = new Engine(ns, options)
  }

  get now(): number {
    return this.#engine.now
  }

  process(packet: Packet, options: ProcessOptions = {}): Answer {
    this.#ahead.process(packet)
    this.#engine.forceDraws(this.#ahead.drawn)
    return this.#engine.process(packet, options)
  }

  get rulesets(): readonly Ruleset[] {
    return this.#engine.rulesets
  }

  swapRules(rulesets: readonly Ruleset[]): void {
    this.#ahead.swapRules(rulesets)
    this.#engine.swapRules(rulesets)
  }

  conntrack(): ConntrackEntry[] {
    return this.#engine.conntrack()
  }

  counters(): Ruleset[] {
    return this.#engine.counters()
  }

  deleteConnections(chosen: (entry: ConntrackEntry) => boolean): number {
    return this.#engine.deleteConnections(chosen)
  }

  sets(): IpSet[] {
    return this.#engine.sets()
  }
}
