// Draws: the function by numbers from an independent program, and what the draws decide.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { jhash2 } from '../../src/reference/jhash.js'
import { prf } from '../../src/reference/prf.js'
import { route, Scene } from './scene.js'

const test = suite('reference: draws')

test('the function', () => {
  assert.is(prf(0n, 0n, 0n, 0n), 0x365afc61535b3920n)
  assert.is(prf(1n, 2n, 3n, 4n), 0xab5d77742383580fn)
  assert.is(prf((1n << 64n) - 1n, 7n, 1n, 0n), 0xbd3c1fa13dfce33bn)
})

test('jhash2 for every length up to four', () => {
  assert.is(jhash2([], 1), 3735928560)
  assert.is(jhash2([7], 9), 1196039393)
  assert.is(jhash2([1, 2], 3), 623346101)
  assert.is(jhash2([0xffffffff, 0xffffffff, 0xffffffff], 0), 1846109353)
  assert.is(jhash2([1, 2, 3, 4], 5), 1934986293)
})

// u of packets 0..5 with seed 0 is .21 .91 .85 .20 .71 .01 of the interval.
test('a ladder of statistic rules is one comparison of u', () => {
  const scene = new Scene({
    rules: {
      mangle: `-A PREROUTING -m statistic --mode random --probability 0.33333333349 -j MARK --set-xmark 0x1/0xffffffff
-A PREROUTING -m mark --mark 0x0 -m statistic --mode random --probability 0.50000000000 -j MARK --set-xmark 0x2/0xffffffff
-A PREROUTING -m mark --mark 0x0 -j MARK --set-xmark 0x3/0xffffffff`,
    },
  })
  const marks = [0, 1, 2, 3, 4, 5].map((i) => scene.send(`eth0 udp 192.168.0.50:${i} > 10.244.0.5:53`).mark)
  assert.equal(marks, [1, 3, 3, 1, 3, 1])
})

test('the negation inverts the outcome and not the interval', () => {
  const rule = '-m statistic --mode random ! --probability 0.5'
  const scene = new Scene({ rules: { filter: `-A FORWARD ${rule} -j DROP` } })
  assert.is(scene.ask('eth0 udp 192.168.0.50:1 > 10.244.0.5:53'), 'forward pod0 192.168.0.50:1 > 10.244.0.5:53')
  assert.is(scene.ask('eth0 udp 192.168.0.50:1 > 10.244.0.5:53'), 'drop filter:FORWARD:1')
})

// Visit 0 is PREROUTING of mangle; visit 1 its user chain: another u, another interval.
test('each chain that is entered has its own draw', () => {
  const half = '-m statistic --mode random --probability 0.5'
  const body = `:C - [0:0]\n-A PREROUTING ${half} -j MARK --or-mark 0x1\n-A PREROUTING -j C\n-A PREROUTING ${half} -j MARK --or-mark 0x4\n-A C ${half} -j MARK --or-mark 0x2`
  const scene = new Scene({ rules: { mangle: body } })
  const u0 = Number(prf(0n, 0n, 0n, 0n) >> 2n) / 2 ** 62
  const u1 = Number(prf(0n, 0n, 0n, 1n) >> 2n) / 2 ** 62
  // After the first match the interval is [0, 1/2): the third rule asks for u < 1/4.
  const expected = (u0 < 0.5 ? 1 : 0) | (u1 < 0.5 ? 2 : 0) | (u0 < 0.25 ? 4 : 0)
  assert.is(scene.send('eth0 udp 192.168.0.50:1 > 10.244.0.5:53').mark, expected)
})

// The first 31-bit draws of packets 0..3 are .14 .34 .52 .99; weights 1 and 2 put the bound at 1/3.
test('multipath by weight', () => {
  const nextHops = [
    { dev: 'eth0', via: '192.168.0.8', weight: 1 },
    { dev: 'eth0', via: '192.168.0.9', weight: 2 },
  ]
  const scene = new Scene({ routes: [route({ dst: '20.0.0.0/8', nextHops })] })
  const via = (): unknown => {
    const { steps = [] } = scene.send('pod0 udp 10.244.0.5:1 > 20.0.0.1:1')
    return steps.flatMap((s) => (s.step === 'route' ? [s.via] : []))[0]
  }
  assert.equal([via(), via(), via(), via()], ['192.168.0.8', '192.168.0.9', '192.168.0.9', '192.168.0.9'])
})

test('the seed changes the draws, and only them', () => {
  const rules = { filter: '-A FORWARD -m statistic --mode random --probability 0.5 -j DROP' }
  const run = (seed: number | bigint): string[] => {
    const scene = new Scene({ rules }, { seed })
    return [1, 2, 3, 4, 5, 6, 7, 8].map((i) => scene.send(`eth0 udp 192.168.0.50:${i} > 10.244.0.5:53`).verdict)
  }
  assert.equal(run(1), run(1n))
  assert.is.not(run(1).join(), run(2).join())
})

test.run()
