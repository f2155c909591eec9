// Tries the package as its users meet it: packs it, installs the tarball into an empty project and asks for the same
// packets everywhere: Node, the command, and headless Chromium without a bundler, through Vite and through esbuild.
// Every answer must be the same; else, or when something cannot be tried, exit 1. Needs `npm run build` before.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import { launchChromium, resultOfPage, STRICT_CSP } from './browser.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const tried = []
const project = mkdtempSync(join(tmpdir(), 'nodeplane-try-'))
const at = (...parts) => join(project, ...parts)

function run(command, args, cwd = project) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
  return stdout
}

function same(what, found, expected) {
  if (!isDeepStrictEqual(found, expected)) {
    const text = (value) => JSON.stringify(value, null, 1)
    writeFileSync(join(tmpdir(), 'nodeplane-expected.json'), text(expected))
    writeFileSync(join(tmpdir(), 'nodeplane-found.json'), text(found))
    throw new Error(`${what}: another answer; see nodeplane-expected.json and nodeplane-found.json in ${tmpdir()}`)
  }
  tried.push(what)
}

function check(what, holds) {
  if (!holds) throw new Error(`${what}: it does not hold`)
  tried.push(what)
}

/** Packs, installs, and returns what the package brings. */
function install() {
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', project], root)
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'))
  writeFileSync(at('package.json'), '{ "name": "empty", "private": true, "type": "module" }\n')
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`])
  const files = readdirSync(at('node_modules', 'nodeplane'), { recursive: true, encoding: 'utf8' })
  check(
    'no tests, sources or maps are in the tarball',
    !files.some((f) => /\.map$|\.test\.|^src\/|(?<!\.d)\.ts$/.test(f)),
  )
  check('fast-check, an optional peer, is not installed', !existsSync(at('node_modules', 'fast-check')))
  cpSync(join(root, 'examples', 'demo-packet.mjs'), at('demo-packet.mjs'))
}

/** Every entry in Node; returns the answers that all others are compared with. */
async function inNode() {
  writeFileSync(
    at('node.mjs'),
    `import { readFileSync } from 'node:fs'
import * as nodeplane from 'nodeplane'
import { readCluster } from 'nodeplane/kube-reader'
import { readBundlePath } from 'nodeplane/node'
import manifest from 'nodeplane/package.json' with { type: 'json' }
import { demoPackets } from './demo-packet.mjs'
const wasm = readFileSync(new URL(import.meta.resolve('nodeplane/nodeplane.wasm')))
process.stdout.write(JSON.stringify({
  kinds: [typeof readCluster, typeof readBundlePath, manifest.name],
  inside: demoPackets(nodeplane),
  file: demoPackets(nodeplane, { core: nodeplane.loadCore(wasm) }),
}))
`,
  )
  const { kinds, inside, file } = JSON.parse(run(process.execPath, ['--no-warnings', 'node.mjs']))
  same('Node: nodeplane, nodeplane/kube-reader, nodeplane/node, nodeplane/package.json load', kinds, [
    'function',
    'function',
    'nodeplane',
  ])
  same('Node: engine and reference agree', inside.engine, inside.reference)
  same(
    'Node: verdicts',
    inside.engine.map((a) => a.verdict),
    ['forward', 'forward', 'reject', 'forward'],
  )
  same('Node: nodeplane/nodeplane.wasm through loadCore', file, inside)
  // The peer comes from this project; a user installs it.
  mkdirSync(at('node_modules', 'fast-check'))
  for (const name of ['fast-check', 'pure-rand'])
    cpSync(join(root, 'node_modules', name), at('node_modules', name), { recursive: true })
  const made = run(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { namespaces } from 'nodeplane/arbitraries'; import fc from 'fast-check'
console.log(fc.sample(namespaces(), 1)[0].links.length > 0)`,
  ])
  same('Node: nodeplane/arbitraries', made.trim(), 'true')
  return inside
}

function command() {
  const bin = at('node_modules', '.bin', 'nodeplane')
  check('nodeplane --help', /Usage: nodeplane/.test(run(bin, ['--help'])))
  const bundle = join(root, 'examples', 'node-bundle')
  const packet = 'in eth0 tcp 203.0.113.9:51812 > 192.168.10.11:30080'
  const answer = JSON.parse(run(bin, ['trace', '--bundle', bundle, '--json', packet]))
  check('nodeplane trace --bundle examples/node-bundle', typeof answer === 'object' && answer !== null)
}

/** Where a path of a page is found below a folder; nothing outside of it. */
const folder = (base) => (path) => {
  const file = join(base, normalize(path))
  return file.startsWith(base) && existsSync(file) ? readFileSync(file) : undefined
}
const html = (head) => `<!doctype html><meta charset="utf-8">${head}`

async function inBrowser(chrome, expected) {
  const csp = { 'content-security-policy': STRICT_CSP }

  // Plain modules: the package's files as they are. An import map would be an inline script, so the path is spelled out.
  writeFileSync(
    at('plain.mjs'),
    `import * as nodeplane from '/node_modules/nodeplane/dist/src/index.js'
import { demoPackets } from '/demo-packet.mjs'
const wasm = await fetch('/node_modules/nodeplane/dist/nodeplane.wasm')
globalThis.nodeplaneResult({
  inside: demoPackets(nodeplane),
  bytes: demoPackets(nodeplane, { core: nodeplane.loadCore(await wasm.clone().arrayBuffer()) }),
  streamed: demoPackets(nodeplane, { core: nodeplane.loadCore(await WebAssembly.compileStreaming(wasm)) }),
})
`,
  )
  writeFileSync(at('index.html'), html('<script type="module" src="/plain.mjs"></script>'))
  const plain = await resultOfPage(chrome, folder(project), csp)
  same('Chromium, no bundler, strict CSP: wasm inside, compiled synchronously', plain.inside, expected)
  same(
    'Chromium, no bundler, strict CSP: nodeplane.wasm by fetch, bytes and streamed',
    [plain.bytes, plain.streamed],
    [expected, expected],
  )

  mkdirSync(at('app'))
  writeFileSync(
    at('app', 'main.js'),
    `import * as nodeplane from 'nodeplane'
import { demoPackets } from '../demo-packet.mjs'
globalThis.nodeplaneResult(demoPackets(nodeplane))
`,
  )
  writeFileSync(at('app', 'index.html'), html('<script type="module" src="./main.js"></script>'))

  const said = []
  const keep = (text) => said.push(text)
  const logger = { info() {}, warn: keep, warnOnce: keep, error: keep, clearScreen() {}, hasWarned: false }
  await vite({
    root: at('app'),
    configFile: false,
    logLevel: 'warn',
    customLogger: { ...logger, hasErrorLogged: () => false },
    build: { outDir: at('vite'), emptyOutDir: true, chunkSizeWarningLimit: 10_000 },
  })
  same('Vite: no warning', said, [])
  same('Chromium, Vite build', await resultOfPage(chrome, folder(at('vite')), csp), expected)

  const { warnings } = await esbuild({
    entryPoints: [at('app', 'main.js')],
    outfile: at('esbuild', 'main.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  })
  same('esbuild: no warning', warnings, [])
  cpSync(at('app', 'index.html'), at('esbuild', 'index.html'))
  same('Chromium, esbuild bundle', await resultOfPage(chrome, folder(at('esbuild')), csp), expected)
}

/** The core entry for Node as a bundle: still one file that finds its wasm. */
async function bundledForNode(expected) {
  writeFileSync(
    at('app', 'node.js'),
    `import * as nodeplane from 'nodeplane'
import { demoPackets } from '../demo-packet.mjs'
export const answers = demoPackets(nodeplane)
`,
  )
  const outfile = at('bundle', 'node.mjs')
  await esbuild({ entryPoints: [at('app', 'node.js')], outfile, bundle: true, format: 'esm', platform: 'node' })
  const { answers } = await import(pathToFileURL(outfile).href)
  same('Node, esbuild bundle', answers, expected)
}

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => existsSync(p))
try {
  if (chromium === undefined) throw new Error('no Chromium here; the package has to be tried in a browser too')
  install()
  const expected = await inNode()
  command()
  const chrome = await launchChromium(chromium)
  try {
    await inBrowser(chrome, expected)
  } finally {
    await chrome.close()
  }
  await bundledForNode(expected)
} catch (error) {
  process.exitCode = 1
  console.error(`try-package: ${error instanceof Error ? error.message : error}`)
} finally {
  rmSync(project, { recursive: true, force: true })
}
for (const what of tried) console.log(`ok  ${what}`)
console.log(process.exitCode ? `${tried.length} held, then one did not` : `the package holds: ${tried.length} checks`)
