// Rules restored between packets, in the kernel and in both engines: what leaves after each packet, and every counter of
// iptables-save -c after each restore and each few packets. Both backends, with and without --noflush and -c.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Engine } from '../../src/engine/index.js'
import type { Packet } from '../../src/net/packet.js'
import { type Backend, BUILTIN_CHAINS } from '../../src/netfilter/model.js'
import { printRules } from '../../src/netfilter/print.js'
import { restoreRules } from '../../src/netfilter/restore.js'
import { savedRules } from '../../src/netfilter/saved.js'
import { readBundle } from '../../src/netns/bundle.js'
import type { DataPlane } from '../../src/netns/dataplane.js'
import { leaving } from '../../src/netns/leaving.js'
import type { NetworkNamespace } from '../../src/netns/model.js'
import { ReferenceEngine } from '../../src/reference/index.js'
import { Dice } from '../fuzz/damaged-images.js'
import { haveKernel } from '../support/needs.js'
import { packetStep, playSteps, type Step, shownFrames } from '../support/tun-steps.js'

const test = suite('kernel: rules swapped between packets')
const LINKS: readonly (readonly [string, readonly string[]])[] = [
  ['left', ['10.1.0.1/24']],
  ['right', ['10.2.0.1/24']],
]
const CHAINS = ['A', 'B', 'C']

function pick<T>(dice: Dice, from: readonly T[]): T {
  return from[dice.below(from.length)]!
}

function randomRule(dice: Dice, chain: string): string {
  const every = 2 + dice.below(4)
  const matches = [
    `-m statistic --mode nth --every ${every} --packet ${dice.below(every)}`,
    `-m limit --limit 1/hour --limit-burst ${1 + dice.below(5)}`,
    `-m recent --name R --${pick(dice, ['set', 'update --seconds 9000', 'rcheck', 'remove'])}`,
    `-m recent --name ${pick(dice, ['R', 'S'])} --rcheck --hitcount ${pick(dice, [2, 3, 40])}`,
    '-m recent --name S --set',
    `-p udp -m udp --sport ${4000 + dice.below(3)}`,
    '-m conntrack --ctstate ESTABLISHED',
    `-m connbytes --connbytes ${dice.below(4)}:${4 + dice.below(3)} --connbytes-dir both --connbytes-mode packets`,
    `-m quota --quota ${20 + dice.below(90)}`,
    '',
  ]
  const deeper = CHAINS[CHAINS.indexOf(chain) + 1]
  const targets = ['', '-j DROP', '-j RETURN', '-j MARK --set-mark 7', '-j ACCEPT', '-j REJECT', '', '']
  if (deeper !== undefined) targets.push(`-j ${deeper}`, `-g ${deeper}`)
  const match = pick(dice, matches)
  const target = match === '' ? pick(dice, ['', '-j MARK --set-mark 9']) : pick(dice, targets)
  const counters = dice.below(3) === 0 ? `[${dice.below(9)}:${dice.below(999)}] ` : ''
  return `${counters}-A ${chain} ${match} ${target}`.trim()
}

const rulesOf = (dice: Dice, chain: string, most: number): string[] =>
  Array.from({ length: dice.below(most + 1) }, () => randomRule(dice, chain))

/** nft counts what reaches a policy only of chains that a restore has declared, so there all are. */
function wholeFilter(dice: Dice, nft: boolean): string {
  const policies = ['INPUT', 'FORWARD', 'OUTPUT'].map((c) => `:${c} ACCEPT [${dice.below(9)}:${dice.below(99)}]`)
  const declared = nft || dice.below(3) > 0 ? policies : policies.slice(0, dice.below(3))
  return `*filter\n${[
    ...declared,
    ...CHAINS.map((c) => `:${c} - [0:0]`),
    '-A FORWARD -j A',
    '-A FORWARD -j B',
    ...CHAINS.flatMap((c) => rulesOf(dice, c, 4)),
  ].join('\n')}\nCOMMIT\n`
}

const MANGLE = (dice: Dice): string =>
  `*mangle\n${BUILTIN_CHAINS.mangle.map((c) => `:${c} ACCEPT [0:0]\n`).join('')}-A PREROUTING -m statistic --mode nth --every 3 --packet ${dice.below(3)}\n-A FORWARD -m limit --limit 1/hour --limit-burst 3\nCOMMIT\n`
const NAT = `*nat\n${BUILTIN_CHAINS.nat.map((c) => `:${c} ACCEPT [0:0]\n`).join('')}-A POSTROUTING -o right -p udp -m udp --dport 53 -j MASQUERADE\nCOMMIT\n`

/** Part of a restore: chains declared anew, rules appended, policies, nothing at all. */
function partial(dice: Dice): string {
  const lines: string[] = []
  for (const chain of CHAINS) {
    const how = dice.below(4)
    if (how === 0) lines.push(`:${chain} - [0:0]`, ...rulesOf(dice, chain, 3))
    if (how === 1) lines.push(...rulesOf(dice, chain, 1))
  }
  if (dice.below(4) === 0) lines.unshift(`:FORWARD ACCEPT [${dice.below(9)}:${dice.below(99)}]`)
  if (dice.below(8) === 0) lines.push('-D FORWARD -j B', '-A FORWARD -j B')
  const tables = [`*filter\n${lines.map((l) => `${l}\n`).join('')}COMMIT\n`]
  if (dice.below(4) === 0) tables.push('*mangle\nCOMMIT\n')
  if (dice.below(6) === 0) tables.push('*mangle\n-A FORWARD -m statistic --mode nth --every 2 --packet 1\nCOMMIT\n')
  return tables.join('')
}

interface Restore {
  readonly text: string
  readonly noflush: boolean
  readonly counters: boolean
}

type Event = { readonly restore: Restore } | { readonly packet: Packet } | { readonly save: true }

function eventsOf(dice: Dice, nft: boolean): Event[] {
  const events: Event[] = [
    { restore: { text: wholeFilter(dice, nft) + MANGLE(dice) + NAT, noflush: false, counters: dice.below(2) === 0 } },
    { save: true },
  ]
  for (let n = 0; n < 40; n++) {
    if (dice.below(6) === 0) {
      const noflush = dice.below(4) > 0
      const text = noflush ? partial(dice) : wholeFilter(dice, nft)
      events.push({ restore: { text, noflush, counters: dice.below(2) === 0 } }, { save: true })
    }
    // Ports of their own for each client and way, so that no port has to be drawn.
    const client = dice.below(3)
    const [here, there] = [`10.1.0.${9 + client}`, `10.2.0.${9 + dice.below(2)}`]
    const out = { iface: 'left', proto: 'udp', src: here, dst: there, payload_len: dice.below(20) } as const
    events.push({
      packet: pick<Packet>(dice, [
        { ...out, sport: 4000 + client, dport: 53 },
        { ...out, sport: 7000 + client, dport: 54 },
        { iface: 'right', proto: 'udp', src: there, dst: here, sport: 54, dport: 7000 + client },
      ]),
    })
    if (dice.below(5) === 0) events.push({ save: true })
  }
  events.push({ save: true })
  return events
}

const GATHER: readonly (readonly [string, string])[] = [
  ['ip-addr.json', 'ip -j addr'],
  ['ip-link.json', 'ip -d -j link'],
  ['ip-route.json', 'ip -j route show table all'],
  ['ip-rule.json', 'ip -j rule'],
  [
    'sysctls',
    'sysctl net.ipv4.ip_forward net.ipv4.conf.left.rp_filter net.ipv4.conf.all.rp_filter net.ipv4.conf.all.send_redirects net.ipv4.conf.default.send_redirects',
  ],
]

const text = (save: string): string[] => save.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

/** Tables by name: legacy prints them in the order in which the kernel came to hold them. */
const sorted = (lines: readonly string[]): string =>
  `${lines.join('\n')}\n`
    .split(/(?<=^COMMIT\n)/m)
    .sort()
    .join('')

function steps(events: readonly Event[], backend: Backend): Step[] {
  const tool = `iptables-${backend}`
  return [
    ...GATHER.map(([, sh]): Step => ({ sh })),
    ...events.map((event): Step => {
      if ('packet' in event) return packetStep(event.packet)
      if ('save' in event) return { sh: `${tool}-save -c` }
      const { noflush, counters } = event.restore
      return { sh: `${tool}-restore ${noflush ? '-n' : ''} ${counters ? '-c' : ''}`, stdin: event.restore.text }
    }),
  ]
}

function compare(seed: number, backend: Backend): { packets: number; restores: number } {
  const events = eventsOf(new Dice(seed), backend === 'nft')
  const answers = playSteps(LINKS, steps(events, backend))
  const files = new Map<string, string>(GATHER.map(([name], i) => [name, answers[i]!.out ?? '']))
  files.set('iptables-save', '*filter\nCOMMIT\n')
  const namespace: NetworkNamespace = readBundle(files, { backend })
  const start = { ...namespace, rulesets: namespace.rulesets.map((r) => ({ ...r, tables: [] })) }
  const counts = { packets: 0, restores: 0 }
  const planes: DataPlane[] = [
    new Engine(start, { maxConnections: 4096, recentStamps: true }),
    new ReferenceEngine(start),
  ]
  for (const [n, plane] of planes.entries())
    for (const [i, event] of events.entries()) {
      const answer = answers[GATHER.length + i]!
      const where = `${backend} seed ${seed} step ${i} ${n === 0 ? 'engine' : 'reference'}`
      if ('restore' in event) {
        const { text: given, noflush, counters } = event.restore
        assert.is(answer.status, 0, `${where}: ${answer.err}\n${given}`)
        const [before] = plane.rulesets
        const after = restoreRules(before!, plane.counters()[0]!, given, { file: 'restored', noflush, counters })
        plane.swapRules([after])
        counts.restores++
      } else if ('save' in event) {
        const [now] = plane.counters()
        const ours = text(printRules(savedRules(now!), { counters: true }))
        const theirs = text(answer.out ?? '')
        if (backend === 'nft') assert.is(ours.join('\n'), theirs.join('\n'), where)
        else assert.is(sorted(ours), sorted(theirs), where)
      } else {
        const result = plane.process(event.packet)
        const ours = leaving(result).flatMap(({ iface, packet }) => {
          const step = packetStep(packet) as { packet: string }
          return shownFrames({ frames: [[iface, step.packet]] })
        })
        assert.equal(ours, shownFrames(answer), `${where}: ${JSON.stringify(event.packet)}`)
        counts.packets++
      }
    }
  return counts
}

if (haveKernel('rules swapped between packets')) {
  for (const backend of ['legacy', 'nft'] as const)
    test(`restores between packets, ${backend}: every counter and every packet`, () => {
      let [packets, restores] = [0, 0]
      const count = Number(process.env['SWAP_RUNS'] ?? 12)
      const first = Number(process.env['SWAP_SEED'] ?? Date.now() % 100_000)
      for (let seed = first; seed < first + count; seed++) {
        const counts = compare(seed, backend)
        packets += counts.packets
        restores += counts.restores
      }
      process.stdout.write(`\n${backend}: seeds from ${first}, ${packets} packets, ${restores} restores\n`)
    })
} else {
  test('skipped', () => {})
}
test.run()
