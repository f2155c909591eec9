// A small host (that of test/reference/scene.ts) asked of both engines at once: they must give the same answer, which is
// then compared with what the kernel gave.
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Answer, Packet } from '../../src/net/packet.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { namespace, packet, type SceneParts } from '../reference/scene.js'

/** Marks what is forwarded: 1 NEW, 2 ESTABLISHED, 3 INVALID, 4 RELATED, 5 UNTRACKED. */
export const MARK_STATES: Readonly<Record<string, string>> = {
  mangle: ['NEW', 'ESTABLISHED', 'INVALID', 'RELATED', 'UNTRACKED']
    .map((state, i) => `-A FORWARD -m conntrack --ctstate ${state} -j MARK --set-xmark 0x${i + 1}/0xffffffff`)
    .join('\n'),
}

export class Both {
  readonly reference: ReferenceEngine
  readonly engine: Engine

  constructor(parts: SceneParts | NetworkNamespace, seed = 0) {
    const ns = 'policyRules' in parts && 'assumed' in parts ? parts : namespace(parts)
    this.reference = new ReferenceEngine(ns, { seed })
    this.engine = new Engine(ns, { seed, maxConnections: 64 })
  }

  /** `eth0 tcp 10.0.0.1:1 > 10.0.0.2:2`, and more fields. */
  send(text: string, more: Partial<Packet> = {}): Answer {
    const given = packet(text, more)
    const options = { ct: true, trace: true }
    const answer = this.reference.process(given, options)
    assert.equal(this.engine.process(given, options), answer)
    assert.equal(this.engine.conntrack(), this.reference.conntrack())
    return answer
  }

  /** `STATE timeout mark`, `timeout mark` without states, or what happened instead. */
  say(text: string, more: Partial<Packet> = {}): string {
    const a = this.send(text, more)
    const verdict = a.verdict === 'forward' ? '' : `${a.verdict} `
    if (!a.ct) return `${verdict}none ${a.mark ?? ''}`.trim()
    return `${verdict}${a.ct.state ? `${a.ct.state} ` : ''}${a.ct.timeout} ${a.mark ?? ''}`.trim()
  }
}
