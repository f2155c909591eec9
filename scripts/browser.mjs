// A headless Chromium and a small server on 127.0.0.1 for the checks that need them: the page says its result, once.
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

/** No traffic but the page's own. */
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const TYPES = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' }

/** What a page may do: run its own scripts and compile WebAssembly, nothing else. */
export const STRICT_CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; base-uri 'none'; form-action 'none'"

/**
 * Serves `files` (a function from a path such as `/index.html` to bytes, text or undefined) and opens `/index.html` in
 * `browser`; resolves to what the page gives to `globalThis.nodeplaneResult(value)`. Rejects when the page throws,
 * logs an error, asks for a file that is not there, or says nothing for 60 seconds.
 */
export async function resultOfPage(browser, files, headers = {}) {
  const missing = []
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://127.0.0.1').pathname
    const body = path === '/favicon.ico' ? '' : files(path)
    if (body === undefined) {
      missing.push(path)
      response.writeHead(404).end()
      return
    }
    const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8`.replace(/(wasm|stream);.*/, '$1'), ...headers })
    response.end(body)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const page = await browser.newPage()
  let timer
  try {
    return await new Promise((resolve, reject) => {
      const problem = (text) => reject(new Error(missing.length ? `${text} (not there: ${missing.join(', ')})` : text))
      timer = setTimeout(() => problem('the page said nothing for 60 s'), 60_000)
      page.on('pageerror', (error) => problem(`the page threw: ${error.stack ?? error}`))
      page.on('console', (message) => {
        if (message.type() === 'error') problem(`the page logged: ${message.text()}`)
      })
      page
        .exposeFunction('nodeplaneResult', resolve)
        .then(() => page.goto(`http://127.0.0.1:${server.address().port}/index.html`))
        .catch(reject)
    })
  } finally {
    clearTimeout(timer)
    await page.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** Starts a headless Chromium with a profile of its own, gone when it is closed. */
export function launchChromium(executablePath) {
  return chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: FLAGS })
}
