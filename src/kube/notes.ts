// What a reader of a cluster's objects should know although nothing is wrong: objects that make no rules, and why; and what
// two objects both hold, which kube-proxy puts up with.
// Owns these notes. Each kind of note is given a few times with names, then as a number.
import { escapeText } from '../net/fault.js'
import type { Cluster } from './cluster.js'
import { SERVICE_NAME_LABEL, serviceOfSlice } from './endpoints.js'
import { type KubeEndpointSlice, keyOf } from './objects.js'

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
    } else if (slice.addressType === 'FQDN') {
      notes.add('EndpointSlices', `EndpointSlice ${name} holds names (addressType FQDN): it is passed over`)
    }
    if ((slice.ports ?? []).some((p) => !p.port)) {
      notes.add('EndpointSlices', `EndpointSlice ${name} has a port without a number: that port is passed over`)
    }
  }
  serviceNotes(cluster, notes)
  sharedEndpoints(cluster, notes)
  const legacy = cluster.endpoints.filter((e) => withSlice.has(keyOf(e.metadata))).length
  if (legacy > 0) {
    notes.add('Endpoints', `${legacy} Endpoints passed over: their Services have EndpointSlices, which count instead`)
  }
  return notes.texts()
}

function serviceNotes(cluster: Cluster, notes: Grouped): void {
  const doors = new Map<string, string>()
  for (const service of cluster.services) {
    const name = keyOf(service.metadata)
    const spec = service.spec
    if (spec?.type === 'ExternalName') {
      if (spec.ports?.length) notes.add('Services', `Service ${name} is an ExternalName: its ports get no rules`)
      continue
    }
    if (!spec?.clusterIP) notes.add('Services', `Service ${name} has no clusterIP: it gets no rules`)
    const ingress = service.status?.loadBalancer?.ingress ?? []
    const ips = new Set([...(spec?.externalIPs ?? []), ...ingress.map((i) => i.ip ?? '')].filter((ip) => ip !== ''))
    for (const ip of ips) {
      for (const port of spec?.ports ?? []) {
        const door = `${ip} port ${port.port}/${(port.protocol || 'TCP').toLowerCase()}`
        const owner = doors.get(door)
        if (owner === undefined) doors.set(door, name)
        else if (owner !== name) {
          const which = 'kube-proxy may give it to either; here the first by name has it'
          notes.add('addresses', `Services ${owner} and ${name} both have ${door}: ${which}`)
        }
      }
    }
  }
}

/** Endpoints that two slices of a Service hold: they are one to kube-proxy. */
function sharedEndpoints(cluster: Cluster, notes: Grouped): void {
  const bySlice = new Map<string, KubeEndpointSlice[]>()
  for (const slice of cluster.endpointSlices) {
    const service = serviceOfSlice(slice)
    if (service === null) continue
    const key = `${service} ${slice.addressType}`
    const list = bySlice.get(key)
    if (list) list.push(slice)
    else bySlice.set(key, [slice])
  }
  for (const slices of bySlice.values()) {
    if (slices.length < 2) continue
    const owners = new Map<string, KubeEndpointSlice>()
    for (const slice of slices) {
      const ports = (slice.ports ?? []).map((p) => `${p.name}/${p.protocol}/${p.port}`).join()
      for (const { addresses } of slice.endpoints ?? []) {
        const owner = owners.get(`${ports} ${addresses[0]}`)
        if (owner === undefined) owners.set(`${ports} ${addresses[0]}`, slice)
        else if (owner !== slice) {
          const names = `EndpointSlices ${keyOf(owner.metadata)} and ${keyOf(slice.metadata)}`
          notes.add('endpoints', `${names} both hold ${addresses[0]}: it is one endpoint`)
        }
      }
    }
  }
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
