// Drives tun-steps.py: a network namespace of the real kernel, step by step. For tests that need root and iptables.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { decodePacket, encodePacket, LINKTYPE_RAW } from '../../src/net/bytes.js'
import type { Packet } from '../../src/net/packet.js'

export type Step =
  | { readonly sh: string; readonly stdin?: string }
  | { readonly link: string; readonly packet: string }
  | { readonly packet: string; readonly local: true }

export interface StepAnswer {
  readonly out?: string
  readonly err?: string
  readonly status?: number
  readonly frames?: readonly (readonly [string, string])[]
}

const script = fileURLToPath(new URL('./tun-steps.py', import.meta.url))

/** A packet as a step: what is on the wire, by the interface that it names. */
export function packetStep(packet: Packet): Step {
  const hex = Buffer.from(encodePacket(packet)).toString('hex')
  return packet.iface === 'local' ? { packet: hex, local: true } : { link: packet.iface, packet: hex }
}

/** Plays the steps in a namespace with these TUN interfaces; one answer each. */
export function playSteps(
  links: readonly (readonly [string, readonly string[]])[],
  steps: readonly Step[],
): StepAnswer[] {
  const run = spawnSync('python3', [script], {
    input: JSON.stringify({ links, steps }),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const answers = run.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StepAnswer)
  if (run.status !== 0 || answers.length !== steps.length)
    throw new Error(`the steps ended early: ${answers.length} of ${steps.length}\n${run.stderr}`)
  return answers
}

/** What left, as `link proto src:port > dst:port flags`; without frames that are none of ours (neighbour discovery …). */
export function shownFrames(answer: StepAnswer): string[] {
  return (answer.frames ?? []).flatMap(([link, hex]) => {
    const found = decodePacket(Buffer.from(hex, 'hex'), LINKTYPE_RAW)
    if ('problem' in found) return [`${link} ${found.problem}`]
    const { proto, src, dst, sport, dport, flags, icmp_type, icmp_code, icmp_id, ttl, inner } = found.packet
    if (proto === 'icmpv6' && icmp_type !== undefined && icmp_type >= 130) return []
    const header = { proto, src, dst, sport, dport, flags, icmp_type, icmp_code, icmp_id, ttl }
    return [`${link} ${JSON.stringify({ ...header, inner: inner && { src: inner.src, dst: inner.dst } })}`]
  })
}
