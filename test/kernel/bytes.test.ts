// Matches that read bytes of the packet, in the kernel and in both engines: each hook has all of the rules, and which of them
// match is seen in the trace and the counters.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Backend } from '../../src/netfilter/model.js'
import { namespace, packet } from '../reference/scene.js'
import { haveKernel } from '../support/needs.js'
import { compareRun } from './compare.js'
import { Machine } from './machine.js'
import { playKernel } from './play.js'

const test = suite('bytes of packets in the kernel')

const u32 = (...tests: readonly string[]): string[] => tests.map((t) => `-m u32 --u32 "${t}"`)
/** Words of the headers that are known, each compared with about half of what it can be. */
const words = (...places: readonly string[]): string[] =>
  u32(...places.flatMap((p) => [`${p}>>24&0xf=0:7`, `${p}>>16&0xf=0:7`, `${p}>>8&0xf=0:7`, `${p}&0xf=0:7`]))

const MATCHES4 = [
  ...words('0', '4', '8', '12', '16', '1', '2', '3'),
  ...u32(
    '0=0x45000020:0x45ffffff',
    '4&0x3fff=0',
    '6&0xff=6,17',
    '8&0xffff=0:0x7fff',
    '8&0xffff=0x8000:0xffff',
    '0>>22&0x3c@0>>16=40000',
    '6&0xff=6,17&&0>>22&0x3c@0&0xffff=53,80',
    '6&0xff=6&&0>>22&0x3c@12>>26&0x3c@0=0:0xffffffff',
    '6&0xff=6&&0>>22&0x3c@12>>26&0x3c@0xfffffffc=0:0xffffffff',
    '6&0xff=6&&20=0&&24=1000:1001',
    '6&0xff=6&&32>>16&0x3f=0x12',
    '6&0xff=6&&40=0x020405b4',
    '6&0xff=17&&28=0x47455420',
    '6&0xff=1&&24=0x00010000',
    '6&0xff=132&&32>>24=0:1',
    '6&0xff=132&&32&0xffff=0:19',
    '0xfffffffc=0',
    '0@0=0',
    '0<<1=0x8a000000:0x8affffff',
  ),
  '-m u32 ! --u32 "6&0xff=6"',
  '-m u32 ! --u32 "0xffff=0"',
  ...[
    '--string "GET "',
    '--string "ge" --icase',
    '! --string "GET "',
    '--string "T" --to 31',
    '--string "T" --to 30',
  ].map((s) => `-p udp -m string --algo bm --from 28 ${s}`),
  '-p udp -m string --algo bm --string "T" --from 30 --to 31',
  '-p udp -m string --algo kmp --hex-string "|0050|" --from 20 --to 24',
  '-p udp -m string --algo kmp --hex-string "|e0|" --icase --from 28',
  ...[
    '4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0',
    '5,177 0 0 0,72 0 0 2,21 0 1 53,6 0 0 1,6 0 0 0',
    '2,32 0 0 29,6 0 0 1',
  ].map((code) => `-p udp -m bpf --bytecode "${code}"`),
  ...['4,40 0 0 4294963200,21 0 1 2048,6 0 0 1,6 0 0 0', '4,48 0 0 4293918729,37 0 1 16,6 0 0 1,6 0 0 0'].map(
    (code) => `-p udp -m bpf --bytecode "${code}"`,
  ),
  ...[
    '4,0 0 0 1,1 0 0 0,60 0 0 0,6 0 0 1',
    '3,40 0 0 6,84 0 0 16384,22 0 0 0',
    '3,0 0 0 4294967295,132 0 0 0,22 0 0 0',
  ].map((code) => `-p udp -m bpf --bytecode "${code}"`),
  ...['any DATA:BE', 'any DATA:bE', 'all DATA:u', 'only INIT,DATA:e', 'all INIT,DATA', 'only ABORT:T'].map(
    (c) => `-p sctp -m sctp --chunk-types ${c}`,
  ),
  ...['--dccp-types REQUEST,ACK', '! --dccp-types REQUEST', '--dccp-option 32', '! --dccp-option 32'].map(
    (m) => `-p dccp -m dccp ${m}`,
  ),
]
/** Only of what is sent here. */
const OUTPUT4 = ['--cgroup 0', '! --cgroup 0', '--cgroup 7', '! --cgroup 7'].map((m) => `-m cgroup ${m}`)
const MATCHES6 = [
  ...words('0', '4', '8', '12', '20', '24', '36', '1', '2', '3'),
  ...u32(
    '4>>16=8:30',
    '4>>8&0xff=6',
    '4&0xff=62:63',
    '4>>8&0xff=6&&40=0',
    '38&0xffff=40000',
    '4>>8&0xff=6&&52>>16&0x3f=2',
    '4>>8&0xff=17&&44>>16=0:12',
  ),
  '-m u32 ! --u32 "4>>8&0xff=58"',
]

const CHAINS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']
const rulesOf = (matches: readonly string[], output: readonly string[] = []): Record<string, string> => ({
  mangle: CHAINS.flatMap((chain) =>
    [...matches, ...(chain === 'OUTPUT' ? output : [])].map((m) => `-A ${chain} ${m}`),
  ).join('\n'),
})

const LINES4: readonly [string, object?][] = [
  ['eth0 udp 192.168.0.50:40000 > 192.168.0.2:53', { payload: '47455420', tos: 8 }],
  ['eth0 udp 192.168.0.50:40000 > 10.244.0.5:53', { payload: '00474554', ttl: 9 }],
  ['eth0 tcp 192.168.0.50:40000 > 10.244.0.5:80', { tcp_options: '020405b4', payload: '' }],
  ['eth0 tcp 192.168.0.50:40001 > 192.168.0.2:80', { flags: 'SA', win: 77, payload: '61626364' }],
  ['eth0 icmp 192.168.0.50 > 10.244.0.5', { icmp_id: 1 }],
  ['eth0 sctp 192.168.0.50:40000 > 10.244.0.5:80', { sctp_chunk: 'DATA', payload: '616263' }],
  ['eth0 sctp 192.168.0.50:40000 > 10.244.0.5:80', { sctp_chunk: 'INIT' }],
  ['eth0 sctp 192.168.0.50:40000 > 10.244.0.5:80', { sctp_chunk: 'DATA', payload: '61', sctp_flags: 5 }],
  ['eth0 sctp 192.168.0.50:40000 > 10.244.0.5:80', { sctp_chunk: 'ABORT', sctp_flags: 1 }],
  ['eth0 udp 192.168.0.50:40000 > 10.244.0.5:53', { payload: 'c0' }],
  ['eth0 dccp 192.168.0.50:40000 > 10.244.0.5:53', { dccp_type: 'REQUEST', dccp_options: '' }],
  ['eth0 dccp 192.168.0.50:40000 > 10.244.0.5:53', { dccp_type: 'DATA', dccp_options: '00200420' }],
  ['eth0 dccp 192.168.0.50:40000 > 10.244.0.5:53', { dccp_type: 'REQUEST', dccp_options: '21042020' }],
  ['local udp 192.168.0.2:40000 > 192.168.0.50:53', { payload: '474554' }],
  ['local tcp 192.168.0.2:40000 > 192.168.0.50:80'],
]
const LINES6: readonly [string, object?][] = [
  ['eth0 udp [fd00::50]:40000 > [fd00:10:244::5]:53', { payload: '47455420', tos: 0x12 }],
  ['eth0 tcp [fd00::50]:40000 > [fd00::2]:80', { payload: '' }],
  ['eth0 icmpv6 fd00::50 > fd00:10:244::5', { icmp_id: 1 }],
  ['local udp [fd00::2]:40000 > [fd00::50]:53', { payload: '474554' }],
]

if (haveKernel('bytes of packets in the kernel')) {
  for (const backend of ['legacy', 'nft'] as const satisfies readonly Backend[]) {
    test(`the same rules match, ${backend}`, async () => {
      const machine = new Machine()
      try {
        const ns = namespace({ rules: rulesOf(MATCHES4, OUTPUT4), rules6: rulesOf(MATCHES6), backend })
        const lines = [...LINES4, ...LINES6].map(([text, more], i) => ({
          id: i,
          at_ms: 0,
          ...packet(text, more ?? {}),
        }))
        const run = await playKernel(machine, { namespace: ns, lines, backend })
        assert.is(run.packets.length, lines.length)
        assert.equal(compareRun(run), [])
      } finally {
        machine.close()
      }
    })
  }
}

test.run()
