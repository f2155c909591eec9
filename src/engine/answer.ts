// Result records of the core as answers.
import {
  REASON_NO_ADDRESS,
  REASON_NOT_FOR_US,
  REASON_TOO_BIG,
  RESULT_CHAIN_OFF,
  RESULT_ERRNO_OFF,
  RESULT_FLAGS_OFF,
  RESULT_FRAGMENT,
  RESULT_IN_LINK_OFF,
  RESULT_MARK_OFF,
  RESULT_OUT_LINK_OFF,
  RESULT_OUT_PORT_OFF,
  RESULT_QUEUE_OFF,
  RESULT_QUOTES,
  RESULT_REASON_OFF,
  RESULT_REJECT_OFF,
  RESULT_RULE_OFF,
  RESULT_VERDICT_OFF,
  SECTION_LINES,
  VERDICT_DROP,
  VERDICT_LOCAL,
  VERDICT_QUEUE,
  VERDICT_REJECT,
} from '../../assembly/layout.js'
import { fileOfRule, type Image, sectionWords } from '../compile/image.js'
import { isLaterFragment } from '../net/fragment.js'
import type { Answer, DroppedBy, DropReason, Packet, Verdict } from '../net/packet.js'
import { readHeader, readHeaderInto, readNumbers } from './header.js'

/** By VERDICT_*; 0: not processed. */
export const VERDICTS: readonly Verdict[] = ['skipped', 'forward', 'out', 'local', 'reject', 'drop', 'queue']

const REASONS: readonly (DropReason | null)[] = [
  null,
  'martian source',
  'martian destination',
  'rp_filter',
  'no route',
  'unreachable',
  'prohibit',
  'blackhole',
  'throw',
  'forwarding is off',
  'ttl exceeded',
  'nat: no free tuple',
  'nat: clash at confirmation',
  'nat: no address',
  'conntrack table full',
  'multicast not for this host',
  'invalid source for sending',
  'nat: interface changed',
  'fragment kept for reassembly',
  'fragments do not fit together',
  'taken by a socket',
  'too big',
  ...new Array<null>(REASON_NOT_FOR_US - REASON_TOO_BIG - 1).fill(null),
  'not for this host',
  'bridge: port state',
  'bridge: source address',
  'bridge: no port',
]
const ERRNOS: readonly string[] = ['', 'EPERM', 'EHOSTUNREACH', 'EACCES', 'ENETUNREACH', 'EINVAL']

/** iptables' names of the answers, by REJECT_* code. */
export const REJECT_NAMES: readonly string[] = [
  'icmp-net-unreachable',
  'icmp-host-unreachable',
  'icmp-proto-unreachable',
  'icmp-port-unreachable',
  'icmp-net-prohibited',
  'icmp-host-prohibited',
  'icmp-admin-prohibited',
  'tcp-reset',
  'icmp6-no-route',
  'icmp6-adm-prohibited',
  'icmp6-addr-unreachable',
  'icmp6-port-unreachable',
  'icmp6-policy-fail',
  'icmp6-reject-route',
  'icmp-ttl-exceeded',
  'icmp6-hop-limit-exceeded',
  'icmp6-beyond-scope',
  'icmp-4/0',
  'icmp-frag-needed',
  'icmp6-packet-too-big',
]

/** Of a fragment only the first shows what stands behind the IP header. */
function showFragment(answer: Answer, frag: number): void {
  answer.frag = frag
  if (!isLaterFragment(answer)) return
  for (const key of ['sport', 'dport', 'flags', 'icmp_type', 'icmp_code', 'icmp_id', 'inner'] as const)
    delete answer[key]
}

/** Decodes the results of one image. */
export class AnswerReader {
  readonly #image: Image
  readonly #lines: Uint32Array

  constructor(image: Image) {
    this.#image = image
    this.#lines = sectionWords(image.bytes, SECTION_LINES)
  }

  #droppedBy(view: DataView, at: number): DroppedBy {
    const reason = view.getUint32(at + RESULT_REASON_OFF, true)
    const text = REASONS[reason] ?? null
    if (text !== null && reason !== REASON_NO_ADDRESS) return { reason: text }
    const { symbols } = this.#image
    const chain = symbols.chains[view.getUint32(at + RESULT_CHAIN_OFF, true)]!
    const rule = view.getUint32(at + RESULT_RULE_OFF, true)
    const file = fileOfRule(symbols, chain, chain.counter + rule)
    const line = rule === 0 ? 0 : (this.#lines[chain.counter + rule] ?? 0)
    return {
      table: chain.table,
      chain: chain.name,
      rule: rule === 0 ? 'policy' : rule,
      ...(file !== '' && (rule === 0 || line > 0) ? { file } : {}),
      ...(line > 0 ? { line } : {}),
      ...(text === null ? {} : { reason: text }),
    }
  }

  /** The answer that stands at `at`; what it quotes stands at `quote`. */
  read(view: DataView, at: number, quote: number, packet: Packet): Answer {
    const word = (offset: number): number => view.getUint32(at + offset, true)
    const verdict = word(RESULT_VERDICT_OFF)
    const answer: Answer = { verdict: VERDICTS[verdict] ?? 'skipped', in: packet }
    if (packet.id !== undefined) answer.id = packet.id
    if (verdict === 0) return answer
    const { links } = this.#image.symbols
    const quotes = (word(RESULT_FLAGS_OFF) & RESULT_QUOTES) !== 0
    const fragment = (word(RESULT_FLAGS_OFF) & RESULT_FRAGMENT) !== 0 ? packet.frag : undefined
    if (verdict === VERDICT_QUEUE) answer.queue = word(RESULT_QUEUE_OFF)
    if (verdict === VERDICT_DROP || verdict === VERDICT_REJECT || verdict === VERDICT_QUEUE) {
      answer.dropped_by = this.#droppedBy(view, at)
      const errno = ERRNOS[word(RESULT_ERRNO_OFF)] ?? ''
      if (errno !== '') answer.errno = errno
      if (verdict !== VERDICT_REJECT) return answer
      const header = readHeader(view, at)
      const link = word(RESULT_OUT_LINK_OFF)
      answer.reject_with = REJECT_NAMES[word(RESULT_REJECT_OFF) - 1] ?? ''
      answer.reply = {
        ...header,
        ...(quotes ? { inner: { ...readHeader(view, quote), ...(fragment ? { frag: fragment } : {}) } } : {}),
        ...(header.proto === 'tcp' ? readNumbers(view, at) : {}),
        out_iface: link === 0 ? 'local' : links[link]!,
      }
      return answer
    }
    if (verdict === VERDICT_LOCAL) answer.in_iface = links[word(RESULT_IN_LINK_OFF)] ?? ''
    else {
      answer.out_iface = links[word(RESULT_OUT_LINK_OFF)] ?? ''
      const port = word(RESULT_OUT_PORT_OFF)
      if (port !== 0) answer.out_port = links[port]!
    }
    readHeaderInto(answer, view, at)
    if (quotes) answer.inner = readHeader(view, quote)
    answer.mark = word(RESULT_MARK_OFF)
    if (fragment !== undefined) showFragment(answer, fragment)
    return answer
  }
}
