// What the options of `string` and `cgroup` mean, from the texts that the rule model keeps: the same for all who evaluate them.
import { type ListedMatch, listed, unquoted } from './model-listed.js'

export interface StringTest {
  readonly not: boolean
  readonly bytes: Uint8Array
  /** Offsets in the packet: the pattern lies between them. */
  readonly from: number
  readonly to: number
  readonly anyCase: boolean
}

/** What a `string` match looks for. */
export function stringOf(m: ListedMatch): StringTest {
  const hex = listed(m, 'hex-string')
  const pattern = hex ?? listed(m, 'string')!
  const bytes =
    hex === undefined
      ? new TextEncoder().encode(unquoted(pattern.text))
      : Uint8Array.from(hex.text.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16))
  return {
    not: pattern.not,
    bytes,
    from: Number(listed(m, 'from')?.text ?? 0),
    to: Number(listed(m, 'to')?.text ?? 65535),
    anyCase: listed(m, 'icase') !== undefined,
  }
}

/** The path of a cgroup without what says nothing: `/` is '', `a//b/` is `/a/b`. */
export function cgroupPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.map((part) => `/${part}`).join('')
}
