// The capture script and the derived routes against a real network namespace.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { deriveRoutes } from '../../src/netns/derive.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { readBundlePath } from '../../src/netns/node/read-bundle.js'
import { haveKernel } from '../support/needs.js'

const test = suite('kernel: capture-node.sh')
const script = fileURLToPath(new URL('../../scripts/capture-node.sh', import.meta.url))

/** Runs shell lines in a new network namespace and captures it. */
function captured(setup: string): { ns: NetworkNamespace; modes: number[]; said: string } {
  const dir = mkdtempSync(join(tmpdir(), 'nodeplane-'))
  try {
    const said = execFileSync(
      'unshare',
      ['-n', 'sh', '-e', '-c', `${setup}\nsh "$0" -b legacy "$1" 2>&1`, script, dir],
      {
        encoding: 'utf8',
      },
    )
    const modes = ['ip-addr.json', 'sysctls', 'iptables-save'].map((name) => statSync(join(dir, name)).mode & 0o777)
    return { ns: readBundlePath(dir), modes, said }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

const VETH = `mk() { ip link add $1 type veth peer name $1x; ip link set $1 addrgenmode none; ip link set $1x addrgenmode none; }
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1
ip link set lo up`

const shown = (routes: NetworkNamespace['routes']): string[] =>
  routes
    .map(
      (r) =>
        `${r.type} ${r.dst} ${r.nextHops.map((h) => h.dev).join()} ${r.table} ${r.scope} ${r.prefsrc ?? '-'} ${r.metric}`,
    )
    .sort()

if (haveKernel('capture and derived routes')) {
  test('routes that follow from addresses are those that the kernel makes', () => {
    const { ns } = captured(`${VETH}
mk d0; mk d1; mk d3
ip link set d0 up; ip link set d3 up
ip addr add 10.0.0.1/24 brd + dev d0; ip addr add 10.0.0.2/24 dev d0; ip addr add 10.0.9.1/32 dev d0
ip addr add 10.0.8.0/31 dev d0; ip addr add 10.0.5.1 peer 10.0.6.0/30 dev d0; ip addr add 10.0.7.1 peer 10.0.7.9 dev d0
ip addr add 10.1.0.1/24 brd + dev d1; ip addr add fd01::1/64 dev d1
ip addr add 10.3.0.1/24 brd 10.3.0.128 dev d3; ip addr add fd03::1/64 dev d3
ip addr add fd00:1::1/64 dev d0; ip addr add fd00:1::2/64 dev d0; ip addr add fd00:2::1/128 dev d0
ip addr add fd00:3::/127 dev d0; ip addr add fd00:5::1 peer fd00:6::1/64 dev d0; ip addr add fe80::5/64 dev d0
ip addr add 10.7.0.1/32 dev lo; ip addr add 10.8.0.1/24 dev lo; ip addr add fd09::1/128 dev lo; ip addr add fd0a::1/64 dev lo
ip addr add 169.254.1.1/16 scope link dev d0`)
    assert.equal(shown(deriveRoutes(ns.links)), shown(ns.routes))
    assert.ok(ns.routes.length > 40)
  })

  test('what is captured is what was set up', () => {
    const { ns, modes, said } = captured(`${VETH}
mk eth0; ip link set eth0 up; ip link set eth0x up
ip addr add 192.168.0.2/24 brd + dev eth0; ip addr add fd00::2/64 dev eth0
ip route add default via 192.168.0.1; ip route add 10.9.0.0/16 nexthop via 192.168.0.3 weight 2 nexthop via 192.168.0.4
ip route add blackhole 10.8.0.0/16; ip route add default via 192.168.0.9 table 100; ip -6 route add fd09::/16 via fd00::9
ip rule add from 10.0.0.0/8 fwmark 0x10/0xff table 100 pref 50; ip -6 rule add iif lo prohibit pref 60
sysctl -qw net.ipv4.conf.eth0.rp_filter=2 net.ipv4.conf.all.route_localnet=1
ipset create S hash:ip,port timeout 0; ipset add S 10.0.0.1,udp:53
iptables-legacy -t nat -A POSTROUTING -o eth0 -m comment --comment "to the outside" -j MASQUERADE
iptables-legacy -A INPUT -m set --match-set S src,dst -j DROP
conntrack -I -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 5 --dport 53 -t 60 -m 7 >/dev/null 2>&1`)
    assert.equal(modes, [0o600, 0o600, 0o600])
    assert.match(said, /capture-node: wrote /)
    const main = ns.routes.filter((r) => r.family === 'ipv4' && r.table !== 255)
    assert.equal(shown(main), [
      'blackhole 10.8.0.0/16  254 global - 0',
      'unicast 0.0.0.0/0 eth0 100 global - 0',
      'unicast 0.0.0.0/0 eth0 254 global - 0',
      'unicast 10.9.0.0/16 eth0,eth0 254 global - 0',
      'unicast 192.168.0.0/24 eth0 254 link 192.168.0.2 0',
    ])
    assert.equal(
      ns.routes.find((r) => r.dst === '10.9.0.0/16')!.nextHops.map((h) => [h.via, h.weight]),
      [
        ['192.168.0.3', 2],
        ['192.168.0.4', 1],
      ],
    )
    assert.equal(
      ns.policyRules.filter((r) => r.priority === 50 || r.priority === 60),
      [
        {
          family: 'ipv4',
          priority: 50,
          not: false,
          from: '10.0.0.0/8',
          fwmark: { value: 16, mask: 255 },
          action: { type: 'table', table: 100 },
        },
        { family: 'ipv6', priority: 60, not: false, iif: 'lo', action: { type: 'prohibit' } },
      ],
    )
    assert.equal(
      [ns.sysctls['net.ipv4.conf.eth0.rp_filter'], ns.sysctls['net.ipv4.conf.all.route_localnet']],
      ['2', '1'],
    )
    assert.is(
      Object.keys(ns.sysctls).some((key) => /secret|kernel/.test(key)),
      false,
    )
    assert.equal(
      ns.sets.map((s) => [s.name, s.type, s.entries.map((e) => e.parts)]),
      [
        [
          'S',
          'hash:ip,port',
          [
            [
              { part: 'net', prefix: '10.0.0.1/32' },
              { part: 'port', proto: 17, port: 53 },
            ],
          ],
        ],
      ],
    )
    assert.equal(ns.rulesets.map((r) => [r.family, r.backend]).slice(0, 1), [['ipv4', 'legacy']])
    assert.equal([ns.connections.length, ns.connections[0]!.orig.dport, ns.connections[0]!.mark], [1, 53, 7])
    assert.is(ns.links.find((l) => l.name === 'eth0')!.kind, 'veth')
  })

  test('what cannot be read is said; without addresses it is no bundle', () => {
    const dir = mkdtempSync(join(tmpdir(), 'nodeplane-'))
    const bin = join(dir, 'bin')
    mkdirSync(bin)
    const link = (name: string): void => {
      const path = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
      symlinkSync(path, join(bin, name))
    }
    for (const name of ['mkdir', 'rm', 'cat', 'tr', 'grep', 'head', 'id', 'chmod']) link(name)
    for (const name of ['iptables-legacy-save', 'ip6tables-legacy-save']) link(name)
    const capture = (): { status: number | null; said: string } => {
      const run = spawnSync(
        'unshare',
        ['-n', '/usr/bin/env', `PATH=${bin}`, '/bin/sh', script, '-b', 'legacy', join(dir, 'b')],
        {
          encoding: 'utf8',
        },
      )
      return { status: run.status, said: run.stderr }
    }
    const without = capture()
    assert.is(without.status, 1)
    assert.match(without.said, /no ip-addr.json: the command ip is not here\n/)
    assert.match(without.said, /is not a whole bundle: ip-addr.json and one of the rule files are needed/)
    link('ip')
    const whole = capture()
    assert.is(whole.status, 0)
    assert.match(whole.said, /no conntrack: the command conntrack is not here\n/)
    assert.match(whole.said, /no ipset-save: the command ipset is not here\n/)
    assert.is(readBundlePath(join(dir, 'b')).links[0]!.name, 'lo')
    rmSync(dir, { recursive: true })
  })
} else {
  test('skipped', () => {})
}

test.run()
