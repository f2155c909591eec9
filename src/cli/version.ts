// The version, one place: read from package.json, which lies beside dist/ (or beside src/ in a checkout).
import { readFileSync } from 'node:fs'

function read(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name?: string
        version?: string
      }
      if (found.name === 'nodeplane' && found.version) return found.version
    } catch {
      // Not at this depth: src/cli in a checkout, dist/src/cli in the package.
    }
  }
  return 'unknown'
}

/** The package's version, e.g. `0.1.0`. */
export const VERSION: string = read()
