// Which ICMPv6 messages have an id that NAT writes: echoes; of a node information query only the entry has another one.
// Expected: what Linux 6.18.44 did (icmpv6_manip_pkt).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Both } from './both.js'

const test = suite('conntrack: ids of ICMPv6')
const SNAT = '-A POSTROUTING -p ipv6-icmp -j SNAT --to-source fd00::2 --random-fully'

for (const [type, reply] of [
  [128, 129],
  [139, 140],
] as const)
  test(`type ${type}`, () => {
    const both = new Both({ rules6: { nat: SNAT } }, 5)
    const more = { icmp_type: type, icmp_code: 0, icmp_id: 7 }
    const first = both.send('pod0 icmpv6 fd00:10:244::5 > fd00::9', more)
    const chosen = first.ct!.reply.icmp_id!
    assert.is.not(chosen, 7, 'the id is drawn')
    assert.is(first.src, 'fd00::2')
    assert.is(first.icmp_id, type === 128 ? chosen : 7)
    const back = both.send('eth0 icmpv6 fd00::9 > fd00::2', { icmp_type: reply, icmp_code: 0, icmp_id: chosen })
    assert.is(back.dst, 'fd00:10:244::5')
    assert.is(back.icmp_id, type === 128 ? 7 : chosen)
  })

test.run()
