// Rules written by hand about single packets and their rates: what they become, and wrong ones. As rule-cases.ts has them.
import type { Family } from '../../src/netfilter/model.js'
import type { RightCase, WrongCase } from './rule-cases.js'

/** One match of a rule in `*filter`, chain INPUT: what is written, and what is printed ('' when it is the same). */
type Pair = readonly [written: string, printed?: string]

function right(family: Family, name: string, pairs: readonly Pair[], table = 'filter', chain = 'INPUT'): RightCase {
  const lines = pairs.map(([w]) => `-A ${chain} ${w}`)
  const rules = pairs.map(([w, p]) => `-A ${chain} ${p ?? w}`)
  return { name, family, text: `*${table}\n${lines.join('\n')}\nCOMMIT\n`, rules }
}

/** Each a case of its own. The fault is at the match's name when no column is given. */
function wrongs(
  family: Family,
  name: string,
  rules: readonly (readonly [written: string, says: string, column?: number, stricter?: true])[],
  table = 'filter',
  chain = 'INPUT',
): WrongCase[] {
  return rules.map(([written, says, column, stricter]) => {
    const line = `-A ${chain} ${written}`
    return {
      name: `${name}: ${written}`,
      family,
      text: `*${table}\n${line}\nCOMMIT\n`,
      at: `2:${column ?? line.indexOf('-m ') + 4}`,
      says,
      ...(stricter ? { stricter } : {}),
    }
  })
}

export const PACKET_RIGHT: readonly RightCase[] = [
  right('ipv4', 'length', [
    ['-m length --length 5'],
    ['-m length --length :5', '-m length --length 0:5'],
    ['-m length --length 5:', '-m length --length 5:65535'],
    ['-m length --length 9:5'],
    ['-m length ! --length 0x10:020', '-m length ! --length 16'],
    ['-m length --length :', '-m length --length 0:65535'],
  ]),
  right('ipv4', 'ttl', [
    ['-m ttl ! --ttl-eq 255'],
    ['-m ttl --ttl 4', '-m ttl --ttl-eq 4'],
    ['-m ttl ! --ttl 4', '-m ttl ! --ttl-eq 4'],
    ['-m ttl --ttl-lt 4'],
    ['-m ttl --ttl-gt 0x10', '-m ttl --ttl-gt 16'],
  ]),
  right('ipv6', 'hl', [
    ['-m hl --hl 3', '-m hl --hl-eq 3'],
    ['-m hl ! --hl-eq 3'],
    ['-m hl --hl-lt 3'],
    ['-m hl --hl-gt 3'],
  ]),
  ...(['ipv4', 'ipv6'] as const).map((family) =>
    right(family, 'tos, dscp, ecn, cpu', [
      ['-m tos --tos 16', '-m tos --tos 0x10/0xff'],
      ['-m tos --tos minimize-delay', '-m tos --tos 0x10/0x3f'],
      ['-m tos --tos Normal-Service', '-m tos --tos 0x00/0x3f'],
      ['-m tos ! --tos 3/0', '-m tos ! --tos 0x03/0x00'],
      ['-m tos --tos 0xff/0xf', '-m tos --tos 0xff/0x0f'],
      ['-m dscp ! --dscp 3', '-m dscp ! --dscp 0x03'],
      ['-m dscp --dscp-class ef', '-m dscp --dscp 0x2e'],
      ['-m dscp --dscp-class CS1x', '-m dscp --dscp 0x08'],
      ['-m dscp ! --dscp-class AF41', '-m dscp ! --dscp 0x22'],
      ['-m ecn ! --ecn-ip-ect 3'],
      [
        '-p tcp -m ecn --ecn-ip-ect 1 --ecn-tcp-cwr ! --ecn-tcp-ece',
        '-p tcp -m ecn ! --ecn-tcp-ece --ecn-tcp-cwr --ecn-ip-ect 1',
      ],
      ['-m cpu --cpu 1'],
      ['-m cpu ! --cpu 4294967295'],
    ]),
  ),
  right('ipv4', 'mac', [
    ['-m mac --mac-source 02:00:00:00:00:AB', '-m mac --mac-source 02:00:00:00:00:ab'],
    ['-m mac ! --mac-source 2:0:0:0:0:ab', '-m mac ! --mac-source 02:00:00:00:00:ab'],
  ]),
  right('ipv6', 'pkttype', [
    ['-m pkttype --pkt-type unicast'],
    ['-m pkttype ! --pkt-type Host', '-m pkttype ! --pkt-type unicast'],
    ['-m pkttype --pkt-type bcast', '-m pkttype --pkt-type broadcast'],
    ['-m pkttype --pkt-type mcast', '-m pkttype --pkt-type multicast'],
    ['-m pkttype --pkt-type otherhost'],
  ]),
]

/** What is written and what is printed of `hashlimit`, each after `-m hashlimit`; every table has a name of its own. */
const HASHLIMITS: readonly (readonly [string, string])[] = (
  [
    ['upto 3/sec', 'upto 3/sec --hashlimit-burst 5 --hashlimit-name NAME'],
    ['above 3', 'above 3/sec --hashlimit-burst 5 --hashlimit-name NAME'],
    ['upto 3/m', 'upto 3/min --hashlimit-burst 5 --hashlimit-name NAME'],
    ['upto 1000000/sec', 'upto 1000000/sec --hashlimit-burst 5 --hashlimit-name NAME'],
    ['upto 333333/sec', 'upto 333333/sec --hashlimit-burst 5 --hashlimit-name NAME'],
    ['upto 7/min', 'upto 7/min --hashlimit-burst 5 --hashlimit-name NAME'],
    ['upto 60/min', 'upto 1/sec --hashlimit-burst 5 --hashlimit-name NAME --hashlimit-htable-expire 60000'],
    ['upto 512kb/s', 'upto 512kb/s --hashlimit-name NAME'],
    ['upto 1000b/s', 'upto 992b/s --hashlimit-name NAME'],
    ['upto 10b/s', 'upto 0b/s --hashlimit-name NAME'],
    ['upto 1024kb/s', 'upto 1mb/s --hashlimit-name NAME'],
    ['upto 4gb/s', 'upto 0b/s --hashlimit-name NAME'],
    ['upto 5000mb/s', 'upto 5286113568b/s --hashlimit-name NAME'],
    ['upto 100kb', 'upto 100/sec --hashlimit-burst 5 --hashlimit-name NAME'],
    ['upto 100kb/sec', 'upto 100kb/s --hashlimit-name NAME'],
    ['upto 3/sec --hashlimit-burst 1kb', 'upto 3/sec --hashlimit-burst 1024 --hashlimit-name NAME'],
    ['upto 3/day --hashlimit-burst 10000', 'upto 3/day --hashlimit-burst 10000 --hashlimit-name NAME'],
    ['upto 100kb/s --hashlimit-burst 150kb', 'upto 100kb/s --hashlimit-burst 200kb --hashlimit-name NAME'],
    ['upto 100kb/s --hashlimit-burst 1mb', 'upto 100kb/s --hashlimit-burst 1mb --hashlimit-name NAME'],
    [
      'upto 3/sec --hashlimit-mode dstport,srcip|srcport,dstip',
      'upto 3/sec --hashlimit-burst 5 --hashlimit-mode srcip,srcport,dstip,dstport --hashlimit-name NAME',
    ],
    [
      'upto 3/sec --hashlimit-srcmask 255.0.0.0 --hashlimit-dstmask 32',
      'upto 3/sec --hashlimit-burst 5 --hashlimit-name NAME --hashlimit-srcmask 8',
    ],
    [
      'upto 3/sec --hashlimit-htable-size 2000000 --hashlimit-htable-max 2000000',
      'upto 3/sec --hashlimit-burst 5 --hashlimit-name NAME --hashlimit-htable-size 1048576 --hashlimit-htable-max 1048576',
    ],
    [
      'upto 3/sec --hashlimit-htable-gcinterval 500 --hashlimit-htable-expire 600',
      'upto 3/sec --hashlimit-burst 5 --hashlimit-name NAME --hashlimit-htable-gcinterval 500 --hashlimit-htable-expire 600',
    ],
    [
      'upto 100kb/s --hashlimit-burst 1mb --hashlimit-htable-expire 15000',
      'upto 100kb/s --hashlimit-burst 1mb --hashlimit-name NAME --hashlimit-htable-expire 15000',
    ],
    [
      'upto 3/min --hashlimit-rate-match --hashlimit-rate-interval 5',
      'upto 3/sec --hashlimit-burst 5 --hashlimit-name NAME --hashlimit-htable-expire 60000 --hashlimit-rate-match --hashlimit-rate-interval 5',
    ],
    ['upto 3/sec --hashlimit-rate-interval 5', 'upto 3/sec --hashlimit-burst 5 --hashlimit-name NAME'],
    [
      'upto 100kb/s --hashlimit-rate-match --hashlimit-rate-interval 1',
      'upto 100kb/s --hashlimit-name NAME --hashlimit-rate-match',
    ],
  ] as const
).map(([written, printed], i) => [
  `--hashlimit-${written} --hashlimit-name t${i}`,
  `--hashlimit-${printed.replace('NAME', `t${i}`)}`,
])

export const CONTEXT_RIGHT: readonly RightCase[] = [
  right(
    'ipv4',
    'time',
    (
      [
        ['--timestart 10:00', '--timestart 10:00:00 --timestop 23:59:59 STOP'],
        ['--timestart 10:00 --timestop 9:5:3', '--timestart 10:00:00 --timestop 09:05:03 STOP'],
        ['--timestop 23:59:59', 'STOP'],
        ['! --weekdays 1,7', '--weekdays Tue,Wed,Thu,Fri,Sat STOP'],
        ['--weekdays Monx,Su', '--weekdays Mon,Sun STOP'],
        ['--monthdays 31,1', '--monthdays 1,31 STOP'],
        ['--datestart 2026', '--datestart 2026-01-01T00:00:00 STOP'],
        ['--datestart 2026-02-31 --datestop 2030-5', '--datestart 2026-03-03T00:00:00 --datestop 2030-05-01T00:00:00'],
        ['--datestart 1970 --utc', 'STOP'],
        ['--kerneltz --weekdays 1,2,3,4,5,6,7', 'STOP --kerneltz'],
        [
          '--timestart 22:00 --timestop 6:00 --contiguous',
          '--timestart 22:00:00 --timestop 06:00:00 STOP --contiguous',
        ],
      ] as const
    ).map(([w, p]) => [`-m time ${w}`, `-m time ${p.replace('STOP', '--datestop 2038-01-19T03:14:07')}`]),
  ),
  ...(['ipv4', 'ipv6'] as const).map((family) =>
    right(
      family,
      'rpfilter',
      [
        ['-m rpfilter'],
        [
          '-m rpfilter --invert --accept-local --validmark --loose',
          '-m rpfilter --loose --validmark --accept-local --invert',
        ],
      ],
      'raw',
      'PREROUTING',
    ),
  ),
  right(
    'ipv4',
    'owner',
    [
      ['-m owner --uid-owner root', '-m owner --uid-owner 0'],
      ['-m owner --uid-owner 5:9', '-m owner --uid-owner 5-9'],
      ['-m owner ! --uid-owner 5-9 --gid-owner root', '-m owner ! --uid-owner 5-9 --gid-owner 0'],
      ['-m owner ! --gid-owner 3 --suppl-groups'],
      ['-m owner ! --gid-owner 5-5 ! --socket-exists', '-m owner ! --socket-exists ! --gid-owner 5'],
      ['-m owner --uid-owner 0-4294967294'],
    ],
    'filter',
    'OUTPUT',
  ),
  right(
    'ipv6',
    'owner',
    [['-m owner --uid-owner 1000 --socket-exists', '-m owner --socket-exists --uid-owner 1000']],
    'mangle',
    'POSTROUTING',
  ),
  right('ipv4', 'quota', [
    ['-m quota ! --quota 3'],
    ['-m quota --quota 0'],
    ['-m quota --quota 18446744073709551615'],
    ['-m quota --quota 0x10', '-m quota --quota 16'],
  ]),
  right(
    'ipv4',
    'hashlimit',
    HASHLIMITS.map(([written, printed]) => [`-m hashlimit ${written}`, `-m hashlimit ${printed}`]),
  ),
  right('ipv6', 'hashlimit', [
    [
      '-m hashlimit --hashlimit-upto 3/sec --hashlimit-mode srcip --hashlimit-srcmask 64 --hashlimit-dstmask 128 --hashlimit-name a',
      '-m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name a --hashlimit-srcmask 64',
    ],
  ]),
]

export const PACKET_WRONG: readonly WrongCase[] = [
  ...wrongs('ipv4', 'time', [
    ['-m time --weekdays monday', 'expected days', 29],
    ['-m time --weekdays 0', 'expected days', 29],
    ['-m time --weekdays 8', 'expected days', 29, true],
    ['-m time ! --weekdays 1,2,3,4,5,6,7', 'expected days', 31, true],
    ['-m time --monthdays 32', 'expected days', 30],
    ['-m time --monthdays 0', 'expected days', 30, true],
    ['-m time --datestart 1969', 'expected YYYY', 30],
    ['-m time --datestart 2026-13', 'expected YYYY', 30],
    ['-m time --timestart 24:00', 'expected hh:mm', 30],
    ['-m time --timestart 10', 'expected hh:mm', 30],
    ['-m time --utc --kerneltz', 'exclude each other'],
    ['-m time --timestart 6:00 --timestop 22:00 --contiguous', 'only makes sense'],
    ['-m time --contiguous', 'only makes sense'],
  ]),
  ...wrongs('ipv4', 'rpfilter', [['-m rpfilter ! --loose', 'takes no !', 29]], 'raw', 'PREROUTING'),
  ...wrongs('ipv4', 'rpfilter', [['-m rpfilter', 'cannot be reached from INPUT']], 'mangle'),
  ...wrongs('ipv4', 'rpfilter', [['-m rpfilter', 'tables raw and mangle']], 'nat', 'PREROUTING'),
  {
    name: 'a table of hashlimit with and without rate-match',
    family: 'ipv4',
    text: `*filter
-A INPUT -m hashlimit --hashlimit-upto 3/sec --hashlimit-name a --hashlimit-rate-match
-A INPUT -m hashlimit --hashlimit-upto 3/sec --hashlimit-name a
COMMIT
`,
    at: '3:13',
    says: 'with and without --hashlimit-rate-match',
  },
  ...wrongs('ipv4', 'hashlimit', [
    ['-m hashlimit --hashlimit-upto 3/sec', 'needs --hashlimit-name'],
    ['-m hashlimit --hashlimit-name b', 'needs --hashlimit-upto'],
    ['-m hashlimit --hashlimit-upto 1000001/sec --hashlimit-name b', 'too fast', 40],
    ['-m hashlimit --hashlimit-upto 0/sec --hashlimit-name b', 'is no rate', 40],
    ['-m hashlimit --hashlimit-upto 3/xyz --hashlimit-name b', 'is no rate', 40],
    ['-m hashlimit --hashlimit-upto 3/ --hashlimit-name b', 'is no rate', 40],
    ['-m hashlimit --hashlimit-upto 0x10/sec --hashlimit-name b', 'is no rate', 40],
    ['-m hashlimit --hashlimit-upto 1/day --hashlimit-name b', 'the kernel cannot keep'],
    ['-m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 0 --hashlimit-name b', 'expected a number 1..', 64],
    ['-m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 1000001 --hashlimit-name b', 'expected a number 1..', 64],
    ['-m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 2mb --hashlimit-name b', 'is too large'],
    ['-m hashlimit --hashlimit-upto 100kb/s --hashlimit-burst 10 --hashlimit-name b', 'smaller than 102400b'],
    ['-m hashlimit --hashlimit-upto 3/sec --hashlimit-mode none --hashlimit-name b', 'is no mode', 63],
    ['-m hashlimit --hashlimit-upto 3/sec --hashlimit-srcmask 33 --hashlimit-name b', 'a prefix length', 66],
    ['-m hashlimit --hashlimit-upto 3/sec --hashlimit-htable-gcinterval 0 --hashlimit-name b', 'a number 1..', 76],
    ['-m hashlimit --hashlimit-upto 3/sec --hashlimit-htable-expire 0 --hashlimit-name b', 'a number 1..', 72],
    ['-m hashlimit --hashlimit-upto 3/sec --hashlimit-rate-interval 0 --hashlimit-name b', 'seconds from 1', 72],
    ['-m hashlimit --hashlimit-upto 3/sec --hashlimit-name a/b', 'no name of a table', 63],
    [
      '-m hashlimit --hashlimit-upto 3/sec --hashlimit-above 3/sec --hashlimit-name b',
      'only one option of this kind',
      46,
    ],
  ]),
  ...wrongs(
    'ipv4',
    'owner',
    [
      ['-m owner', 'owner needs --uid-owner'],
      ['-m owner --uid-owner 9-5', 'reversed', 32],
      ['-m owner --uid-owner 5-', 'expected a number', 32],
      ['-m owner --uid-owner 4294967295', 'expected a number', 32],
      ['-m owner --uid-owner nosuchuser', 'expected a number', 32],
      ['-m owner --uid-owner daemon', 'other names are not known', 32, true],
      ['-m owner --suppl-groups --gid-owner 3', 'needs --gid-owner before it', 20],
      ['-m owner --gid-owner 3 ! --suppl-groups', 'takes no !', 36],
    ],
    'filter',
    'OUTPUT',
  ),
  ...wrongs('ipv4', 'owner', [['-m owner --uid-owner 3', 'cannot be reached from INPUT']]),
  ...wrongs('ipv4', 'quota', [
    ['-m quota', 'quota needs --quota'],
    ['-m quota --quota 18446744073709551616', 'expected a number', 27],
    ['-m quota --quota -1', 'expected a number', 27],
    ['-m quota --quota 3k', 'expected a number', 27],
  ]),
  ...wrongs('ipv4', 'length', [
    ['-m length --length 65536', 'expected 0..65535', 29],
    ['-m length --length 5:6:7', 'expected 0..65535', 29],
    ['-m length', 'length needs --length'],
  ]),
  ...wrongs('ipv4', 'ttl', [
    ['-m ttl ! --ttl-lt 4', 'takes no !', 19],
    ['-m ttl --ttl-gt 256', 'expected a number 0..255', 26],
    ['-m ttl --ttl-gt 2 --ttl-lt 4', 'only one option of this kind', 28],
    ['-m ttl', 'needs --ttl-eq'],
    ['-m hl --hl-eq 3', 'is not for IPv4'],
  ]),
  ...wrongs('ipv6', 'hl', [
    ['-m hl', 'needs --hl-eq'],
    ['-m ttl --ttl-eq 3', 'is not for IPv6'],
  ]),
  ...wrongs('ipv4', 'tos, dscp, ecn, cpu', [
    ['-m tos --tos Minimize', 'expected VALUE', 23],
    ['-m tos --tos 300', 'expected VALUE', 23],
    ['-m tos --tos 0x10/256', 'expected VALUE', 23],
    ['-m tos', 'tos needs --tos'],
    ['-m dscp --dscp 64', 'expected a number 0..63', 25],
    ['-m dscp --dscp-class A', 'expected a class', 31],
    ['-m dscp --dscp 3 --dscp-class EF', 'only one option of this kind', 27],
    ['-m dscp', 'dscp needs --dscp'],
    ['-m ecn --ecn-ip-ect 4', 'expected a codepoint', 30],
    ['-m ecn --ecn-tcp-cwr', 'need -p tcp'],
    ['-p udp -m ecn --ecn-tcp-ece', 'need -p tcp'],
    ['-p tcp -m ecn ! --ecn-tcp-cwr ! --ecn-tcp-cwr', 'given twice', 42],
    ['-m ecn', 'ecn needs --ecn-tcp-cwr'],
    ['-m cpu --cpu 4294967296', 'expected a number', 23],
    ['-m cpu --cpu -1', 'expected a number', 23],
    ['-m cpu', 'cpu needs --cpu'],
  ]),
  ...wrongs('ipv4', 'mac', [
    ['-m mac', 'needs --mac-source'],
    ['-m mac --mac-source 020000000001', 'an Ethernet address', 30],
  ]),
  ...wrongs('ipv4', 'mac', [['-m mac --mac-source 02:00:00:00:00:01', 'OUTPUT', 18]], 'filter', 'OUTPUT'),
  ...wrongs('ipv4', 'pkttype', [
    ['-m pkttype', 'needs --pkt-type'],
    ['-m pkttype --pkt-type uni', 'unicast, broadcast or multicast', 32],
  ]),
]
