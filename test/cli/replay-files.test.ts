// What replay reads and writes: pipes, gzip, captures in and out, more than memory holds, readers that go away.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeProgram } from '../../src/cli/main.js'
import { encodePacket, LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../src/net/bytes.js'
import { FaultError } from '../../src/net/fault.js'
import type { Packet } from '../../src/net/packet.js'
import { CaptureReader, writePcap, writePcapng } from '../../src/net/pcap.js'

const test = suite('replay: files')
const root = fileURLToPath(new URL('../../', import.meta.url))
const bundle = join(root, 'examples/node-bundle')
const dir = mkdtempSync(join(tmpdir(), 'nodeplane-replay-'))
test.after(() => rmSync(dir, { recursive: true }))

const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(dir, name), content)
  return join(dir, name)
}
const main = [...['--import', 'tsx'], join(root, 'src/cli/main.ts'), 'replay', '--bundle', bundle]

function replay(args: string[], input: string | Uint8Array = ''): { out: string; err: string; status: number | null } {
  const run = spawnSync(process.execPath, [...main, ...args], { cwd: root, input, maxBuffer: 1 << 28 })
  return { out: run.stdout.toString(), err: run.stderr.toString(), status: run.status }
}

const LINES = readFileSync(join(root, 'examples/packets.jsonl'), 'utf8')
const SYN: Packet = {
  iface: 'eth0',
  proto: 'tcp',
  src: '203.0.113.9',
  dst: '192.168.10.11',
  sport: 51999,
  dport: 30080,
}
const at = (ms: number): bigint => 1_700_000_000_000_000_000n + BigInt(ms) * 1_000_000n

test('a pipe, a file and a compressed file give the same answers', () => {
  const whole = replay(['--packets', file('p.jsonl', LINES)])
  assert.is(whole.status, 0)
  assert.is(whole.out.split('\n').length, 8)
  assert.is(replay(['--packets', '-'], LINES).out, whole.out)
  assert.is(replay(['--packets', '-'], gzipSync(LINES)).out, whole.out)
  assert.is(replay(['--packets', file('p.jsonl.gz', gzipSync(LINES))]).out, whole.out)
})

test('a pipe is answered up to its faulty line; a small file is not begun', () => {
  const bad = `${LINES.trimEnd()}\n{"iface":"eth0","proto":"tpc"}\n`
  const piped = replay(['--packets', '-'], bad)
  assert.is(piped.status, 2)
  assert.is(piped.out.split('\n').length, 8)
  assert.match(piped.err, /^stdin:8:25: `proto`: unknown protocol/m)
  const read = replay(['--packets', file('bad.jsonl', bad)])
  assert.equal([read.status, read.out], [2, ''])
})

test('what leaves is a capture with the interfaces of the namespace', () => {
  const out = join(dir, 'out.pcapng')
  const { status, out: answers } = replay(['--packets', '-', '--pcap-out', out], LINES)
  assert.is(status, 0)
  const reader = new CaptureReader()
  const packets = [...reader.push(readFileSync(out)), ...reader.end()]
  assert.ok(reader.interfaces.some((i) => i.name === 'eth0'))
  const left = answers
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { out_iface?: string; reply?: { out_iface: string } })
    .map((a) => a.out_iface ?? a.reply?.out_iface)
    .filter((iface) => iface !== undefined)
  assert.equal(
    packets.map((p) => p.interface.name),
    left,
  )
  assert.ok(left.length >= 6)
  // Instead of the answers, on standard output.
  const piped = spawnSync(process.execPath, [...main, '--packets', '-', '--pcap-out', '-'], { cwd: root, input: LINES })
  assert.is(Buffer.compare(piped.stdout, readFileSync(out)), 0)
})

test('a capture keeps its times on the way through, and the header is that after translation', () => {
  const capture = writePcap([{ timeNs: at(5), bytes: encodePacket(SYN) }], { linkType: LINKTYPE_RAW, nano: true })
  const out = join(dir, 'nat.pcapng')
  const run = replay(['--pcap', file('in.pcap.gz', gzipSync(capture)), '--iface', 'eth0', '--pcap-out', out])
  assert.is(run.status, 0)
  const answer = JSON.parse(run.out) as { id: number; verdict: string; dst: string; dport: number; in: Packet }
  assert.equal([answer.id, answer.verdict, answer.in.dport], [1, 'forward', 30080])
  const [packet] = new CaptureReader().push(readFileSync(out))
  assert.is(packet!.timeNs, at(5))
  assert.is(packet!.direction, 'out')
  assert.equal([...packet!.bytes.subarray(16, 20)].join('.'), answer.dst)
  assert.is(packet!.bytes[22]! * 256 + packet!.bytes[23]!, answer.dport)
})

test('captures that are cut off, of unknown link types, of other interfaces', () => {
  const good = writePcap(
    [
      { timeNs: at(0), bytes: encodePacket(SYN) },
      { timeNs: at(1), bytes: encodePacket(SYN) },
    ],
    {
      linkType: LINKTYPE_RAW,
      bigEndian: true,
    },
  )
  const cut = replay(['--pcap', file('cut.pcap', good.subarray(0, good.length - 5)), '--iface', 'eth0'])
  assert.is(cut.status, 2)
  assert.is(cut.out.trim().split('\n').length, 1, 'the packet before is answered')
  assert.match(cut.err, /cut\.pcap: byte 80: the file ends inside a packet record/)
  const unknown = writePcap([{ timeNs: at(0), bytes: encodePacket(SYN) }], { linkType: 147 })
  const refused = replay(['--pcap', file('u.pcap', unknown), '--iface', 'eth0'])
  assert.is(refused.status, 2)
  assert.match(refused.err, /u\.pcap: nothing of this capture can be read: link type 147 is not read/)
  const ethernet = Uint8Array.of(...Array(12).fill(2), 0x81, 0, 0, 7, 8, 0, ...encodePacket(SYN))
  const several = writePcapng(
    [
      { timeNs: at(0), bytes: encodePacket(SYN), interface: 0 },
      { timeNs: at(1), bytes: ethernet, interface: 1 },
    ],
    {
      interfaces: [
        { linkType: LINKTYPE_RAW, name: 'wg0' },
        { linkType: LINKTYPE_ETHERNET, name: 'eth0' },
      ],
    },
  )
  const chosen = replay(['--pcap', '-', '--iface', 'eth0'], several)
  assert.equal(
    chosen.out
      .trim()
      .split('\n')
      .map((l) => (JSON.parse(l) as { id: number }).id),
    [2],
  )
  assert.match(chosen.err, /only eth0 counts/)
  assert.match(chosen.err, /VLAN tag 7 was passed over/)
})

test('counters and connections go to standard output after the answers; what makes no sense is one line', async () => {
  const { out } = replay(['--packets', '-', '--counters', '-', '--conntrack', '-'], LINES)
  assert.match(out, /}\n\*\w+\n:/)
  assert.match(out, /COMMIT\nipv4 {5}2 tcp /)
  const refused = async (args: string[]): Promise<string> => {
    try {
      await makeProgram().parseAsync(['replay', '--bundle', bundle, ...args], { from: 'user' })
    } catch (error) {
      if (error instanceof FaultError) return error.message
      throw error
    }
    throw new Error(`not refused: ${args.join(' ')}`)
  }
  const none = join(dir, 'no', 'such')
  const some = file('p.jsonl', LINES)
  assert.match(
    await refused(['--packets', 'p.jsonl', '--iface', 'eth0']),
    /^--iface: packet lines name their interface/m,
  )
  assert.match(await refused(['--pcap', '-']), /^--iface: missing/m)
  assert.match(
    await refused(['--pcap', '-', '--iface', 'eth9']),
    /^--iface: there is no interface 'eth9' in this namespace/m,
  )
  assert.match(await refused(['--packets', none]), /such: there is no such file$/m)
  assert.match(await refused(['--packets', some, '--counters', none]), /such: cannot be written \(ENOENT\)$/m)
  assert.match(await refused(['--packets', some, '--pcap-out', none]), /such: cannot be written \(ENOENT\)$/m)
  assert.match(
    await refused(['--packets', '-', '--pcap-out', '-', '--summary']),
    /^--pcap-out: standard output cannot take/m,
  )
  assert.match(await refused(['--packets', '-', '--remember', '0']), /^--remember: '0' is no number of lines/m)
  assert.match(await refused(['--packets', '-', '--engine', 'fast']), /^--engine: 'fast' is no engine/m)
  assert.match(
    await refused(['--packets', file('x.gz', gzipSync(LINES).subarray(0, 99))]),
    /x\.gz: a gzip file that is cut off/,
  )
})

test('a reader that goes away ends the command quietly', async () => {
  const child = spawn(
    'sh',
    ['-c', `"$0" ${main.map((a) => `'${a}'`).join(' ')} --packets - | head -n 1`, process.execPath],
    {
      cwd: root,
    },
  )
  let [out, err] = ['', '']
  child.stdout.on('data', (data: Buffer) => {
    out += data
  })
  child.stderr.on('data', (data: Buffer) => {
    err += data
  })
  child.stdin.on('error', () => {})
  child.stdin.end(`${JSON.stringify({ ...SYN })}\n`.repeat(20_000))
  const status = await new Promise((resolve) => child.on('close', resolve))
  assert.is(status, 0)
  assert.is(out.trim().split('\n').length, 1)
  assert.not.match(err, /Error|EPIPE/)
})

test('a stream far larger than the memory allowed', async () => {
  const packets = 2000
  const one = writePcap(
    Array.from({ length: packets }, (_, i) => ({
      timeNs: at(i),
      bytes: encodePacket({ ...SYN, sport: 1024 + i, payload_len: 1360 }),
    })),
    { linkType: LINKTYPE_RAW },
  )
  const rounds = 40 // 113 MB
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=48', ...main, '--pcap', '-', '--iface', 'eth0', '--summary'],
    {
      cwd: root,
    },
  )
  let [out, err] = ['', '']
  child.stdout.on('data', (data: Buffer) => {
    out += data
  })
  child.stderr.on('data', (data: Buffer) => {
    err += data
  })
  const closed = new Promise((resolve) => child.on('close', resolve))
  for (let i = 0; i < rounds; i++) {
    const piece = i === 0 ? one : one.subarray(24)
    if (!child.stdin.write(piece)) await new Promise((resolve) => child.stdin.once('drain', resolve))
  }
  child.stdin.end()
  assert.is(await closed, 0, err)
  assert.is((JSON.parse(out) as { packets: number }).packets, packets * rounds)
})

test.run()
