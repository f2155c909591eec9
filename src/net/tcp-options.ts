// TCP options as bytes in hex: what connection tracking reads of them. Spec: RFC 9293 section 3.1, RFC 7323, RFC 2018.
// Owns the reading; what it is good for is the trackers' business. Wrong options end the list, as in the kernel.

/** What a window tracker needs of a segment's options. */
export interface TcpOptions {
  /** The segment has options (even if only padding). */
  readonly present: boolean
  /** Window scale, 0..14; null: the option is not there. */
  readonly scale: number | null
  readonly sackPermitted: boolean
  /** Right edges of the blocks of the first SACK option. */
  readonly sackEdges: readonly number[]
}

const NONE: TcpOptions = { present: false, scale: null, sackPermitted: false, sackEdges: [] }
const MOST_SCALE = 14
const [END, NO_OPERATION, WINDOW, SACK_PERMITTED, SACK] = [0, 1, 3, 4, 5] as const

/** The bytes of options, padded to words as they are on the wire. */
export function tcpOptionBytes(hex: string | undefined): number[] {
  const bytes = (hex?.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
  while (bytes.length % 4 !== 0) bytes.push(0)
  return bytes
}

function edgesOf(block: readonly number[]): number[] {
  const edges: number[] = []
  for (let i = 0; i + 8 <= block.length; i += 8) {
    const [a = 0, b = 0, c = 0, d = 0] = block.slice(i + 4, i + 8)
    edges.push(((a << 24) | (b << 16) | (c << 8) | d) >>> 0)
  }
  return edges
}

/** Reads options; of a kind that comes twice, the last counts (of SACK, the first). */
export function tcpOptionsOf(hex: string | undefined): TcpOptions {
  const bytes = tcpOptionBytes(hex)
  if (bytes.length === 0) return NONE
  let scale: number | null = null
  let sackPermitted = false
  let edges: number[] | null = null
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at]!
    if (kind === END) break
    if (kind === NO_OPERATION) {
      at++
      continue
    }
    const size = bytes[at + 1] ?? 0
    if (size < 2 || at + size > bytes.length) break
    if (kind === WINDOW && size === 3) scale = Math.min(bytes[at + 2]!, MOST_SCALE)
    if (kind === SACK_PERMITTED && size === 2) sackPermitted = true
    if (kind === SACK && size >= 10 && (size - 2) % 8 === 0) edges ??= edgesOf(bytes.slice(at + 2, at + size))
    at += size
  }
  return { present: true, scale, sackPermitted, sackEdges: edges ?? [] }
}
