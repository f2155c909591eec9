import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Names, parsePacketWords } from '../../src/cli/words.js'

const words = suite('packet as words')

words('everything that can be said', () => {
  assert.equal(
    parsePacketWords(['in', 'eth0', 'tcp', '10.0.0.1:4000', '>', '10.96.0.10:53', 'syn', 'mark', '0x1', 'ttl', '9']),
    {
      iface: 'eth0',
      proto: 'tcp',
      src: '10.0.0.1',
      dst: '10.96.0.10',
      sport: 4000,
      dport: 53,
      flags: 'S',
      mark: 1,
      ttl: 9,
    },
  )
  assert.equal(parsePacketWords(['local udp [fd00::1]:40000 > [fd00:0::2]:53']), {
    iface: 'local',
    proto: 'udp',
    src: 'fd00::1',
    dst: 'fd00::2',
    sport: 40000,
    dport: 53,
  })
  assert.equal(parsePacketWords(['icmp 10.0.0.1 > 10.0.0.2 type 8 code 0']), {
    proto: 'icmp',
    src: '10.0.0.1',
    dst: '10.0.0.2',
    icmp_type: 8,
    icmp_code: 0,
  })
})

words('names of a cluster; a Service port fixes the protocol', () => {
  const names: Names = (name) =>
    name.startsWith('svc/') ? { address: '10.96.0.10', port: 53, proto: 'udp' } : { address: '10.244.0.7' }
  assert.equal(parsePacketWords(['pod/a/b > svc/kube-system/kube-dns:dns'], names), {
    proto: 'udp',
    src: '10.244.0.7',
    dst: '10.96.0.10',
    sport: 40000,
    dport: 53,
  })
  assert.throws(() => parsePacketWords(['tcp pod/a/b > svc/kube-system/kube-dns:dns'], names), /is udp, not tcp/)
})

const refused: [string, RegExp][] = [
  ['xtcp 10.0.0.1 > 10.0.0.2:80', /^PACKET:1:1: 'xtcp' is no protocol/],
  ['tcp 10.0.0.1 > 10.0.0.2', /tcp needs a destination port/],
  ['tcp 10.0.0.1 10.0.0.2:80', /^PACKET:1:14: expected '>'/],
  ['tcp 10.0.0.400 > 10.0.0.2:80', /^PACKET:1:5: '10.0.0.400' is no address/],
  ['tcp 10.0.0.1 > 10.0.0.2:80000', /^PACKET:1:16: '80000' is no port/],
  ['tcp 10.0.0.1 > [fd00::1]:80', /^PACKET:1:16: .*different families/],
  ['udp 10.0.0.1 > 10.0.0.2:80 syn', /^PACKET:1:28: 'syn' is a TCP flag/],
  ['tcp 10.0.0.1 > 10.0.0.2:80 mark 0x1ffffffff', /^PACKET:1:33: mark is a number/],
  ['tcp 10.0.0.1 > 10.0.0.2:80 __proto__', /'__proto__' is not understood/],
  ['tcp 10.0.0.1 >', /ends here, expected a destination/],
  ['tcp pod/a/b > 10.0.0.2:80', /needs a cluster/],
  ['icmp 10.0.0.1 > 10.0.0.2:8', /icmp has no ports/],
]
for (const [text, message] of refused)
  words(`refused: ${text}`, () => assert.throws(() => parsePacketWords([text]), message))

words.run()
