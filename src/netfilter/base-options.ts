// The options that iptables itself has, and which match a protocol brings along. Owns these tables.
// Spec: iptables(8) 1.8.9.
import type { Target } from './model.js'

/** Long options and the letters of the short ones that mean the same; `0`: it has none. */
export const LONG: ReadonlyMap<string, string> = new Map(
  Object.entries({
    append: 'A',
    delete: 'D',
    check: 'C',
    insert: 'I',
    replace: 'R',
    list: 'L',
    'list-rules': 'S',
    flush: 'F',
    zero: 'Z',
    'new-chain': 'N',
    'delete-chain': 'X',
    'rename-chain': 'E',
    policy: 'P',
    source: 's',
    destination: 'd',
    src: 's',
    dst: 'd',
    protocol: 'p',
    'in-interface': 'i',
    jump: 'j',
    table: 't',
    match: 'm',
    numeric: 'n',
    'out-interface': 'o',
    verbose: 'v',
    wait: 'w',
    'wait-interval': 'W',
    exact: 'x',
    fragments: 'f',
    version: 'V',
    help: 'h',
    'line-numbers': '0',
    modprobe: 'M',
    'set-counters': 'c',
    goto: 'g',
    ipv4: '4',
    ipv6: '6',
  }),
)
/** All letters. */
export const SHORT = 'ADCIRLSFZNXEPsdpijtmnovwWxfVhMcg46'
/** Other names of matches. */
export const MATCH_ALIASES: ReadonlyMap<string, string> = new Map([
  ['icmpv6', 'icmp6'],
  ['ipv6-icmp', 'icmp6'],
])
/** The match whose options may follow without `-m`, by protocol. */
export const IMPLIED: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [58, 'icmp6'],
  [33, 'dccp'],
  [50, 'esp'],
  [51, 'ah'],
  [108, 'ipcomp'],
  [132, 'sctp'],
  [135, 'mh'],
])
/** Targets that are verdicts. */
export const VERDICTS: ReadonlyMap<string, Target> = new Map(
  (['ACCEPT', 'DROP', 'RETURN'] as const).map((target) => [target, { target }]),
)
