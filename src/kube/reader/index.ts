// Text of Kubernetes objects → a cluster: what `kubectl get … -o yaml|json` prints, in any mix of files and documents.
// Owns unwrapping of lists, cutting objects down by their schema, and the wording of faults and notes. This folder is the
// only one that needs the YAML and validation libraries; it is an entry of its own so that the core stays free of them.
import * as v from 'valibot'
import { escapeText, type Fault, FaultError } from '../../net/fault.js'
import { readAddress } from '../address.js'
import { type Cluster, KINDS, listOf } from '../cluster.js'
import { clusterNotes } from '../notes.js'
import { type KubeEndpointSlice, type KubeService, keyOf } from '../objects.js'
import { serviceConflicts } from './conflicts.js'
import { type InputFile, type Path, readDocuments, type SourceDocument } from './documents.js'
import { SCHEMAS } from './schema.js'
import { specialAddress } from './special-address.js'

export type { InputFile } from './documents.js'
export { type ReadProxyConfig, readProxyConfig, type UnusedSetting } from './proxy-config.js'
export { WatchReader } from './watch.js'

/** Faults listed at most; more are counted. */
const MOST_FAULTS = 100
/** kubectl prints a list's kind after its items. */
const CUT_LIST = ' (a list without its end: was the file cut off?)'
/** Lists inside of lists. */
const MOST_LISTS = 10

/** A cluster, and what its reader should know although nothing was wrong. */
export interface ReadCluster {
  readonly cluster: Cluster
  /** One sentence each, safe to print. */
  readonly notes: readonly string[]
}

/**
 * Reads Services, EndpointSlices, Endpoints, Nodes and Pods from any mix of YAML documents and JSON values, single objects
 * or lists. Other kinds are passed over with one note a kind. An object given twice counts as it was given last.
 *
 * @throws FaultError with every fault found: file, line, column, field and what was expected
 * @example readCluster([{ name: 'a.json', text: '{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}' }]).cluster.nodes.length // 1
 */
export function readCluster(files: readonly InputFile[]): ReadCluster {
  const reading = new Reading()
  for (const file of files) {
    try {
      for (const document of readDocuments(file, (text) => reading.notes.push(text))) {
        reading.object(document, document.value, [], '', '', 0)
      }
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      reading.faults.push(...error.faults)
    }
  }
  return reading.finish()
}

class Reading {
  readonly notes: string[] = []
  readonly faults: Fault[] = []
  readonly #objects: Record<keyof Cluster, Map<string, unknown>> = {
    services: new Map(),
    endpointSlices: new Map(),
    endpoints: new Map(),
    nodes: new Map(),
    pods: new Map(),
  }
  /** Where each Service stands. */
  readonly #services = new Map<unknown, { doc: SourceDocument; path: Path }>()
  readonly #passedOver = new Map<string, number>()

  /** @param apiVersion of the list it stands in, for items that do not repeat it */
  object(doc: SourceDocument, value: unknown, path: Path, apiVersion: string, kind: string, lists: number): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#fault(doc, path, '', `Invalid value: ${show(value)}: must be a Kubernetes object`)
      return
    }
    const object = value as { apiVersion?: unknown; kind?: unknown; items?: unknown }
    const its = {
      apiVersion: this.#word(doc, path, 'apiVersion', object.apiVersion ?? apiVersion),
      kind: this.#word(doc, path, 'kind', object.kind ?? kind, Array.isArray(object.items) ? CUT_LIST : ''),
    }
    if (its.apiVersion === '' || its.kind === '') return
    if (its.kind.endsWith('List') && (Array.isArray(object.items) || object.items === null || its.kind === 'List')) {
      this.#list(doc, object.items, path, its.apiVersion, its.kind, lists)
      return
    }
    const list = listOf(its.apiVersion, its.kind)
    if (list === undefined) {
      const name = `${its.kind} (${its.apiVersion})`
      this.#passedOver.set(name, (this.#passedOver.get(name) ?? 0) + 1)
    } else this.#cut(doc, value, path, list, its.kind)
  }

  finish(): ReadCluster {
    for (const conflict of serviceConflicts(this.#objects.services.values() as Iterable<KubeService>)) {
      const at = this.#services.get(conflict.service)
      const about = `Service ${escapeText(keyOf(conflict.service.metadata))}: `
      const words = `Invalid value: ${show(conflict.value)}: ${escapeText(conflict.words)}`
      if (at) this.#fault(at.doc, [...at.path, ...conflict.path], fieldText(conflict.path), words, about)
    }
    if (this.faults.length > 0) {
      const more = this.faults.length - MOST_FAULTS
      const faults = this.faults.slice(0, MOST_FAULTS)
      if (more > 0) faults.push({ ...faults[MOST_FAULTS - 1]!, line: 0, column: 0, message: `and ${more} more faults` })
      throw new FaultError(faults)
    }
    for (const [name, count] of this.#passedOver) {
      this.notes.push(`${count} ${escapeText(name)} passed over: only ${Object.keys(KINDS).join(', ')} are read`)
    }
    const cluster = Object.fromEntries(
      Object.entries(this.#objects).map(([list, objects]) => [list, [...objects.values()]]),
    ) as unknown as Cluster
    return { cluster, notes: [...this.notes, ...clusterNotes(cluster)] }
  }

  #word(doc: SourceDocument, path: Path, field: string, value: unknown, hint = ''): string {
    if (typeof value === 'string' && value !== '') return value
    const missing = value === '' || value === undefined || value === null
    const words = missing ? `Required value${hint}` : `Invalid value: ${show(value)}: must be a text`
    this.#fault(doc, [...path, field], field, words)
    return ''
  }

  #list(doc: SourceDocument, items: unknown, path: Path, apiVersion: string, kind: string, lists: number): void {
    if (items === null || items === undefined) return
    if (!Array.isArray(items)) {
      this.#fault(doc, [...path, 'items'], 'items', `Invalid value: ${show(items)}: must be a list`)
      return
    }
    if (lists >= MOST_LISTS) {
      this.#fault(doc, path, '', `lists nested deeper than ${MOST_LISTS}`)
      return
    }
    // Items of a list of one kind, as the API server gives it, leave out their own kind.
    const inherited = kind === 'List' ? ['', ''] : [apiVersion, kind.slice(0, -4)]
    for (let i = 0; i < items.length; i++) {
      this.object(doc, items[i], [...path, 'items', i], inherited[0]!, inherited[1]!, lists + 1)
    }
  }

  #cut(doc: SourceDocument, value: unknown, path: Path, list: keyof Cluster, kind: string): void {
    const cut = v.safeParse(SCHEMAS[list], value)
    const issues: Issue[] = cut.success ? meaning(list, cut.output) : cut.issues.map(issueOf)
    if (issues.length > 0) {
      const name = nameOf(value)
      for (const issue of issues) {
        const field = fieldText(issue.path)
        this.#fault(doc, [...path, ...issue.path], field, issue.words, `${kind}${name}: `)
      }
      return
    }
    const output = cut.output as { metadata: { name: string; namespace?: string } }
    const key = list === 'nodes' ? output.metadata.name : keyOf(output.metadata)
    const objects = this.#objects[list]
    if (objects.delete(key)) this.notes.push(`${kind} ${escapeText(key)} is given more than once: the last one counts`)
    objects.set(key, output)
    if (list === 'services') this.#services.set(output, { doc, path })
  }

  #fault(doc: SourceDocument, path: Path, field: string, words: string, about = ''): void {
    // Finding a place walks the text: past the shown ones only the number matters.
    const at = this.faults.length < MOST_FAULTS ? doc.place(path) : { line: 0, column: 0 }
    const message = `${about}${field}${field ? ': ' : ''}${words}`
    this.faults.push({ file: doc.file, line: at.line, column: at.column, message })
  }
}

interface Issue {
  readonly path: Path
  readonly words: string
}

function issueOf(issue: v.BaseIssue<unknown>): Issue {
  const path = (issue.path ?? []).map((p) => p.key as string | number)
  if (issue.input === undefined || (issue.input === null && issue.type !== 'custom')) {
    return { path, words: 'Required value' }
  }
  const input = show(issue.input)
  if (issue.type === 'object') return { path, words: `Invalid value: ${input}: must be an object` }
  if (issue.type === 'array') return { path, words: `Invalid value: ${input}: must be a list` }
  if (issue.message.startsWith('UNSUPPORTED ')) {
    return { path, words: `Unsupported value: ${input}: supported values: ${issue.message.slice(12)}` }
  }
  const bare = typeof issue.input === 'boolean' || typeof issue.input === 'number'
  const hint = bare && !/^must be (?:between|true or)/.test(issue.message) ? ' (a text: put it in quotes)' : ''
  return { path, words: `Invalid value: ${input}: ${issue.message}${hint}` }
}

/** What no schema of single fields can say. */
function meaning(list: keyof Cluster, output: unknown): Issue[] {
  if (list === 'services') return serviceIssues(output as KubeService)
  return list === 'endpointSlices' ? sliceIssues(output as KubeEndpointSlice) : []
}

function serviceIssues(service: KubeService): Issue[] {
  const ports = service.spec?.ports ?? []
  const portless = service.spec?.type === 'ExternalName' || service.spec?.clusterIP === 'None'
  if (ports.length === 0 && !portless) return [{ path: ['spec', 'ports'], words: 'Required value' }]
  if (ports.length < 2) return []
  const seen = new Set<string>()
  const again = (kind: string, key: string | number) => {
    const known = seen.has(`${kind} ${key}`)
    seen.add(`${kind} ${key}`)
    return known
  }
  return ports.flatMap((port, i): Issue[] => {
    const at = (...field: string[]): Path => ['spec', 'ports', i, ...field]
    const protocol = port.protocol || 'TCP'
    const issues: Issue[] = []
    if (!port.name) issues.push({ path: at('name'), words: 'Required value' })
    else if (again('name', port.name)) issues.push({ path: at('name'), words: `Duplicate value: ${show(port.name)}` })
    if (again(protocol, port.port)) issues.push({ path: at(), words: `Duplicate value: ${protocol} port ${port.port}` })
    if (port.nodePort && again(`node ${protocol}`, port.nodePort)) {
      issues.push({ path: at('nodePort'), words: `Duplicate value: ${port.nodePort}` })
    }
    return issues
  })
}

function sliceIssues(slice: KubeEndpointSlice): Issue[] {
  const want = slice.addressType === 'IPv4' ? 'ipv4' : slice.addressType === 'IPv6' ? 'ipv6' : null
  if (want === null) return []
  const issues: Issue[] = []
  for (const [i, endpoint] of (slice.endpoints ?? []).entries()) {
    if (endpoint.addresses.length === 0) issues.push({ path: ['endpoints', i, 'addresses'], words: 'Required value' })
    for (const [j, text] of endpoint.addresses.entries()) {
      const right = readAddress(text)?.family === want
      const wrong = right ? specialAddress(text) : `must be a valid ${slice.addressType} address`
      if (wrong === null) continue
      issues.push({ path: ['endpoints', i, 'addresses', j], words: `Invalid value: ${show(text)}: ${wrong}` })
    }
  }
  const names = new Set<string>()
  for (const [i, { name }] of (slice.ports ?? []).entries()) {
    if (names.has(name ?? '')) {
      issues.push({ path: ['ports', i, 'name'], words: `Duplicate value: ${show(name ?? '')}` })
    }
    names.add(name ?? '')
  }
  return issues
}

/** ` namespace/name`, as far as the object has them. */
function nameOf(value: unknown): string {
  const metadata = (value as { metadata?: unknown }).metadata
  if (typeof metadata !== 'object' || metadata === null) return ''
  const { namespace, name } = metadata as { namespace?: unknown; name?: unknown }
  const parts = [namespace, name].filter((p) => typeof p === 'string' && p !== '') as string[]
  return parts.length > 0 ? ` ${escapeText(parts.join('/').slice(0, 300))}` : ''
}

/** `spec.ports[0].port` */
function fieldText(path: Path): string {
  let out = ''
  for (const step of path) out += typeof step === 'number' ? `[${step}]` : `${out ? '.' : ''}${escapeText(step)}`
  return out
}

/** A value as the API server shows it: texts in quotes, long ones cut. */
function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return escapeText(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
