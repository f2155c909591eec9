// Connections with a helper, as long as nothing but segments without data passes: as any other in the running kernel.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { haveKernel } from '../support/needs.js'
import { ENDS, type Line, runDirected } from './directed.js'
import { Machine } from './machine.js'

const test = suite('kernel: attached')

if (haveKernel('kernel: attached')) {
  const machine = new Machine()
  for (const family of ['ipv4', 'ipv6'] as const)
    for (const backend of ['legacy', 'nft'] as const)
      test(`a life without data under a helper, ${family} ${backend}`, async () => {
        const [client, server] = ENDS[family]
        const rules = {
          raw: '-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp --zone 3',
          filter:
            '-A FORWARD -m conntrack --ctstate NEW\n-A FORWARD -m helper --helper ftp\n-A FORWARD -m helper ! --helper ftp',
        }
        const lines = ['S', '<SA', 'A', '<A', 'FA', '<FA', 'A', 'S'].map((flags): Line => {
          const back = flags.startsWith('<')
          const ends = back
            ? { iface: 'pod0', src: server, dst: client, sport: 21, dport: 1 }
            : { iface: 'eth0', src: client, dst: server, sport: 1, dport: 21 }
          return { proto: 'tcp', flags: flags.replace('<', ''), ...ends }
        })
        const { faults, run } = await runDirected(machine, { family, backend, rules, lines })
        assert.equal(faults, [])
        assert.is(run.answers.length, lines.length)
      })
  test.after(() => machine.close())
}

test.run()
