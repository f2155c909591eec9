import type { Browser } from 'playwright-core'

export const STRICT_CSP: string
export function resultOfPage(
  browser: Browser,
  files: (path: string) => Uint8Array | string | undefined,
  headers?: Record<string, string>,
): Promise<unknown>
export function launchChromium(executablePath: string): Promise<Browser>
