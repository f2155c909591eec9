// Bundles from disk or standard input: a folder, a .tar, a .tar.gz, or `-`. For Node only.
// Owns reading files with limits and gzip; what the files say is bundle.ts's, what an archive may hold is tar.ts's.
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { fail } from '../../net/fault.js'
import { BUNDLE_FILES, type BundleOptions, readBundle } from '../bundle.js'
import type { NetworkNamespace } from '../model.js'
import { type ArchiveLimits, bundleOfTar, DEFAULT_LIMITS } from '../tar.js'

/** Is it gzip, by its first bytes (RFC 1952)? */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length > 2 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8
}

/** Bytes as they are, or decompressed when they are gzip; more than `maxBytes` is a fault, found while decompressing. */
export function gunzipped(bytes: Uint8Array, file: string, maxBytes: number): Uint8Array {
  if (!isGzip(bytes)) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') {
      return fail(file, 0, 0, `more than ${maxBytes} bytes after decompression; that is the limit`)
    }
    return fail(file, 0, 0, 'a damaged gzip file')
  }
}

function readAll(fd: number, file: string, maxBytes: number): Uint8Array {
  const chunks: Buffer[] = []
  let total = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(65536)
    let length = 0
    try {
      length = readSync(fd, chunk)
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === 'EOF') break
      if (code !== 'EAGAIN') return fail(file, 0, 0, `cannot be read (${code ?? 'unknown error'})`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5) // a pipe that has nothing yet
      continue
    }
    if (length === 0) break
    total += length
    if (total > maxBytes) return fail(file, 0, 0, `more than ${maxBytes} bytes; that is the limit`)
    chunks.push(chunk.subarray(0, length))
  }
  return Buffer.concat(chunks)
}

/**
 * The bytes of a file, or of standard input for `-`; gzip is recognised and decompressed. Nothing longer than
 * `maxBytes` (default 64 MiB) is read. Throws a FaultError.
 */
export function readInput(path: string, maxBytes: number = DEFAULT_LIMITS.maxFileBytes): Uint8Array {
  if (path === '-') return gunzipped(readAll(0, 'stdin', maxBytes), 'stdin', maxBytes)
  let fd: number
  try {
    if (!statSync(path).isFile() && !/^\/(dev|proc)\//.test(path)) return fail(path, 0, 0, 'not a file')
    fd = openSync(path, 'r')
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === undefined) throw error
    return fail(path, 0, 0, code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`)
  }
  try {
    return gunzipped(readAll(fd, path, maxBytes), path, maxBytes)
  } finally {
    closeSync(fd)
  }
}

function filesOfFolder(path: string, limits: Required<ArchiveLimits>): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  let total = 0
  for (const name of BUNDLE_FILES) {
    const file = join(path, name)
    const packed = `${file}.gz`
    const found = existsSync(file) ? file : existsSync(packed) ? packed : null
    if (found === null) continue
    const content = readInput(found, limits.maxFileBytes)
    total += content.length
    if (total > limits.maxTotalBytes)
      fail(path, 0, 0, `more than ${limits.maxTotalBytes} bytes in the bundle; that is the limit`)
    files.set(name, content)
  }
  return files
}

/** The bundle's files from a folder, a .tar, a .tar.gz, or `-` (an archive on standard input). Throws a FaultError. */
export function readBundleFiles(path: string, limits: ArchiveLimits = {}): Map<string, Uint8Array> {
  const all = { ...DEFAULT_LIMITS, ...limits }
  if (path !== '-') {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return fail(path, 0, 0, 'there is no such file or folder')
    if (stat.isDirectory()) return filesOfFolder(path, all)
  }
  const label = path === '-' ? 'stdin' : path
  // Headers and padding: an archive is larger than its files.
  const bytes = readInput(path, all.maxTotalBytes + all.maxEntries * 1024 + 10240)
  if (bytes.length === 0) return fail(label, 0, 0, 'the file is empty; a tar archive of a bundle was expected')
  return bundleOfTar(bytes, label, all)
}

/**
 * Reads a bundle from a folder, a .tar, a .tar.gz, or `-`, as a complete namespace. Throws a FaultError.
 */
export function readBundlePath(path: string, options: BundleOptions & ArchiveLimits = {}): NetworkNamespace {
  return readBundle(readBundleFiles(path, options), { path: path === '-' ? 'stdin' : path, ...options })
}

/** UTF-8 text of a file or of standard input (`-`), gzip recognised. Throws a FaultError for a binary file. */
export function readTextInput(path: string, maxBytes: number = DEFAULT_LIMITS.maxTotalBytes): string {
  const bytes = readInput(path, maxBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return fail(path === '-' ? 'stdin' : path, 0, 0, 'not UTF-8 text (a binary file?)')
  }
}
