// Which rules switch conntrack and reassembly on. Expected: an entry was there, or not, after a packet through a kernel
// (Linux 6.18) whose only rule was that one.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Rule } from '../../src/netfilter/model.js'
import { needsConntrack, needsReassembly } from '../../src/netfilter/needs.js'

const withMatch = (match: string): Rule => ({ matches: [{ match }], line: 1 }) as unknown as Rule
const withTarget = (target: string, more = {}): Rule =>
  ({ matches: [], target: { target, ...more }, line: 1 }) as unknown as Rule

const test = suite('netfilter: needs')

test('matches', () => {
  for (const m of ['connlimit', 'connbytes', 'connlabel', 'helper', 'cluster', 'connmark', 'state', 'conntrack'])
    assert.is(needsConntrack(withMatch(m)), true, m)
  for (const m of ['socket', 'recent', 'physdev', 'addrtype', 'osf', 'rpfilter', 'limit', 'ecn', 'quota', 'hashlimit'])
    assert.is(needsConntrack(withMatch(m)), false, m)
})

test('targets', () => {
  for (const t of ['CT', 'CONNMARK', 'CONNSECMARK', 'SYNPROXY', 'NETMAP', 'SNAT', 'DNAT', 'MASQUERADE', 'REDIRECT'])
    assert.is(needsConntrack(withTarget(t)), true, t)
  for (const t of ['TPROXY', 'NOTRACK', 'TEE', 'IDLETIMER', 'CHECKSUM', 'REJECT', 'RETURN'])
    assert.is(needsConntrack(withTarget(t)), false, t)
  assert.is(needsConntrack(withTarget('CT', { notrack: true })), false)
})

test('whole packets are wanted by what tracks, by TPROXY and by socket', () => {
  assert.is(needsReassembly(withMatch('state')), true)
  assert.is(needsReassembly(withMatch('socket')), true)
  assert.is(needsReassembly(withTarget('TPROXY')), true)
  assert.is(needsReassembly(withTarget('CT', { notrack: true })), false)
})

test.run()
