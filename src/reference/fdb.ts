// Forwarding databases of bridges: which port an Ethernet address is behind. Kernel: net/bridge/br_fdb.c.

import { type CompleteBridge, completeBridges } from '../netns/bridges.js'
import type { NetworkNamespace } from '../netns/model.js'

interface Entry {
  port: string
  readonly local: boolean
  readonly ages: boolean
  readonly sticky: boolean
  /** Clock when the address was seen last. */
  seenMs: number
}

/** The address of a bridge of which none is known. */
export const NO_MAC = '00:00:00:00:00:00'

/** The bridges of a namespace and what they know. */
export class Bridges {
  readonly #bridges: ReadonlyMap<string, CompleteBridge>
  readonly #entries = new Map<string, Entry>()

  constructor(ns: NetworkNamespace) {
    // A bridge without ports takes part in nothing.
    const bridges = completeBridges(ns).filter((b) => b.ports.length > 0)
    this.#bridges = new Map(bridges.map((b) => [b.name, b]))
    for (const { name, mac, ports } of bridges) {
      this.#add(name, mac === '' ? NO_MAC : mac, name, { local: true, ages: false, sticky: false })
      for (const port of ports) {
        const own = ns.links.find((l) => l.name === port.name)?.mac
        if (own !== undefined) this.#add(name, own, port.name, { local: true, ages: false, sticky: false })
      }
    }
    for (const { bridge, mac, port, ...flags } of ns.fdb ?? []) {
      const isPort = this.#bridges.get(bridge)?.ports.some((p) => p.name === port)
      if (isPort || (flags.local && port === bridge)) this.#add(bridge, mac, port, flags)
    }
  }

  #add(bridge: string, mac: string, port: string, flags: Pick<Entry, 'local' | 'ages' | 'sticky'>): void {
    const key = `${bridge} ${mac}`
    if (!this.#entries.has(key)) this.#entries.set(key, { port, ...flags, seenMs: 0 })
  }

  /** The bridge of that name, when it has ports. */
  get(name: string | null): CompleteBridge | undefined {
    return name === null ? undefined : this.#bridges.get(name)
  }

  find(bridge: CompleteBridge, mac: string, now: number): Readonly<Entry> | undefined {
    const entry = this.#entries.get(`${bridge.name} ${mac}`)
    return entry?.ages && now >= entry.seenMs + bridge.ageingMs ? undefined : entry
  }

  /** An address was seen at a port. */
  learn(bridge: CompleteBridge, mac: string, port: string, now: number): void {
    if (bridge.ageingMs === 0) return // its owner wants it to flood
    const known = this.find(bridge, mac, now)
    if (known === undefined) {
      this.#entries.set(`${bridge.name} ${mac}`, { port, local: false, ages: true, sticky: false, seenMs: now })
    } else if (!known.local) {
      const entry = this.#entries.get(`${bridge.name} ${mac}`)!
      entry.seenMs = now
      if (!entry.sticky) entry.port = port
    }
  }
}
