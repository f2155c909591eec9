// Matches whose facts no kernel case here can show: sockets, groups of interfaces, what is asked for. Expected: by the kernel's
// net/netfilter/xt_socket.c, xt_devgroup.c, net/ipv6/netfilter/ip6t_ipv6header.c.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LINKS } from '../reference/scene.js'
import { marked } from '../support/marked.js'

const test = suite('matches kept by their options')

test('socket: none, bound, to all addresses, transparent', () => {
  const matches = [
    '-m socket',
    '-m socket --transparent',
    '-m socket --nowildcard',
    '-m socket --transparent --nowildcard',
  ]
  const line = 'eth0 udp 192.168.0.50:9 > 192.168.0.2:53'
  const kinds = ['none', 'bound', 'wildcard', 'transparent bound', 'transparent wildcard'] as const
  const got = marked(
    matches,
    kinds.map((socket) => [line, { socket }] as const),
  )
  // A socket bound to all addresses counts with --nowildcard only.
  assert.equal(got, ['', '13', '3', '1234', '34'])
})

test('socket: asked for where a look-up would be made, and nowhere else', () => {
  const got = marked(
    ['-m socket'],
    [
      'eth0 tcp 192.168.0.50:9 > 192.168.0.2:80',
      'eth0 icmp 192.168.0.50 > 192.168.0.2',
      'eth0 gre 192.168.0.50 > 192.168.0.2',
    ],
  )
  assert.equal(got, ['stopped', '', ''])
})

test('devgroup: values and masks, inverted', () => {
  const links = LINKS.map((l) => (l.name === 'eth0' ? { ...l, group: 6 } : l))
  const got = marked(
    ['--src-group 0x6', '! --src-group 0x6', '--src-group 0x4/0xc', '--src-group default', '! --src-group 0x1/0x1'].map(
      (m) => `-m devgroup ${m}`,
    ),
    ['eth0 udp 192.168.0.50:9 > 10.244.0.5:53', 'pod0 udp 10.244.0.5:9 > 192.168.0.50:53'],
    { links },
  )
  assert.equal(got, ['135', '245'])
})

test('SPIs, TCP options and extension headers are asked for when the packet does not say', () => {
  assert.equal(marked(['-p esp -m esp --espspi 5'], ['eth0 esp 192.168.0.50 > 10.244.0.5']), ['stopped'])
  const tcp = 'eth0 tcp 192.168.0.50:9 > 10.244.0.5:80'
  assert.equal(marked(['-p tcp -m tcp --tcp-option 2'], [tcp, [tcp, { extra_len: 4 }]]), ['', 'stopped'])
  const six = 'eth0 udp [fd00::50]:9 > [fd00:10:244::5]:80'
  assert.equal(marked(['-m ipv6header --header protocol'], [six, [six, { extra_len: 8 }]]), ['1', 'stopped'])
  assert.equal(marked(['-m hbh'], [six, [six, { extra_len: 8 }]]), ['', 'stopped'])
})

test.run()
