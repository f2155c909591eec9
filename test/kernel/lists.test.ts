// What rules keep of packets against the running kernel: recent's lists (full ones, hit counts, reaping, hop limits, masks),
// hashlimit's tables (bursts, expiry, cleaning, rates, bytes), and rpfilter's questions. Both families.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Family } from '../../src/netfilter/model.js'
import { haveKernel } from '../support/needs.js'
import { type Directed, ENDS, type Line, matched, runDirected } from './directed.js'
import { Machine } from './machine.js'

const test = suite('kernel: lists')
const FAMILIES = ['ipv4', 'ipv6'] as const

/** Address `n` of many beyond eth0. */
const source = (family: Family, n: number): string =>
  family === 'ipv4' ? `172.16.${n >> 8}.${n & 255}` : `fd16::${(n >> 8).toString(16)}:${(n & 255).toString(16)}`
const udp = (family: Family, n: number, more: Line = {}): Line => ({
  iface: 'eth0',
  proto: 'udp',
  src: source(family, n),
  dst: ENDS[family][1],
  sport: 1000,
  dport: 53,
  ...more,
})
const whole = (family: Family): string =>
  family === 'ipv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
const chain = (lines: readonly string[]): string => lines.map((line) => `-A FORWARD ${line}`).join('\n')

/** The kernel's cleaning and its intervals go by real time: what differs once may be late. What differs each time is wrong. */
const TRIES = 4

/** Runs a case on both backends; no difference, and each of these rules matched sometimes and not always. */
async function agrees(machine: Machine, it: Directed, rules: readonly number[]): Promise<void> {
  for (const backend of ['legacy', 'nft'] as const) {
    let { faults, run } = await runDirected(machine, { ...it, backend })
    for (let again = 1; faults.length > 0 && again < TRIES; again++) {
      process.stdout.write(`differed, tried again: ${faults[0]!.slice(0, 60)}\n`)
      ;({ faults, run } = await runDirected(machine, { ...it, backend }))
    }
    assert.equal(faults, [], `${it.family} ${backend}`)
    const table = Object.keys(it.rules)[0]!
    const name = it.rules[table]!.includes('-A PREROUTING') ? 'PREROUTING' : 'FORWARD'
    for (const n of rules) {
      const hits = matched(run, `${table}:${name}`, n)
      assert.ok(hits > 0 && hits < run.packets.length, `rule ${n} matched ${hits} of ${run.packets.length}`)
    }
  }
}

if (haveKernel('kernel: lists')) {
  const machine = new Machine()
  for (const family of FAMILIES) {
    const mask = whole(family)
    const both = `--mask ${mask} --rsource`

    test(`recent: a full list loses who was not seen longest, ${family}`, async () => {
      const rules = {
        filter: chain([
          `-p udp -m udp --dport 1 -m recent --rcheck --name L ${both}`,
          `-p udp -m udp --dport 53 -m recent --set --name L ${both}`,
          `-p udp -m udp --dport 2 -m recent --remove --name L ${both}`,
          `-p udp -m udp --dport 3 -m recent ! --update --name L ${both}`,
        ]),
      }
      const lines: Line[] = []
      for (let n = 0; n < 100; n++) lines.push(udp(family, n))
      // Two are seen again, so that others are older.
      lines.push(udp(family, 0), udp(family, 5, { dport: 3 }))
      for (let n = 100; n < 108; n++) lines.push(udp(family, n))
      lines.push(udp(family, 50, { dport: 2 }), udp(family, 50, { dport: 2 }), udp(family, 200))
      for (let n = 0; n < 12; n++) lines.push(udp(family, n, { dport: 1 }), udp(family, n, { dport: 3 }))
      for (const n of [50, 99, 107, 200]) lines.push(udp(family, n, { dport: 1 }))
      await agrees(machine, { family, rules, lines }, [1, 2, 3, 4])
    })

    test(`recent: seconds, hit counts, reaping, ${family}`, async () => {
      const rules = {
        filter: chain([
          `-m recent --rcheck --seconds 1 --hitcount 3 --name A ${both}`,
          `-m recent --update --seconds 1 --reap --name B ${both}`,
          `-m recent ! --rcheck --seconds 1 --reap --name B ${both}`,
          `-p udp -m udp --dport 53 -m recent --set --name A ${both}`,
          `-p udp -m udp --dport 53 -m recent --set --name B ${both}`,
          `-m recent --update --hitcount 2 --name C ${both}`,
          `-m recent ! --set --name C ${both}`,
        ]),
      }
      const at = (ms: number, n: number, dport = 53): Line => udp(family, n, { at_ms: ms, dport })
      const lines = [
        ...[at(0, 1), at(0, 1), at(0, 1), at(0, 1), at(0, 2), at(0, 3)],
        ...[at(500, 1, 1), at(500, 2, 1), at(700, 3), at(700, 3)],
        ...[at(1300, 1, 1), at(1300, 2, 1), at(1300, 3, 1), at(1300, 3, 1), at(1300, 1)],
        ...[at(2600, 1, 1), at(2600, 2, 1), at(2600, 3), at(2600, 3), at(2600, 3), at(2600, 3)],
      ]
      await agrees(machine, { family, rules, lines }, [1, 2, 3, 4, 5, 6])
    })

    test(`recent: hop limits, masks, destinations, ${family}`, async () => {
      const wide = family === 'ipv4' ? '255.255.0.0' : 'ffff::'
      const rules = {
        filter: chain([
          `-m recent --rcheck --rttl --name T ${both}`,
          `-m recent --update --seconds 5 --rttl --name T ${both}`,
          `-m ttl --ttl-eq 9 -m recent --set --name T ${both}`.replace(
            family === 'ipv6' ? '-m ttl --ttl-eq 9' : '\0',
            '-m hl --hl-eq 9',
          ),
          `-m recent --rcheck --name W --mask ${wide} --rsource`,
          `-p udp -m udp --dport 7 -m recent --set --name W --mask ${wide} --rsource`,
          `-m recent --rcheck --name D --mask ${mask} --rdest`,
          `-p udp -m udp --dport 7 -m recent --set --name D --mask ${mask} --rdest`,
        ]),
      }
      const lines = [
        ...[udp(family, 1, { ttl: 10 }), udp(family, 1, { ttl: 10 }), udp(family, 1, { ttl: 11 }), udp(family, 2)],
        ...[udp(family, 1, { ttl: 11 }), udp(family, 1, { ttl: 10 }), udp(family, 3, { dport: 7 }), udp(family, 4)],
        ...[udp(family, 600, { dport: 8 }), udp(family, 4, { dst: ENDS[family][1].replace(/5$/, '6') })],
        udp(family, 4, { src: family === 'ipv4' ? '172.17.0.1' : 'fd17::1' }),
      ]
      await agrees(machine, { family, rules, lines }, [1, 2, 3, 4, 5, 6, 7])
    })

    test(`hashlimit: bursts, expiry, cleaning, what is above, ${family}`, async () => {
      const limit = (name: string, text: string): string => `-m hashlimit --hashlimit-${text} --hashlimit-name ${name}`
      const rules = {
        filter: chain([
          limit('a', 'upto 1/sec --hashlimit-burst 3 --hashlimit-mode srcip'),
          limit('b', 'above 2/sec --hashlimit-burst 2 --hashlimit-mode srcip,dstport'),
          // What expired is gone with the next cleaning: the burst is there again.
          limit(
            'c',
            'upto 1/min --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-htable-gcinterval 50 --hashlimit-htable-expire 200',
          ),
          limit(
            'd',
            `upto 1/min --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-srcmask ${family === 'ipv4' ? 16 : 32}`,
          ),
          limit('e', 'upto 1/min --hashlimit-burst 2'),
          limit('f', 'above 100b/s --hashlimit-mode srcip'),
          limit('g', 'upto 200b/s --hashlimit-burst 400b --hashlimit-mode dstip'),
        ]),
      }
      const lines: Line[] = []
      for (const at_ms of [0, 100, 600, 1100, 1600, 2200, 2600]) {
        for (let i = 0; i < 3; i++) lines.push(udp(family, 1, { at_ms }))
        lines.push(udp(family, 2, { at_ms }), udp(family, 1, { at_ms, dport: 54, payload_len: 60 }))
      }
      await agrees(machine, { family, rules, lines }, [1, 2, 3, 4, 5, 6, 7])
    })

    test(`hashlimit: rates over an interval, a full table, ${family}`, async () => {
      const rate = '--hashlimit-rate-match --hashlimit-rate-interval 1'
      const rules = {
        filter: chain([
          `-m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name a ${rate}`,
          `-m hashlimit --hashlimit-above 2/sec --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name b ${rate}`,
          `-p udp -m udp --dport 9 -m hashlimit --hashlimit-upto 9/sec --hashlimit-mode srcip --hashlimit-name c --hashlimit-htable-size 1 --hashlimit-htable-max 2 --hashlimit-htable-expire 60000`,
        ]),
      }
      const lines: Line[] = []
      for (const at_ms of [0, 400, 1200, 2400])
        for (let i = 0; i < 5; i++) lines.push(udp(family, 1, { at_ms }), udp(family, i, { at_ms, dport: 9 }))
      await agrees(machine, { family, rules, lines }, [1, 2, 3])
    })

    test(`rpfilter: loose, marks, own addresses, inverted, ${family}`, async () => {
      const options = ['', '--loose', '--validmark', '--accept-local', '--loose --accept-local', '--validmark --loose']
      const all = options.flatMap((o) => [o, `${o} --invert`])
      const rules = { mangle: all.map((o) => `-A PREROUTING -m rpfilter ${o}`.trim()).join('\n') }
      const [outside, pod] = ENDS[family]
      const own = family === 'ipv4' ? ['192.168.0.2', '10.244.0.1'] : ['fd00::2', 'fd00:10:244::1']
      const far = family === 'ipv4' ? '203.0.113.9' : '2001:db8::9'
      const nowhere = family === 'ipv4' ? '198.51.100.9' : '2001:db8:ff::9'
      const group = family === 'ipv4' ? '224.0.0.1' : 'ff02::1'
      const from = (iface: string, src: string, more: Line = {}): Line => ({
        ...{ iface, proto: 'udp', src, dst: iface === 'eth0' ? pod : outside, sport: 1, dport: 2 },
        ...more,
      })
      const lines = ['eth0', 'pod0'].flatMap((iface) => [
        ...[outside, pod, far, nowhere, ...own].map((src) => from(iface, src)),
        ...[outside, pod, far, nowhere].map((src) => from(iface, src, { mark: 7 })),
        from(iface, iface === 'eth0' ? outside : pod, { dst: own[iface === 'eth0' ? 0 : 1] }),
        from(iface, iface === 'eth0' ? outside : pod, { dst: group }),
      ])
      // A mark leads the way back by the other link.
      const sysctls = { 'net.ipv4.conf.all.accept_local': '1', 'net.ipv4.conf.all.src_valid_mark': '1' }
      const routes = [
        { dst: family === 'ipv4' ? '198.51.100.0/24' : '2001:db8:ff::/48', type: 'blackhole' as const },
        { dst: family === 'ipv4' ? '0.0.0.0/0' : '::/0', table: 100, nextHops: [{ dev: 'pod0', weight: 1 }] },
      ]
      const policyRules = [
        {
          ...{ priority: 100, family, not: false, fwmark: { value: 7, mask: 0xffffffff } },
          action: { type: 'table' as const, table: 100 },
        },
      ]
      const numbers = all.map((_, i) => i + 1)
      await agrees(machine, { family, rules, lines, sysctls, routes, policyRules }, numbers)
    })
  }
  test.after(() => machine.close())
}

test.run()
