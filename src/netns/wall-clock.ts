// The wall clock that rules of `time` ask for: an instant at clock 0, as text.
// Spec: RFC 3339; the text's offset is taken for the kernel's time zone (which `--kerneltz` works with).

export interface WallClock {
  /** Milliseconds since 1970 at clock 0. */
  readonly ms: number
  /** Seconds that the kernel's time zone is ahead of UTC. */
  readonly zoneSeconds: number
}

const FORM = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)(?:[Zz]|([+-])(\d\d):(\d\d))$/

/**
 * Reads an instant of RFC 3339, 1970 to 2037. Throws a RangeError when it is none.
 *
 * @example parseWallClock('2026-05-01T10:00:00+02:00').zoneSeconds // 7200
 */
export function parseWallClock(text: string): WallClock {
  const parts = FORM.exec(text)
  const ms = parts === null ? Number.NaN : Date.parse(text.replace(' ', 'T').toUpperCase())
  if (parts === null || !(ms >= 86_400_000 && ms < 2_145_916_800_000)) {
    throw new RangeError(
      `${JSON.stringify(text)} is no instant: expected RFC 3339 such as 2026-05-01T10:00:00Z, 1970 to 2037`,
    )
  }
  const zone = parts[3] === undefined ? 0 : Number(parts[4]) * 3600 + Number(parts[5]) * 60
  return { ms: Math.floor(ms), zoneSeconds: parts[3] === '-' ? -zone : zone }
}
