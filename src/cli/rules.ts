// `nodeplane rules`: what kube-proxy would program on a node.
import { Command } from 'commander'
import { requireNode } from '../kube/node-namespace.js'
import { proxyRestoreText, proxyRules } from '../kube/proxy.js'
import { proxyOptions } from '../kube/proxy-options.js'
import { fail } from '../net/fault.js'
import type { Family } from '../netfilter/model.js'
import { printRules } from '../netfilter/print.js'
import { parseFamily } from './fmt.js'
import { loadCluster, loadProxyConfig } from './input.js'
import { print } from './terminal.js'

interface RulesOptions {
  cluster: string[]
  node: string
  family: Family
  format: 'iptables-save' | 'restore'
  proxyConfig?: string
}
export function rulesCommand(): Command {
  return new Command('rules')
    .summary('the iptables rules that kube-proxy would program')
    .description("Builds kube-proxy's iptables-mode rules for one node from Services, EndpointSlices and Nodes.")
    .requiredOption('--cluster <file...>', 'kubectl get … -o yaml|json output')
    .requiredOption('--node <name>', 'the node of the cluster')
    .option('--proxy-config <file>', "kube-proxy's configuration (KubeProxyConfiguration); default: its defaults")
    .option('--family <family>', 'ipv4 or ipv6', parseFamily, 'ipv4' as Family)
    .option(
      '--format <format>',
      'iptables-save: the state afterwards; restore: what kube-proxy hands to iptables-restore',
      'iptables-save',
    )
    .addHelpText(
      'after',
      '\nExample:\n  kubectl get svc,endpointslices,nodes -A -o yaml | nodeplane rules --cluster - --node worker-1\n',
    )
    .action((options: RulesOptions) => {
      if (options.format !== 'iptables-save' && options.format !== 'restore')
        fail('--format', 0, 0, `'${options.format}' is no format, expected iptables-save or restore`)
      const cluster = loadCluster(options.cluster)
      requireNode(cluster, options.node)
      const settings = proxyOptions(
        cluster,
        options.node,
        options.family,
        loadProxyConfig(options.proxyConfig, options.node),
      )
      print(
        options.format === 'restore' ? proxyRestoreText(cluster, settings) : printRules(proxyRules(cluster, settings)),
      )
    })
}
