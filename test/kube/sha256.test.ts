// The hash behind chain names, against node:crypto over every padding boundary and random text.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { chainHash, sha256 } from '../../src/kube/sha256.js'

const test = suite('kube/sha256')
const theirs = (text: string) => createHash('sha256').update(text, 'utf8').digest()

test('every length from 0 to 300 bytes', () => {
  for (let n = 0; n <= 300; n++) {
    const text = 'x'.repeat(n)
    assert.is(Buffer.from(sha256(text)).toString('hex'), theirs(text).toString('hex'), `${n} bytes`)
  }
})

test('random text, several bytes a character, after longer and shorter texts', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 400, size: 'max' }), (text) => {
      assert.is(Buffer.from(sha256(text)).toString('hex'), theirs(text).toString('hex'))
    }),
    { numRuns: 500 },
  )
})

test('chain hashes that kube-proxy gives', () => {
  assert.is(chainHash('ns1/svc1:p80tcp'), 'XPGD46QRK7WJZT7O')
  assert.is(chainHash('ns1/svc1:p80tcp10.180.0.1:80'), 'SXIVWICOYRO3J4NJ')
})

test('chain hash is the start of base32 of the digest', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  for (let n = 0; n < 200; n++) {
    const text = `default/name-${n}:portudp`
    const bits = [...theirs(text)].map((b) => b.toString(2).padStart(8, '0')).join('')
    let want = ''
    for (let i = 0; i < 16; i++) want += alphabet[Number.parseInt(bits.slice(5 * i, 5 * i + 5), 2)]
    assert.is(chainHash(text), want)
  }
})

test.run()
