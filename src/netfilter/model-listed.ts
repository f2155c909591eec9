// The rule model, continued: matches that are kept as the options iptables prints, in its order and its words.
// Spec: iptables-extensions(8) 1.8.9. What an option means is read from its text where the match is evaluated.

export type ListedName =
  | 'ah'
  | 'bpf'
  | 'cgroup'
  | 'cluster'
  | 'connlabel'
  | 'dccp'
  | 'devgroup'
  | 'dst'
  | 'esp'
  | 'eui64'
  | 'frag'
  | 'hbh'
  | 'helper'
  | 'ipcomp'
  | 'ipvs'
  | 'ipv6header'
  | 'mh'
  | 'osf'
  | 'policy'
  | 'rateest'
  | 'realm'
  | 'rt'
  | 'socket'
  | 'srh'
  | 'string'
  | 'tcpmss'
  | 'u32'

export interface ListedOption {
  /** Without the dashes. */
  readonly option: string
  readonly not: boolean
  /** What is printed behind it; '' for an option without a value. */
  readonly text: string
}

export interface ListedMatch {
  readonly match: ListedName
  readonly options: readonly ListedOption[]
}

/** An option of a match by its name. */
export function listed(m: ListedMatch, option: string): ListedOption | undefined {
  return m.options.find((o) => o.option === option)
}

/** The text of a free word as iptables prints it, without its quotes. */
export function unquoted(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text
}

/** `FROM:TO` or one number. */
export function listedRange(text: string): { readonly from: number; readonly to: number } {
  const [from, to = from] = text.split(':')
  return { from: Number(from), to: Number(to) }
}

/** `VALUE` or `VALUE/MASK`. */
export function listedMasked(text: string): { readonly value: number; readonly mask: number } {
  const [value, mask = '0xffffffff'] = text.split('/')
  return { value: Number(value), mask: Number(mask) }
}
