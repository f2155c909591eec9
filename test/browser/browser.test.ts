// The library in a browser: the same packets get the same answers in Chromium as in Node, from both engines.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { demoPackets } from '../../examples/demo-packet.mjs'
import { launchChromium, resultOfPage, STRICT_CSP } from '../../scripts/browser.mjs'
import * as nodeplane from '../../src/index.js'
import { chromium } from '../support/needs.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

const browser = suite('browser')

browser('the demo packets mean something: both engines agree in Node', () => {
  const { engine, reference } = demoPackets(nodeplane)
  assert.equal(engine, reference)
  assert.equal(
    engine.map((a) => [a.verdict, a.src, a.dport ?? a.reject_with]),
    [
      ['forward', '10.244.1.9', 8080],
      ['forward', '192.168.10.11', 8080],
      ['reject', undefined, 'tcp-reset'],
      ['forward', 'fd00:1::9', 443],
    ],
  )
})

browser('a bundle of the core entry gives the same answers in Chromium as here', async () => {
  const path = chromium('the library in a browser')
  if (path === undefined) return
  const { outputFiles, warnings } = await build({
    stdin: {
      contents: `
        import * as nodeplane from './src/index.ts'
        import { demoPackets } from './examples/demo-packet.mjs'
        const module = await WebAssembly.compileStreaming(fetch('/nodeplane.wasm'))
        globalThis.nodeplaneResult({
          inside: demoPackets(nodeplane),
          fetched: demoPackets(nodeplane, { core: nodeplane.loadCore(module) }),
        })`,
      resolveDir: root,
      loader: 'js',
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  })
  assert.equal(warnings, [])
  const script = outputFiles[0]?.contents
  const wasm = readFileSync(`${root}build/nodeplane.wasm`)
  const chrome = await launchChromium(path)
  try {
    const found = await resultOfPage(
      chrome,
      (file) =>
        ({
          '/index.html': '<!doctype html><script type="module" src="/page.js"></script>',
          '/page.js': script,
          '/nodeplane.wasm': wasm,
        })[file],
      { 'content-security-policy': STRICT_CSP },
    )
    const here = demoPackets(nodeplane)
    assert.equal(found, { inside: here, fetched: here })
  } finally {
    await chrome.close()
  }
})

browser.run()
