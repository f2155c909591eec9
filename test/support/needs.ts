// What some tests need beside Node: said aloud when it is missing, an error where nothing may be skipped
// (NODEPLANE_NO_SKIP=1, as the gate sets it).
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** True when `present`; else prints that `what` is skipped for want of `need`, or throws under NODEPLANE_NO_SKIP. */
export function have(need: string, present: boolean, what: string): boolean {
  if (present) return true
  if (process.env['NODEPLANE_NO_SKIP']) throw new Error(`${what}: needs ${need}, and nothing may be skipped here`)
  process.stdout.write(`\nSKIPPED ${what}: needs ${need}\n`)
  return false
}

const run = (command: string, args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** Root, network namespaces and both iptables backends. */
export function haveKernel(what: string): boolean {
  const present =
    process.getuid?.() === 0 &&
    run('unshare', ['-n', 'true']) &&
    run('unshare', ['-n', 'iptables-legacy-save']) &&
    run('ipset', ['--version'])
  return have('root, network namespaces, iptables and ipset', present, what)
}

/** The path of a Chromium, or undefined (said aloud). */
export function chromium(what: string): string | undefined {
  const path = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => existsSync(p))
  return have('Chromium', path !== undefined, what) ? path : undefined
}
