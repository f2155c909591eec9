// Archives and bundles from disk: what is read, and what a hostile archive meets. Archives are built here, header by header.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readBundleFiles, readInput, readTextInput } from '../../src/netns/node/read-bundle.js'
import { bundleOfTar, readTar } from '../../src/netns/tar.js'

const test = suite('netns: archives')

interface Entry {
  name: string
  body?: string | Uint8Array
  type?: string
  /** Lies about the size. */
  size?: number
}

function tar(entries: Entry[]): Uint8Array {
  const blocks: Buffer[] = []
  for (const { name, body = '', type = '0', size } of entries) {
    const content = Buffer.from(body as string)
    const header = Buffer.alloc(512)
    header.write(name, 0, 100)
    header.write('0000644\u00000000000\u00000000000\u0000', 100)
    header.write(`${(size ?? content.length).toString(8).padStart(11, '0')}\u0000`, 124)
    header.write('00000000000\u0000        ', 136)
    header.write(type, 156)
    header.write('ustar\u000000', 257)
    const sum = header.reduce((n, b) => n + b, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148)
    blocks.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512))
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

const names = (bytes: Uint8Array): string[] => [...readTar(bytes, 't').keys()]

test('files by name, folders passed over, ./ dropped', () => {
  const bytes = tar([
    { name: './b/', type: '5' },
    { name: './b/x', body: 'hello' },
    { name: 'y', body: 'z'.repeat(513) },
  ])
  const files = readTar(bytes, 't')
  assert.equal([...files.keys()], ['b/x', 'y'])
  assert.is(new TextDecoder().decode(files.get('b/x')), 'hello')
  assert.is(files.get('y')!.length, 513)
})

test('long names by pax and GNU headers', () => {
  const long = `${'d'.repeat(120)}/ip-addr.json`
  const record = ` path=${long}\n`
  const pax = `${record.length + 3}${record}`
  assert.equal(
    names(
      tar([
        { name: 'x', type: 'x', body: pax },
        { name: 'short', body: 'a' },
      ]),
    ),
    [long],
  )
  assert.equal(
    names(
      tar([
        { name: '././@LongLink', type: 'L', body: `${long}\u0000` },
        { name: 's', body: 'a' },
      ]),
    ),
    [long],
  )
})

test('an archive of the tar program', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeplane-'))
  mkdirSync(join(dir, 'b'))
  writeFileSync(join(dir, 'b', 'ip-addr.json'), '[]')
  execFileSync('tar', ['-C', dir, '-czf', join(dir, 'b.tar.gz'), 'b'])
  assert.equal([...readBundleFiles(join(dir, 'b.tar.gz')).keys()], ['ip-addr.json'])
  assert.equal([...readBundleFiles(join(dir, 'b')).keys()], ['ip-addr.json'])
  rmSync(dir, { recursive: true })
})

test('what an archive must not do', () => {
  const bad = (entries: Entry[], pattern: RegExp): void => assert.throws(() => names(tar(entries)), pattern)
  bad([{ name: '/etc/passwd', body: 'x' }], /^t: the absolute name `\/etc\/passwd`/)
  bad([{ name: '../x', body: 'x' }], /^t: the name `\.\.\/x` leaves the archive's folder/)
  bad([{ name: 'a/../../x', body: 'x' }], /leaves the archive's folder/)
  bad([{ name: 'a\\..\\x', body: 'x' }], /absolute name/)
  bad([{ name: 'a', type: '2' }], /`a` is a link/)
  bad([{ name: 'a', type: '1' }], /`a` is a link/)
  bad([{ name: 'a', type: '3' }], /`a` is of type `3`/)
  bad([{ name: 'a' }, { name: './a' }], /`a` stands twice/)
  bad([{ name: 'a', size: 0o77777777777 }], /a file of 8589934591 bytes/)
  bad([{ name: 'a', size: 5000 }], /ends early/)
  bad([{ name: 'x', type: 'x', body: '99 path=/x\n' }, { name: 'a' }], /pax record/)
  const record = '20 path=../../evil\n\n'
  bad([{ name: 'x', type: 'x', body: record }, { name: 'a' }], /leaves the archive's folder/)
  bad([{ name: 'a\u001b[31m', type: '2' }], /`a\\u\{1b\}\[31m` is a link/)
})

test('damage is one fault', () => {
  const good = tar([{ name: 'a', body: 'x' }])
  const broken = Uint8Array.from(good)
  broken[0] = 0x62
  assert.throws(() => names(broken), /^t: not a tar archive, or a damaged one: a checksum is wrong/)
  assert.throws(() => names(good.subarray(0, 1024)), /ends early/)
  assert.throws(() => names(new TextEncoder().encode('hello')), /ends early/)
  for (let i = 0; i < 512; i += 7) {
    const bytes = Uint8Array.from(good)
    bytes[i] = bytes[i]! ^ 0x5a
    try {
      names(bytes)
    } catch (error) {
      assert.is((error as Error).name, 'FaultError')
    }
  }
})

test('limits', () => {
  const two = tar([
    { name: 'a', body: 'x'.repeat(100) },
    { name: 'b', body: 'x'.repeat(100) },
  ])
  assert.throws(() => readTar(two, 't', { maxEntries: 1 }), /more than 1 entries/)
  assert.throws(() => readTar(two, 't', { maxFileBytes: 99 }), /a file of 100 bytes in the archive; the limit is 99/)
  assert.throws(() => readTar(two, 't', { maxTotalBytes: 199 }), /more than 199 bytes in the archive/)
  assert.is(readTar(two, 't', { maxTotalBytes: 200, maxEntries: 2, maxFileBytes: 100 }).size, 2)
})

test('a bundle is the folder of ip-addr.json', () => {
  const one = tar([
    { name: 'n/ip-addr.json', body: '[]' },
    { name: 'n/README', body: 'x' },
    { name: 'n/sysctls', body: '' },
    { name: 'sysctls', body: 'x' },
  ])
  assert.equal([...bundleOfTar(one, 't').keys()], ['ip-addr.json', 'sysctls'])
  assert.throws(() => bundleOfTar(tar([{ name: 'x' }]), 't'), /holds no `ip-addr.json`/)
  assert.throws(
    () => bundleOfTar(tar([{ name: 'a/ip-addr.json' }, { name: 'b/ip-addr.json' }]), 't'),
    /more than one bundle/,
  )
})

test('files: gzip is recognised, a gzip bomb meets the limit, what is missing is said', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeplane-'))
  const path = join(dir, 'x')
  writeFileSync(path, gzipSync('hello'))
  assert.is(readTextInput(path), 'hello')
  writeFileSync(path, gzipSync(Buffer.alloc(50_000_000)))
  assert.throws(() => readInput(path, 1_000_000), /x: more than 1000000 bytes after decompression; that is the limit/)
  writeFileSync(path, gzipSync('hello').subarray(0, 12))
  assert.throws(() => readInput(path), /a damaged gzip file/)
  writeFileSync(path, Buffer.alloc(100))
  assert.throws(() => readInput(path, 99), /more than 99 bytes/)
  writeFileSync(path, Uint8Array.from([0xff, 0xfe, 0x80]))
  assert.throws(() => readTextInput(path), /not UTF-8 text/)
  writeFileSync(path, '')
  assert.throws(() => readBundleFiles(path), /the file is empty; a tar archive/)
  assert.throws(() => readInput(join(dir, 'no')), /no: there is no such file/)
  assert.throws(() => readInput(dir), /not a file/)
  assert.throws(() => readBundleFiles(join(dir, 'no')), /there is no such file or folder/)
  rmSync(dir, { recursive: true })
})

test.run()
