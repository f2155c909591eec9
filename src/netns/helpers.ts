// What conntrack attaches to connections by name, and what is in no packet: helpers and timeout policies. Owns the names that
// count in a namespace, and the helpers that older kernels attach by themselves (nf_conntrack_helper).
// Kernel: net/netfilter/xt_CT.c, nf_conntrack_helper.c (until Linux 6.0: nf_ct_lookup_helper).
import type { Ruleset } from '../netfilter/model.js'
import type { NetworkNamespace } from './model.js'

/** Helpers of the kernel by protocol and port; some are for IPv4 only. */
export const PORT_HELPERS: readonly {
  readonly name: string
  readonly proto: number
  readonly port: number
  readonly only4?: true
}[] = [
  { name: 'ftp', proto: 6, port: 21 },
  { name: 'irc', proto: 6, port: 6667, only4: true },
  { name: 'sip', proto: 6, port: 5060 },
  { name: 'sip', proto: 17, port: 5060 },
  { name: 'tftp', proto: 17, port: 69 },
  { name: 'pptp', proto: 6, port: 1723, only4: true },
  { name: 'amanda', proto: 17, port: 10080 },
  { name: 'netbios-ns', proto: 17, port: 137, only4: true },
  { name: 'snmp', proto: 17, port: 161, only4: true },
  { name: 'sane', proto: 6, port: 6566 },
  { name: 'Q.931', proto: 6, port: 1720 },
  { name: 'RAS', proto: 17, port: 1719 },
]

/** Does the kernel attach helpers by itself? */
export function attachesHelpers({ sysctls }: Pick<NetworkNamespace, 'sysctls'>): boolean {
  return Number(sysctls['net.netfilter.nf_conntrack_helper'] ?? 0) !== 0
}

/** `helper NAME` and `timeout policy NAME`: those that the rules name. */
export function attachedNames(rulesets: readonly Ruleset[]): string[] {
  const targets = rulesets.flatMap((r) =>
    r.tables.flatMap((t) => t.chains.flatMap((c) => c.rules.map((x) => x.target))),
  )
  const names = targets.flatMap((t) => {
    if (t?.target !== 'CT') return []
    return [
      ...(t.helper === undefined ? [] : [`helper ${t.helper}`]),
      ...(t.timeout === undefined ? [] : [`timeout policy ${t.timeout}`]),
    ]
  })
  return [...new Set(names)]
}
