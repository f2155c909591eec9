// Reading the targets that map one prefix to another of the same shape: NETMAP (nat), SNPT and DNPT (IPv6, mangle).
// Spec: iptables-extensions(8); net/netfilter/xt_NETMAP.c, net/ipv6/netfilter/ip6t_NPT.c for what the kernel takes.
import { maskAddress, maskWords, parseIpv6 } from '../net/ip.js'
import { type Draft, type Extension, must, type Option, options, refuse } from './extension.js'
import type { Family, Prefix, Target } from './model.js'
import { address, prefix, uint } from './words.js'

/** The prefix of NETMAP. A mask that is no prefix length counts for nothing: the whole address is meant, as for iptables. */
function netmapPrefix(word: string, family: Family): Prefix | undefined {
  const slash = word.indexOf('/')
  const host = address(slash < 0 ? word : word.slice(0, slash), family)
  if (host === undefined) return undefined
  const whole = `${host}/${family === 'ipv4' ? 32 : 128}`
  if (slash < 0) return whole
  const masked = prefix(word, family)
  return masked === undefined || /\/\d+$/.test(masked) ? masked : whole
}

type NetmapDraft = Draft<Extract<Target, { readonly target: 'NETMAP' }>>
const netmap: Extension<NetmapDraft> = {
  name: 'NETMAP',
  start: () => ({ target: 'NETMAP' }),
  options: options<NetmapDraft>({
    to: {
      words: 1,
      read: (d, w) => {
        const expected = w.rule.family === 'ipv4' ? 'IPv4' : 'IPv6'
        d.to = must(w, netmapPrefix(w.word, w.rule.family), `ADDRESS or ADDRESS/MASK with an ${expected} address`)
      },
    },
  }),
  end(d) {
    if (d.to === undefined) refuse('NETMAP needs --to')
  },
}

/** Longest prefix that NPT maps: the other half of an address takes up the difference of the checksums. */
const NPT_MOST = 64

/** `ADDRESS/LENGTH` without bits behind the prefix; the kernel refuses others. */
function nptPrefix(word: string): Prefix | undefined {
  const [, host = '', mask = ''] = /^([^/]*)\/([^/]*)$/.exec(word) ?? []
  const address = parseIpv6(host)
  const canonical = prefix(word, 'ipv6')
  if (address === null || canonical === undefined) return undefined
  const length = uint(canonical.slice(canonical.indexOf('/') + 1), 0, NPT_MOST)
  if (length === undefined || mask === '') return undefined
  const bits = maskWords('ipv6', length)
  return maskAddress(address, bits).every((bitsKept, i) => bitsKept === address[i]) ? canonical : undefined
}

type NptDraft = Draft<Extract<Target, { readonly target: 'SNPT' | 'DNPT' }>>
function nptOption(key: 'srcPrefix' | 'dstPrefix'): Option<NptDraft> {
  return {
    words: 1,
    read: (d, w) => {
      d[key] = must(w, nptPrefix(w.word), `PREFIX/LENGTH of at most ${NPT_MOST} bits, the rest of its address zero`)
    },
  }
}

function npt(name: 'SNPT' | 'DNPT'): Extension<NptDraft> {
  return {
    name,
    family: 'ipv6',
    start: () => ({ target: name }),
    options: options<NptDraft>({ 'src-pfx': nptOption('srcPrefix'), 'dst-pfx': nptOption('dstPrefix') }),
    end(d) {
      if (d.srcPrefix === undefined || d.dstPrefix === undefined) refuse(`${name} needs --src-pfx and --dst-pfx`)
    },
  }
}

/** The targets that map prefixes. */
export const MAP_TARGETS: readonly Extension<never>[] = [netmap, npt('SNPT'), npt('DNPT')] as never
