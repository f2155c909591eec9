// Which of a few matches hold for packets: each match is a rule that sets one bit of the mark; both engines must say the same.
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Packet } from '../../src/net/packet.js'
import type { DataPlaneOptions } from '../../src/netns/dataplane.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { namespace, packet, type SceneParts } from '../reference/scene.js'

export interface MarkedParts extends SceneParts {
  /** Where the rules stand, in table mangle. Default: PREROUTING. */
  readonly chain?: string
  readonly options?: DataPlaneOptions
}

/**
 * For each packet (as test/reference/scene.ts reads it, with more fields) the numbers, from 1, of the matches that hold,
 * written one after the other: '13', '' for none; `drop`, `reject` when it went nowhere, `stopped` when a field was asked for.
 */
export function marked(
  matches: readonly string[],
  packets: readonly (string | readonly [string, Partial<Packet>])[],
  { chain = 'PREROUTING', options = {}, ...parts }: MarkedParts = {},
): string[] {
  const six = packets.some((p) => (typeof p === 'string' ? p : p[0]).includes('['))
  const rules = matches.map((m, i) => `-A ${chain} ${m} -j MARK --or-mark 0x${(1 << i).toString(16)}`).join('\n')
  const key = six ? 'rules6' : 'rules'
  const ns = namespace({ ...parts, [key]: { ...parts[key], mangle: rules } })
  const say = (plane: ReferenceEngine | Engine): string[] =>
    packets.map((p) => {
      const given = typeof p === 'string' ? packet(p) : packet(p[0], p[1])
      let answer: ReturnType<Engine['process']>
      try {
        answer = plane.process(given)
      } catch (error) {
        if ((error as Error).name !== 'MissingFieldError') throw error
        return 'stopped'
      }
      if (answer.mark === undefined) return answer.verdict
      const { mark } = answer
      return matches.map((_, i) => ((mark >>> i) & 1 ? String(i + 1) : '')).join('')
    })
  const want = say(new ReferenceEngine(ns, options))
  assert.equal(say(new Engine(ns, options)), want, 'engine and reference')
  return want
}
