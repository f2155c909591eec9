// Last step of `npm run build`: puts the .wasm into dist/ and makes the command executable.
import { chmodSync, copyFileSync } from 'node:fs'

const at = (path) => new URL(`../${path}`, import.meta.url)
copyFileSync(at('build/nodeplane.wasm'), at('dist/nodeplane.wasm'))
chmodSync(at('dist/src/cli/main.js'), 0o755)
