// A KubeProxyConfiguration document → the settings that decide about rules and packets, and a list of those that do not.
// Owns the walk over its fields (proxy-config-fields.ts lists them) and what only several fields together say wrongly.
// kube-proxy decodes strictly; where it then falls back and starts with a warning (an unknown field), this refuses: a
// misspelt setting is one that does not hold.
// Spec: kubeproxy.config.k8s.io/v1alpha1; kubernetes cmd/kube-proxy/app/options.go, pkg/proxy/apis/config/validation.
import { escapeText, type Fault, FaultError } from '../../net/fault.js'
import { durationMs } from '../duration.js'
import type { ProxyConfig } from '../proxy-options.js'
import { nearNames } from '../suggest.js'
import { type InputFile, type Path, readDocuments, type SourceDocument } from './documents.js'
import { type ListOfSections, OLD_FIELDS, PROXY_CONFIG, type Section, type Setting } from './proxy-config-fields.js'

/** A setting of kube-proxy that changes neither rules nor packets. */
export interface UnusedSetting {
  /** Its path, e.g. `ipvs.scheduler`. */
  readonly field: string
  /** What it is about instead. */
  readonly about: string
}

/** A configuration, and what its reader should know although nothing was wrong. */
export interface ReadProxyConfig {
  readonly config: ProxyConfig
  /** Settings that were given a value (other than Go's zero) and have no effect here, in the order of the text. */
  readonly unused: readonly UnusedSetting[]
  /** One sentence each, safe to print; the unused settings are among them. */
  readonly notes: readonly string[]
}

const KIND = 'KubeProxyConfiguration'
const API_VERSION = 'kubeproxy.config.k8s.io/v1alpha1'

/**
 * Reads a KubeProxyConfiguration from YAML or JSON; other documents in the file (a kubeadm ClusterConfiguration, say) are
 * passed over. Every field of v1alpha1 is known, and those of earlier versions are passed over with a note.
 *
 * @throws FaultError when there is none, or more than one, or with every field that is unknown or holds a wrong value
 */
export function readProxyConfig(file: InputFile): ReadProxyConfig {
  const notes: string[] = []
  const documents = readDocuments(file, (text) => notes.push(text))
  const found = documents.filter((d) => (d.value as { kind?: unknown } | null)?.kind === KIND)
  const document = found[0]
  if (document === undefined || found.length > 1) {
    const map = documents.some((d) => (d.value as { kind?: unknown } | null)?.kind === 'ConfigMap')
    const inside = map
      ? "; a ConfigMap holds it as a text: kubectl get configmap … -o jsonpath='{.data.config\\.conf}'"
      : ''
    const message = `expected one ${KIND} document, found ${found.length}${inside}`
    throw new FaultError([{ file: file.name, line: 0, column: 0, message }])
  }
  const walk = new Walk(document, file.name)
  const config = walk.section(document.value, PROXY_CONFIG, []) as ProxyConfig & { apiVersion?: string; kind?: string }
  walk.together(config)
  if (walk.faults.length > 0) throw new FaultError(walk.faults)
  const { apiVersion: _, kind: __, ...rest } = config
  return { config: rest, unused: walk.unused, notes: [...notes, ...walk.notes, ...unusedNotes(walk.unused, file.name)] }
}

/** One sentence for each thing that unused settings are about. */
function unusedNotes(unused: readonly UnusedSetting[], file: string): string[] {
  const groups = new Map<string, string[]>()
  for (const { field, about } of unused) {
    const group = groups.get(about)
    if (group) group.push(field)
    else groups.set(about, [field])
  }
  return [...groups].map(
    ([about, fields]) => `${escapeText(file)}: no effect on rules and packets: ${fields.join(', ')} (about ${about})`,
  )
}

class Walk {
  readonly faults: Fault[] = []
  readonly notes: string[] = []
  readonly unused: UnusedSetting[] = []
  readonly #document: SourceDocument
  readonly #file: string

  constructor(document: SourceDocument, file: string) {
    this.#document = document
    this.#file = file
  }

  /** The fields that decide, without those that are null or empty: those are kube-proxy's defaults. */
  section(value: unknown, section: Section, path: Path): Record<string, unknown> | undefined {
    if (value === null || value === undefined) return undefined
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.#fault(path, value, 'must be an object')
      return undefined
    }
    const kept: Record<string, unknown> = {}
    for (const [key, its] of Object.entries(value)) {
      const here = [...path, key]
      const field = Object.hasOwn(section.fields, key) ? section.fields[key] : section.each?.(key)
      if (field === undefined) this.#unknown(here, Object.keys(section.fields))
      else {
        const kept1 = this.#field(its, field, here)
        if (kept1 !== undefined) kept[key] = kept1
      }
    }
    return kept
  }

  #field(value: unknown, field: Setting | Section | ListOfSections, path: Path): unknown {
    if ('fields' in field) {
      const kept = this.section(value, field, path)
      return kept !== undefined && Object.keys(kept).length > 0 ? kept : undefined
    }
    if ('items' in field) {
      if (value === null) return undefined
      if (!Array.isArray(value)) this.#fault(path, value, 'must be a list')
      else {
        for (const [i, item] of value.entries()) this.section(item, { fields: quiet(field.items) }, [...path, i])
        if (value.length > 0) this.unused.push({ field: fieldText(path), about: field.about })
      }
      return undefined
    }
    return this.#setting(value, field, path)
  }

  #setting(value: unknown, setting: Setting, path: Path): unknown {
    if (value === null) {
      if (setting.notNull) this.#fault(path, value, 'must be a duration, (e.g. 30s or 1h30m)')
      return undefined
    }
    if (setting.list && !Array.isArray(value)) {
      this.#fault(path, value, 'must be a list')
      return undefined
    }
    for (const [i, item] of (setting.list ? (value as unknown[]) : [value]).entries()) {
      const wrong = item === null ? 'must not be empty' : setting.check(item)
      if (wrong !== null) this.#fault(setting.list ? [...path, i] : path, item, wrong)
    }
    if (setting.about === undefined) return value === '' ? undefined : value
    if (!isZero(value)) this.unused.push({ field: fieldText(path), about: setting.about })
    return undefined
  }

  #unknown(path: Path, known: readonly string[]): void {
    const field = fieldText(path)
    const old = Object.hasOwn(OLD_FIELDS, field) ? OLD_FIELDS[field] : undefined
    if (old === undefined) {
      const near = nearNames(String(path.at(-1)), known)
      this.#add(path, `unknown field${near.startsWith('did') ? `; ${near}` : ''}`)
      return
    }
    const { line, column } = this.#document.place(path)
    this.notes.push(`${escapeText(this.#file)}:${line}:${column}: ${field} is passed over: ${old}`)
  }

  /** What several fields say together. */
  together(config: ProxyConfig & { apiVersion?: unknown }): void {
    if (config.apiVersion !== API_VERSION) {
      this.#fault(['apiVersion'], config.apiVersion, `must be ${API_VERSION}`)
    }
    if (this.faults.length > 0) return
    const mode = config.detectLocalMode
    const needs =
      mode === 'BridgeInterface' ? 'bridgeInterface' : mode === 'InterfaceNamePrefix' ? 'interfaceNamePrefix' : ''
    if (needs !== '' && !config.detectLocal?.[needs]) {
      const place = config.detectLocal === undefined ? ['detectLocalMode'] : ['detectLocal', needs]
      this.#add(place, `Invalid value: "": must not be empty when detectLocalMode is ${mode}`, `detectLocal.${needs}`)
    }
    const given = (this.#document.value as { iptables?: { syncPeriod?: string; minSyncPeriod?: string } }).iptables
    const sync = durationMs(given?.syncPeriod ?? '0') || 30_000
    const least = durationMs(given?.minSyncPeriod ?? '0') || 1000
    if (least > sync) {
      const path = ['iptables', given?.syncPeriod ? 'syncPeriod' : 'minSyncPeriod']
      this.#fault(
        path,
        given?.[path[1] as 'syncPeriod'],
        'syncPeriod (default 30s) must not be below minSyncPeriod (default 1s)',
      )
    }
  }

  #fault(path: Path, value: unknown, message: string): void {
    if (value === undefined) this.#add(path, `Required value: ${message}`)
    else this.#add(path, `Invalid value: ${escapeText(String(JSON.stringify(value)).slice(0, 100))}: ${message}`)
  }

  #add(path: Path, message: string, field = fieldText(path)): void {
    const { line, column } = this.#document.place(path)
    this.faults.push({ file: this.#file, line, column, message: `${field}${field ? ': ' : ''}${message}` })
  }
}

/** The same fields, listed with the list that they stand in. */
function quiet(section: Section): Section['fields'] {
  return Object.fromEntries(Object.entries(section.fields).map(([key, f]) => [key, { check: (f as Setting).check }]))
}

/** What Go's decoder leaves as if it had not been given. */
function isZero(value: unknown): boolean {
  if (value === '' || value === false || value === 0) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'string' && durationMs(value) === 0
}

/** `iptables.masqueradeBit`, `nodePortAddresses[1]` */
function fieldText(path: Path): string {
  let out = ''
  for (const step of path) out += typeof step === 'number' ? `[${step}]` : `${out ? '.' : ''}${escapeText(step)}`
  return out
}
