// IP sets as text: what ipset 7.17 and the kernel make of it, observed line by line; printed as `ipset save` prints.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FaultError } from '../../src/net/fault.js'
import { readIpsets } from '../../src/netns/ipset.js'
import { printIpsets } from '../../src/netns/ipset-print.js'

const test = suite('netns: ip sets')
const file = 'f'

function saved(text: string): string[] {
  return printIpsets(readIpsets(text, { file })).trimEnd().split('\n')
}
/** The elements alone, of a set with these `create` words. */
function elements(create: string, ...adds: string[]): string[] {
  const text = [`create S ${create}`, ...adds.map((a) => `add S ${a}`)].join('\n')
  return saved(text)
    .slice(1)
    .map((line) => line.slice('add S '.length))
}
function refused(create: string, adds: readonly string[], pattern: RegExp): void {
  try {
    elements(create, ...adds)
  } catch (error) {
    assert.instance(error, FaultError)
    assert.match(String((error as FaultError).message), pattern)
    return
  }
  assert.unreachable(`${create}: ${adds.join('; ')}`)
}

test('ranges and prefixes become what the kernel stores', () => {
  assert.equal(elements('hash:ip', '10.0.0.4-10.0.0.2'), ['10.0.0.2', '10.0.0.3', '10.0.0.4'])
  assert.equal(elements('hash:ip', '10.1.0.1/30'), ['10.1.0.0', '10.1.0.1', '10.1.0.2', '10.1.0.3'])
  assert.equal(elements('hash:ip netmask 24', '10.0.0.5-10.0.2.3'), ['10.0.0.0', '10.0.1.0', '10.0.2.0'])
  assert.equal(elements('hash:ip bitmask 255.0.0.255', '10.5.6.7', '10.7.0.9/31'), ['10.0.0.7', '10.0.0.8', '10.0.0.9'])
  assert.equal(elements('hash:ip family inet6 netmask 64', 'fd00::5'), ['fd00::'])
  assert.equal(elements('hash:ip,port netmask 24', '10.0.3.5/31,80', '10.0.1.5,80'), [
    '10.0.3.0,tcp:80',
    '10.0.3.1,tcp:80',
    '10.0.1.0,tcp:80',
  ])
  assert.equal(elements('bitmap:ip range 10.0.0.0/16 netmask 24', '10.0.0.9-10.0.2.1'), ['10.0.0.0', '10.0.1.0'])
  assert.equal(elements('hash:net', '10.0.0.0-10.0.0.10', '10.0.0.5/24', '10.0.0.3'), [
    '10.0.0.0/29',
    '10.0.0.8/31',
    '10.0.0.10',
    '10.0.0.0/24',
    '10.0.0.3',
  ])
  assert.equal(elements('hash:net,port', '10.0.0.9-10.0.0.8,80-79'), ['10.0.0.8/31,tcp:79', '10.0.0.8/31,tcp:80'])
  assert.equal(elements('bitmap:port range 100-70', 'tcp:81', '90-89', 'http'), ['81', '89', '90', '80'])
  assert.equal(elements('hash:net,iface', '0.0.0.0/0,eth0', '10.0.0.0/8,physdev:eth1'), [
    '0.0.0.0/0,eth0',
    '10.0.0.0/8,physdev:eth1',
  ])
})

test('parts are spelt as ipset spells them', () => {
  assert.equal(elements('hash:ip,port', '10.0.0.1,icmp:ping', '10.0.0.1,icmp:3/1', '10.0.0.1,icmp:13/9'), [
    '10.0.0.1,icmp:echo-request',
    '10.0.0.1,icmp:host-unreachable',
    '10.0.0.1,icmp:13/9',
  ])
  assert.equal(elements('hash:ip,port', '10.0.0.1,47:0', '10.0.0.1,254:0', '10.0.0.1,TCP:0x10', '10.0.0.1,ssh'), [
    '10.0.0.1,gre:0',
    '10.0.0.1,254:0',
    '10.0.0.1,tcp:16',
    '10.0.0.1,tcp:22',
  ])
  assert.equal(elements('hash:ip,port family inet6', 'FD::1,icmpv6:packet-too-big', 'fd:0:0::1,58:1/2'), [
    'fd::1,ipv6-icmp:packet-too-big',
    'fd::1,ipv6-icmp:1/2',
  ])
  assert.equal(elements('bitmap:ip,mac range 10.0.0.0/24', '10.0.0.3,1:2:3:4:5:f', '10.0.0.4'), [
    '10.0.0.3,01:02:03:04:05:0F',
    '10.0.0.4',
  ])
})

test('options in the order of ipset save', () => {
  assert.equal(saved('create S hash:ip hashsize 1000 maxelem 3 skbinfo comment counters timeout 100 bucketsize 3'), [
    'create S hash:ip family inet hashsize 1024 maxelem 3 timeout 100 counters comment skbinfo bucketsize 4',
  ])
  assert.equal(saved('create S hash:ip,port netmask 24 initval 0x5 timeout 5'), [
    'create S hash:ip,port family inet hashsize 1024 maxelem 65536 timeout 5 bucketsize 12 initval 0x00000005 netmask 24',
  ])
  assert.equal(saved('create S bitmap:ip range 10.0.0.5-10.0.3.9 netmask 28 counters'), [
    'create S bitmap:ip range 10.0.0.0-10.0.3.15 netmask 28 counters',
  ])
  assert.equal(saved('create l list:set size 2 timeout 10\ncreate b hash:ip netmask 32 hashsize 1 family inet6'), [
    'create b hash:ip family inet6 hashsize 64 maxelem 65536 netmask 32',
    'create l list:set size 4 timeout 10',
  ])
  assert.equal(
    elements(
      'hash:net,iface timeout 50 counters comment skbinfo',
      '10.0.0.0/8,eth skbqueue 1 skbprio 1:f skbmark 0x1/0xff comment "x y" bytes 5 packets 6 nomatch wildcard timeout 10',
      '10.0.0.0/8,lo skbmark 0x5 timeout 0',
      '10.0.0.0/8,et skbmark 0x0/0x0 skbprio 0:0 comment ""',
    ),
    [
      '10.0.0.0/8,eth timeout 10 nomatch wildcard packets 6 bytes 5 comment "x y" skbmark 0x1/0xff skbprio 1:f skbqueue 1',
      '10.0.0.0/8,lo timeout 0 packets 0 bytes 0 skbmark 0x5',
      '10.0.0.0/8,et timeout 50 packets 0 bytes 0',
    ],
  )
})

test('what ipset or the kernel refuses', () => {
  refused('hash:ip', ['0.0.0.0'], /^f:2:7: .*nobody/)
  refused('hash:ip,port family inet6', ['::,80'], /nobody/)
  refused('hash:ip', ['10.0.0.1', '10.0.0.0/30'], /^f:3:7: .*in the set already/)
  refused('hash:ip maxelem 2', ['10.0.0.1-10.0.0.3'], /full/)
  refused('hash:ip family inet6', ['fd00::1-fd00::4'], /ranges are for IPv4/)
  refused('hash:ip family inet6', ['fd00::/126'], /expected 128 to 128/)
  refused('hash:net', ['0.0.0.0/0'], /`0` is no prefix length: expected 1 to 32/)
  refused('hash:net', ['0.0.0.0-255.255.255.255'], /whole address space/)
  refused('hash:net', ['10.0.0.0/24', '10.0.0.7/24 nomatch'], /already/)
  refused('hash:ip', ['10.0.0.1 nomatch'], /unknown option `nomatch`/)
  refused('hash:ip', ['10.0.0.1 timeout 5'], /needs a set with the option timeout/)
  refused('hash:ip timeout 5', ['10.0.0.1 timeout 2147484'], /0 to 2147483/)
  refused('hash:ip counters', ['10.0.0.1 packets 18446744073709551615'], /18446744073709551614/)
  refused('hash:ip comment', ['10.0.0.1 comment a\\"b'], /quote|unknown/)
  refused('hash:ip skbinfo', ['10.0.0.1 skbmark 5'], /0xMARK/)
  refused('hash:ip,port', ['10.0.0.1,gre:7'], /has no ports/)
  refused('hash:ip,port', ['10.0.0.1,icmpv6:1/2'], /cannot stand in a set of ipv4/)
  refused('hash:ip,port', ['10.0.0.1,icmp:256/0'], /unknown ICMP message/)
  refused('hash:ip,port,ip', ['10.0.0.1,80,10.0.0.0/31'], /is not an ipv4 address/)
  refused('hash:ip,port,net', ['10.0.0.1,80,0.0.0.0/0'], /no prefix length/)
  refused('hash:net,iface', ['10.0.0.0/8,eth wildcard', '10.0.0.0/8,eth9'], /already/)
  refused('bitmap:ip range 10.0.0.0/24', ['10.0.1.1'], /outside the range/)
  refused('bitmap:port range 10-20', ['tcp:11', 'udp:11'], /already/)
  refused('hash:ip netmask 24 bitmask 255.0.0.0', [], /exclude each other/)
  refused('hash:net netmask 24', [], /unknown option `netmask` of a hash:net/)
  refused('bitmap:ip range 10.0.0.0/15', [], /more than 65536/)
  refused('bitmap:ip', [], /needs a range/)
})

test('lists: order, and no list in a list', () => {
  const three = 'create a hash:ip\ncreate b hash:ip\ncreate c hash:ip\ncreate L list:set\n'
  const list = (text: string): string[] =>
    saved(three + text)
      .filter((l) => l.startsWith('add L'))
      .map((l) => l.slice(6))
  assert.equal(list('add L a\nadd L b before a\nadd L c after b'), ['b', 'c', 'a'])
  assert.equal(list('add L a\nadd L b\ndel L a'), ['b'])
  const bad = (text: string, pattern: RegExp): void => {
    assert.throws(
      () => list(text),
      (e: Error) => pattern.test(e.message),
    )
  }
  bad('create M list:set\nadd M L', /a list:set cannot be in a list:set/)
  bad('add L L', /a list:set cannot be in a list:set/)
  bad('add L a\nadd L a', /in the list already/)
  bad('add L a before b', /`b` is not in the list/)
  bad('add L nosuch', /no set `nosuch`/)
})

test('the commands of ipset restore are carried out in order', () => {
  assert.equal(
    saved('create a hash:ip\nadd a 10.0.0.1\nadd a 10.0.0.2\ndel a 10.0.0.1\nrename a z\nadd z 10.0.0.3\n'),
    ['create z hash:ip family inet hashsize 1024 maxelem 65536', 'add z 10.0.0.2', 'add z 10.0.0.3'],
  )
  const names = (text: string): string[] => readIpsets(text, { file }).map((s) => `${s.name} ${s.type}`)
  assert.equal(names('create a hash:ip\ncreate b bitmap:ip range 10.0.0.0/24\nswap a b'), ['a bitmap:ip', 'b hash:ip'])
  assert.equal(names('create a hash:ip\ncreate b hash:net\ndestroy a\n# x\nCOMMIT\nquit\ncreate c hash:ip'), [
    'b hash:net',
  ])
  assert.equal(names('-N a hash:ip\ncreate -exist a hash:ip\n-exist create a hash:ip hashsize 64'), ['a hash:ip'])
  assert.equal(saved('create a hash:ip\nadd a 10.0.0.1\n-! add a 10.0.0.1\nflush a\nadd a 10.0.0.9').slice(1), [
    'add a 10.0.0.9',
  ])
  const bad = (text: string, pattern: RegExp): void => {
    assert.throws(
      () => saved(text),
      (e: Error) => pattern.test(e.message),
    )
  }
  bad('create a hash:ip\ncreate b hash:ip,port\nswap a b', /cannot be swapped/)
  bad('create a hash:ip\ncreate L list:set\nadd L a\ndestroy a', /cannot be destroyed/)
  bad('create a hash:ip\ncreate L list:set\nadd L a\nrename a b', /cannot be renamed/)
  bad('create a hash:ip\ncreate -exist a hash:ip maxelem 5', /appears twice/)
  bad('create a hash:ip\ndel a 10.0.0.1', /is not in the set/)
  bad('create a hash:ip\ntest a 10.0.0.1', /unknown command `test`/)
})

test.run()
