// Before tsc writes to dist/: nothing of an earlier build stays behind.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
