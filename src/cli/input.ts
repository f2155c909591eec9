// Where commands get their input: files (stdin as `-`, gzip recognised) and the namespace that `--bundle` or
// `--cluster … --node` names. Limits are options of the readers; passing one is one error.
import type { Command } from 'commander'
import type { Cluster } from '../kube/cluster.js'
import { nodeNamespace } from '../kube/node-namespace.js'
import type { ProxyConfig } from '../kube/proxy-options.js'
import { readCluster, readProxyConfig } from '../kube/reader/index.js'
import { escapeText, FaultError, fail } from '../net/fault.js'
import type { Backend } from '../netfilter/model.js'
import type { NetworkNamespace } from '../netns/model.js'
import { readBundlePath, readTextInput } from '../netns/node/read-bundle.js'
import { parseWallClock } from '../netns/wall-clock.js'
import { printNotes } from './terminal.js'

/** The options by which a command is given a namespace. */
export interface SourceOptions {
  bundle?: string
  cluster?: string[]
  node?: string
  backend?: Backend
  proxyConfig?: string
}

/** Adds the options that `loadSource` reads. */
export function withSource(command: Command): Command {
  return command
    .option('--bundle <dir>', 'node bundle: a directory, .tar or .tar.gz (scripts/capture-node.sh makes one)')
    .option('--cluster <file...>', 'kubectl get … -o yaml|json output; with --node, instead of a bundle')
    .option('--node <name>', 'the node of the cluster')
    .option('--proxy-config <file>', "kube-proxy's configuration (KubeProxyConfiguration); default: its defaults")
    .option('--backend <backend>', 'legacy or nft; default: what the dump says', (text: string): Backend => {
      if (text === 'legacy' || text === 'nft') return text
      return fail('--backend', 0, 0, `'${text}' is no backend, expected legacy or nft`)
    })
}

export interface Source {
  namespace: NetworkNamespace
  /** Where the namespace is a cluster's node. */
  cluster?: Cluster
  node?: string
  proxyConfig?: ProxyConfig
}

/** What a file is called in messages. */
export function inputName(file: string): string {
  return file === '-' ? 'stdin' : file
}

/** The cluster that `--cluster FILE…` names; its notes go to stderr. */
export function loadCluster(files: readonly string[]): Cluster {
  const { cluster, notes } = readCluster(files.map((name) => ({ name: inputName(name), text: readTextInput(name) })))
  printNotes('note', notes)
  return cluster
}

/** The KubeProxyConfiguration that `--proxy-config` names, if any; its notes go to stderr. */
export function loadProxyConfig(file: string | undefined, node: string): ProxyConfig | undefined {
  if (file === undefined) return undefined
  const { config, notes } = readProxyConfig({ name: file, text: readTextInput(file) })
  const other = config.hostnameOverride?.trim().toLowerCase()
  const named = `${file}: hostnameOverride is ${other}: passed over for node ${node}, as --hostname-override does it`
  printNotes('note', other === undefined || other === node ? notes : [...notes, named])
  return config
}

/** The namespace that the options name; what was assumed goes to stderr, once each. */
export function loadSource(options: SourceOptions): Source {
  const backend = options.backend ? { backend: options.backend } : {}
  if (options.bundle !== undefined && options.cluster !== undefined)
    throw new FaultError([{ file: '--bundle', line: 0, column: 0, message: 'give --bundle or --cluster, not both' }])
  if (options.bundle !== undefined) {
    const namespace = readBundlePath(options.bundle, backend)
    printNotes('assumed', namespace.assumed)
    return { namespace }
  }
  if (options.cluster === undefined)
    return fail('--bundle', 0, 0, 'missing: give --bundle DIR, or --cluster FILE --node NAME')
  const cluster = loadCluster(options.cluster)
  if (options.node === undefined) {
    const names = cluster.nodes.map((n) => escapeText(n.metadata?.name ?? '')).slice(0, 10)
    const known = names.length === 0 ? '' : ` It has ${names.join(', ')}${cluster.nodes.length > 10 ? ', …' : ''}`
    return fail('--node', 0, 0, `missing: which node of the cluster?${known}`)
  }
  const proxyConfig = loadProxyConfig(options.proxyConfig, options.node)
  const namespace = nodeNamespace(cluster, options.node, { ...backend, ...(proxyConfig ? { proxyConfig } : {}) })
  printNotes('assumed', namespace.assumed)
  return { namespace, cluster, node: options.node, ...(proxyConfig ? { proxyConfig } : {}) }
}

/** The option of a data plane that `--wall-clock` gives; a text that is no instant is a fault of the argument. */
export function wallClockOf(text: string | undefined): { wallClock?: string } {
  if (text === undefined) return {}
  try {
    parseWallClock(text)
    return { wallClock: text }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return fail('--wall-clock', 0, 0, error.message)
  }
}
