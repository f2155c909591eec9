// Matches on single header fields as iptables-save prints them.
import type { Negatable } from './model.js'
import type { HeaderMatch } from './model-header.js'

const not = (negatable: Negatable<unknown>): string => (negatable.not ? ' !' : '')
const hex2 = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`

/** With a leading blank. */
export function printHeaderMatch(m: HeaderMatch): string {
  switch (m.match) {
    case 'length': {
      const { from, to } = m.length.value
      return ` -m length${not(m.length)} --length ${from === to ? from : `${from}:${to}`}`
    }
    case 'ttl':
    case 'hl':
      return ` -m ${m.match}${m.op === 'ne' ? ' !' : ''} --${m.match}-${m.op === 'ne' ? 'eq' : m.op} ${m.value}`
    case 'tos':
      return ` -m tos${not(m.tos)} --tos ${hex2(m.tos.value.value)}/${hex2(m.tos.value.mask)}`
    case 'dscp':
      return ` -m dscp${not(m.dscp)} --dscp ${hex2(m.dscp.value)}`
    case 'ecn':
      return ` -m ecn${m.ece ? `${not(m.ece)} --ecn-tcp-ece` : ''}${m.cwr ? `${not(m.cwr)} --ecn-tcp-cwr` : ''}${
        m.ect ? `${not(m.ect)} --ecn-ip-ect ${m.ect.value}` : ''
      }`
    case 'cpu':
      return ` -m cpu${not(m.cpu)} --cpu ${m.cpu.value}`
  }
}
