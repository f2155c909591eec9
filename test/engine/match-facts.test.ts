// Matches on who sends a packet and on what its line says beyond the header. Expected: by the kernel's net/netfilter/xt_owner.c,
// xt_cgroup.c, xt_osf.c, xt_dccp.c, xt_sctp.c, net/ipv6/netfilter/ip6t_eui64.c, ip6t_mh.c.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { LINKS, namespace, packet } from '../reference/scene.js'
import { marked } from '../support/marked.js'

const test = suite('matches on facts')

const OUT = 'local udp 192.168.0.2:9 > 192.168.0.50:53'
const TCP = 'eth0 tcp 192.168.0.50:9 > 192.168.0.2:80'

test('owner: the other groups count where they are asked', () => {
  const matches = [
    '-m owner --gid-owner 5 --suppl-groups',
    '-m owner ! --gid-owner 5 --suppl-groups',
    '-m owner --gid-owner 5',
    '-m owner --gid-owner 7-9 --suppl-groups',
  ]
  const got = marked(
    matches,
    [
      [OUT, { gid: 5, groups: [] }],
      [OUT, { gid: 1, groups: [5, 8] }],
      [OUT, { gid: 1, groups: [4] }],
      [OUT, { gid: 1 }],
    ],
    { chain: 'OUTPUT' },
  )
  assert.equal(got, ['13', '14', '2', 'stopped'])
  assert.equal(marked(matches.slice(0, 1), [[OUT, { gid: 5 }]], { chain: 'OUTPUT' }), ['1'])
})

test('cgroup: class and path of the sender, inverted; nothing for what has no socket', () => {
  const matches = [
    ...['--cgroup 5', '! --cgroup 5', '--path /a', '--path a/b/', '! --path /a/b', '--path /', '--path /ab'],
  ].map((m) => `-m cgroup ${m}`)
  const got = marked(
    matches,
    [
      [OUT, { cgroup: 5, cgroup_path: '/a/b' }],
      [OUT, { cgroup: 6, cgroup_path: '/ab' }],
      [OUT, { cgroup: 0, cgroup_path: '/' }],
      [OUT, { cgroup: 5 }],
      [OUT, { cgroup_path: '/' }],
    ],
    { chain: 'OUTPUT' },
  )
  assert.equal(got, ['1346', '2567', '256', 'stopped', 'stopped'])
  const forwarded = 'eth0 udp 192.168.0.50:9 > 10.244.0.5:53'
  assert.equal(marked(matches, [forwarded], { chain: 'POSTROUTING' }), [''])
})

test('cgroup in INPUT: of TCP and UDP a socket may have been found', () => {
  const icmp = 'eth0 icmp 192.168.0.50 > 192.168.0.2'
  const got = marked(
    ['-m cgroup --cgroup 5'],
    [TCP, [TCP, { socket: 'none' }], [TCP, { socket: 'bound', cgroup: 5 }], icmp],
    { chain: 'INPUT' },
  )
  assert.equal(got, ['stopped', '', '1', ''])
})

test('osf: asked for of segments with SYN; ! means nothing, --log any', () => {
  const matches = ['--genre Linux', '! --genre Linux', '--genre Linux --log 0'].map((m) => `-p tcp -m osf ${m}`)
  const got = marked(matches, [
    [TCP, { os: 'Linux' }],
    [TCP, { os: 'Windows' }],
    [TCP, { os: 'unknown' }],
    [TCP, { flags: 'A' }],
    TCP,
  ])
  assert.equal(got, ['123', '3', '', '', 'stopped'])
})

test('eui64: the source is made of the Ethernet address', () => {
  const links = LINKS.map((l) => (l.name === 'eth0' ? { ...l, mac: '02:00:00:00:00:09' } : l))
  const mac = '02:11:22:33:44:55'
  const own = 'eth0 udp [fd00::11:22ff:fe33:4455]:9 > [fd00::2]:53'
  const other = 'eth0 udp [fd00::11:22ff:fe33:4456]:9 > [fd00::2]:53'
  const got = marked(['-m eui64'], [[own, { mac }], [other, { mac }], own], { links })
  assert.equal(got, ['1', '', 'stopped'])
  assert.equal(marked(['-m eui64'], [[own, { mac }]]), [''])
})

test('dccp: types and options', () => {
  const line = 'eth0 dccp 192.168.0.50:9 > 192.168.0.2:53'
  const matches = [
    ...['--dccp-types REQUEST,ACK', '! --dccp-types REQUEST', '--dccp-option 32', '! --dccp-option 32'],
  ].map((m) => `-p dccp -m dccp ${m}`)
  const got = marked(matches, [
    [line, { dccp_type: 'REQUEST', dccp_options: '' }],
    [line, { dccp_type: 3, dccp_options: '00200420' }],
    [line, { dccp_type: 'data', dccp_options: '21042020' }],
  ])
  assert.equal(got, ['14', '123', '24'])
  assert.equal(marked(matches.slice(0, 1), [line]), ['stopped'])
  assert.equal(marked(matches.slice(2, 3), [[line, { dccp_type: 1 }]]), ['stopped'])
})

test('sctp: flags of chunks', () => {
  const line = 'eth0 sctp 192.168.0.50:9 > 192.168.0.2:53'
  const matches = ['any DATA:BE', 'any DATA:bE', 'all DATA:u', 'only ABORT:T', 'any DATA:U,ABORT:t'].map(
    (m) => `-p sctp -m sctp --chunk-types ${m}`,
  )
  const got = marked(matches, [
    [line, { sctp_chunk: 'DATA' }],
    [line, { sctp_chunk: 'DATA', sctp_flags: 5 }],
    [line, { sctp_chunk: 'ABORT' }],
    [line, { sctp_chunk: 'ABORT', sctp_flags: 1 }],
  ])
  assert.equal(got, ['13', '25', '5', '4'])
})

test('mh: the type is in the payload; what something else follows is dropped', () => {
  const line = 'eth0 mh fd00::50 > fd00::2'
  const matches = ['-p mh -m mh --mh-type 5', '-p mh -m mh ! --mh-type 5', '-p mh -m mh --mh-type 4:6']
  const proto = { proto: 135 } as const
  const got = marked(matches, [
    [
      line.replace('mh', '135').replace('fd00::50', '[fd00::50]:0').replace('fd00::2', '[fd00::2]:0'),
      { ...proto, payload: '3b00050000000000' },
    ],
    [
      line.replace('fd00::50', '[fd00::50]:0').replace('fd00::2', '[fd00::2]:0'),
      { ...proto, payload: '0600050000000000' },
    ],
    [line.replace('fd00::50', '[fd00::50]:0').replace('fd00::2', '[fd00::2]:0'), { ...proto, payload_len: 8 }],
  ])
  assert.equal(got, ['13', 'drop', 'stopped'])
})

test('SYNPROXY and TEE --oif stop the packets that reach them, after the matches before', () => {
  const rules = {
    raw: '-A PREROUTING -p tcp --dport 81 -j TEE --gateway 192.168.0.9 --oif eth0',
    filter: '-A INPUT -p tcp --dport 80 -j SYNPROXY --mss 1400',
  }
  const ns = namespace({ rules })
  for (const plane of [new ReferenceEngine(ns), new Engine(ns)]) {
    const say = (port: number): string => {
      try {
        return plane.process(packet(`eth0 tcp 192.168.0.50:9 > 192.168.0.2:${port}`)).verdict
      } catch (error) {
        return (error as { field: string }).field
      }
    }
    assert.equal([say(79), say(80), say(81)], ['local', 'SYNPROXY', 'TEE --oif'])
  }
})

test('conntrack: an address is compared under its mask, whatever stands beyond', () => {
  const matches = [
    '--ctorigsrc 192.168.0.77/24',
    '! --ctorigsrc 192.168.0.77/24',
    '--ctrepldst 192.168.9.1/16',
    '--ctorigsrcport 9:5',
  ].map((m) => `-m conntrack ${m}`)
  assert.equal(marked(matches, ['eth0 udp 192.168.0.50:9 > 10.244.0.5:53']), ['13'])
  assert.equal(marked(['-p udp -m udp --dport 60:50'], ['eth0 udp 192.168.0.50:9 > 10.244.0.5:53']), [''])
})

test.run()
