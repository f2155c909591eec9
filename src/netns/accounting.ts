// Rules that make the kernel count what connections carry: loading one switches the sysctl on, and nothing switches it off.
// Kernel: net/netfilter/xt_connbytes.c (connbytes_mt_check).
import type { NetworkNamespace } from './model.js'

const KEY = 'net.netfilter.nf_conntrack_acct'

/** The namespace with its rules loaded. */
export function withAccounting(ns: NetworkNamespace): NetworkNamespace {
  const asked = ns.rulesets.some((r) =>
    r.tables.some((t) =>
      t.chains.some((c) => c.rules.some((rule) => rule.matches.some((m) => m.match === 'connbytes'))),
    ),
  )
  const on = asked && Number(ns.sysctls[KEY] ?? 0) === 0
  return on ? { ...ns, sysctls: { ...ns.sysctls, [KEY]: '1' } } : ns
}
