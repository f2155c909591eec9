// A tar archive's files, read without trusting it.
// Owns the tar format (POSIX ustar, pax headers, GNU long names) as far as regular files go. What an archive must not do
// is refused, never repaired: absolute names, `..`, links, devices, a name twice, sizes beyond the limits.
// Spec: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block".
import { escapeText, fail } from '../net/fault.js'
import { BUNDLE_FILES } from './bundle.js'

export interface ArchiveLimits {
  /** Most files and folders in an archive. Default 1,000. */
  readonly maxEntries?: number
  /** Most bytes of one file, after decompression. Default 64 MiB. */
  readonly maxFileBytes?: number
  /** Most bytes of all files, after decompression. Default 256 MiB. */
  readonly maxTotalBytes?: number
}

export const DEFAULT_LIMITS: Required<ArchiveLimits> = {
  maxEntries: 1000,
  maxFileBytes: 64 * 1024 * 1024,
  maxTotalBytes: 256 * 1024 * 1024,
}

const BLOCK = 512
/** A pax header or GNU long name has at most this many bytes. */
const MAX_HEADER_BYTES = 65536

interface Header {
  readonly name: string
  readonly size: number
  readonly type: string
}

class TarReader {
  private readonly bytes: Uint8Array
  private readonly file: string
  private readonly limits: Required<ArchiveLimits>
  readonly files = new Map<string, Uint8Array>()

  constructor(bytes: Uint8Array, file: string, limits: ArchiveLimits) {
    this.bytes = bytes
    this.file = file
    this.limits = { ...DEFAULT_LIMITS, ...limits }
  }

  private bad(message: string): never {
    return fail(this.file, 0, 0, message)
  }

  private text(from: number, length: number): string {
    const field = this.bytes.subarray(from, from + length)
    const end = field.indexOf(0)
    return new TextDecoder('utf-8').decode(end < 0 ? field : field.subarray(0, end))
  }

  private octal(from: number, length: number, what: string): number {
    const text = this.text(from, length).trim()
    if (!/^[0-7]{1,12}$/.test(text)) this.bad(`a damaged tar archive: ${what} is not a number`)
    return Number.parseInt(text, 8)
  }

  private header(at: number): Header {
    let sum = 0
    for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : this.bytes[at + i]!
    if (this.octal(at + 148, 8, 'a checksum') !== sum)
      this.bad('not a tar archive, or a damaged one: a checksum is wrong')
    const prefix = this.text(at + 257, 5) === 'ustar' && this.bytes[at + 262] === 0 ? this.text(at + 345, 155) : ''
    const name = this.text(at, 100)
    return {
      name: prefix === '' ? name : `${prefix}/${name}`,
      size: this.octal(at + 124, 12, 'a size'),
      type: String.fromCharCode(this.bytes[at + 156]!),
    }
  }

  /** `LENGTH KEY=VALUE\n` records. */
  private pax(body: Uint8Array): { path?: string; size?: number } {
    const found: { path?: string; size?: number } = {}
    for (let at = 0; at < body.length; ) {
      const record = /^([0-9]{1,5}) /.exec(new TextDecoder().decode(body.subarray(at, at + 6)))
      const length = Number(record?.[1] ?? 0)
      if (record === null || length <= record[0].length || at + length > body.length)
        this.bad('a damaged tar archive: a pax record')
      const text = new TextDecoder().decode(body.subarray(at + record[0].length, at + length - 1))
      const equals = text.indexOf('=')
      const key = text.slice(0, equals)
      const value = text.slice(equals + 1)
      if (key === 'path') found.path = value
      if (key === 'size') {
        if (!/^[0-9]{1,15}$/.test(value)) this.bad('a damaged tar archive: a pax size')
        found.size = Number(value)
      }
      at += length
    }
    return found
  }

  /** The name without `./` and doubled slashes; everything that could leave the folder is refused. */
  private safeName(name: string): string {
    const shown = `\`${escapeText(name.slice(0, 100))}\``
    if (name.includes('\u0000')) this.bad(`the name ${shown} holds a NUL`)
    if (name.startsWith('/') || /^[A-Za-z]:/.test(name) || name.includes('\\')) {
      this.bad(`the absolute name ${shown}; names inside the archive's folder were expected`)
    }
    const parts = name.split('/').filter((part) => part !== '' && part !== '.')
    if (parts.includes('..')) this.bad(`the name ${shown} leaves the archive's folder`)
    return parts.join('/')
  }

  read(): void {
    const { maxEntries, maxFileBytes, maxTotalBytes } = this.limits
    let entries = 0
    let total = 0
    let next: { path?: string; size?: number } = {}
    for (let at = 0; at + BLOCK <= this.bytes.length; ) {
      if (this.bytes.subarray(at, at + BLOCK).every((b) => b === 0)) return
      const header = this.header(at)
      at += BLOCK
      const isMeta = header.type === 'x' || header.type === 'g' || header.type === 'L' || header.type === 'K'
      const size = isMeta ? header.size : (next.size ?? header.size)
      if (size > (isMeta ? MAX_HEADER_BYTES : maxFileBytes)) {
        this.bad(`a file of ${size} bytes in the archive; the limit is ${isMeta ? MAX_HEADER_BYTES : maxFileBytes}`)
      }
      if (at + size > this.bytes.length) this.bad('the tar archive ends early')
      const body = this.bytes.subarray(at, at + size)
      at += Math.ceil(size / BLOCK) * BLOCK
      if (++entries > maxEntries) this.bad(`more than ${maxEntries} entries in the archive; that is the limit`)
      if (header.type === 'x') next = { ...next, ...this.pax(body) }
      else if (header.type === 'L') next = { ...next, path: new TextDecoder().decode(body).replace(/\u0000.*$/s, '') }
      if (isMeta) continue
      const name = this.safeName(next.path ?? header.name)
      next = {}
      if (header.type === '5') continue
      if (header.type !== '0' && header.type !== '\u0000') {
        const what = header.type === '1' || header.type === '2' ? 'a link' : `of type \`${escapeText(header.type)}\``
        this.bad(`\`${escapeText(name.slice(0, 100))}\` is ${what}; only files and folders were expected`)
      }
      if (this.files.has(name)) this.bad(`\`${escapeText(name.slice(0, 100))}\` stands twice in the archive`)
      total += size
      if (total > maxTotalBytes) this.bad(`more than ${maxTotalBytes} bytes in the archive; that is the limit`)
      this.files.set(name, body)
    }
    this.bad('the tar archive ends early')
  }
}

/** The regular files of a tar archive by name. Contents are views of `bytes`. Throws a FaultError with one fault. */
export function readTar(bytes: Uint8Array, file: string, limits: ArchiveLimits = {}): Map<string, Uint8Array> {
  const reader = new TarReader(bytes, file, limits)
  reader.read()
  return reader.files
}

/** The bundle's files in an archive: those of the one folder that holds `ip-addr.json`. Throws a FaultError. */
export function bundleOfTar(bytes: Uint8Array, file: string, limits: ArchiveLimits = {}): Map<string, Uint8Array> {
  const files = readTar(bytes, file, limits)
  const homes = [...files.keys()].filter((name) => name === 'ip-addr.json' || name.endsWith('/ip-addr.json'))
  const [home, second] = homes
  if (home === undefined) return fail(file, 0, 0, 'the archive holds no `ip-addr.json` (`ip -j addr`)')
  if (second !== undefined)
    return fail(file, 0, 0, 'the archive holds more than one bundle (`ip-addr.json` stands in two folders)')
  const folder = home.slice(0, -'ip-addr.json'.length)
  const bundle = new Map<string, Uint8Array>()
  for (const name of BUNDLE_FILES) {
    const content = files.get(folder + name)
    if (content !== undefined) bundle.set(name, content)
  }
  return bundle
}
