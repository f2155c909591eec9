// What a reader of a cluster's objects should know although nothing is wrong: objects that make no rules, and why.
// Owns these notes. Each kind of note is given a few times with names, then as a number.
import { escapeText } from '../net/fault.js'
import type { Cluster } from './cluster.js'
import { SERVICE_NAME_LABEL, serviceOfSlice } from './endpoints.js'
import { keyOf } from './objects.js'

/** Notes of one kind that name their object; the rest is counted. */
const NAMED = 10

/** One sentence each; text from the objects is escaped. */
export function clusterNotes(cluster: Cluster): string[] {
  const services = new Set(cluster.services.map((s) => keyOf(s.metadata)))
  const notes = new Grouped()
  const withSlice = new Set<string>()
  for (const slice of cluster.endpointSlices) {
    const name = keyOf(slice.metadata)
    const service = serviceOfSlice(slice)
    if (service === null) {
      notes.add('EndpointSlices', `EndpointSlice ${name} has no label ${SERVICE_NAME_LABEL}: it is passed over`)
      continue
    }
    withSlice.add(service)
    if (!services.has(service)) {
      notes.add('EndpointSlices', `EndpointSlice ${name} belongs to Service ${service}, which is not there`)
    }
  }
  for (const service of cluster.services) {
    if (service.spec?.type !== 'ExternalName' && !service.spec?.clusterIP) {
      notes.add('Services', `Service ${keyOf(service.metadata)} has no clusterIP: it gets no rules`)
    }
  }
  const legacy = cluster.endpoints.filter((e) => withSlice.has(keyOf(e.metadata))).length
  if (legacy > 0) {
    notes.add('Endpoints', `${legacy} Endpoints passed over: their Services have EndpointSlices, which count instead`)
  }
  return notes.texts()
}

/** Notes by subject; behind the first few of one subject only their number. */
class Grouped {
  readonly #groups = new Map<string, string[]>()

  add(subject: string, text: string): void {
    const group = this.#groups.get(subject)
    if (group) group.push(text)
    else this.#groups.set(subject, [text])
  }

  texts(): string[] {
    return [...this.#groups].flatMap(([subject, group]) => {
      const shown = group.slice(0, NAMED).map(escapeText)
      if (group.length > NAMED) shown.push(`and ${group.length - NAMED} more such notes about ${subject}`)
      return shown
    })
  }
}
