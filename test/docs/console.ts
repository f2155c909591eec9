// The ```console blocks of a text: `$ nodeplane …` is run from the checkout and must print what is shown below it; `…` on a
// line of its own stands for lines that are left out.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** One fenced block. */
export interface CodeBlock {
  readonly language: string
  readonly text: string
  readonly line: number
}

/** Every fenced block of a Markdown text that names its language. */
export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((m) => ({
    language: m[1] as string,
    text: m[2] as string,
    line: markdown.slice(0, m.index).split('\n').length,
  }))
}

/** The output, with each `…` line of `shown` standing for any lines of `got`. */
function fits(shown: string, got: string): boolean {
  const literal = (s: string): string => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const parts = shown.trimEnd().split(/^…\n?/m).map(literal)
  return new RegExp(`^${parts.join('[\\s\\S]*')}$`).test(got.trimEnd())
}

/** Runs the commands of a block; throws when one fails or prints something else. Returns how many there were. */
export function checkConsole(text: string): number {
  const commands = text.split(/^\$ /m).slice(1)
  for (const part of commands) {
    const [command, ...shown] = part.split('\n')
    const shell = (command as string).replace(/\bnodeplane(?= )/g, 'node --import tsx src/cli/main.ts')
    const ran = spawnSync('bash', ['-c', shell], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    })
    assert.is(ran.status, 0, `${command}: ${ran.stderr}`)
    if (!fits(shown.join('\n'), ran.stdout)) assert.fixture(ran.stdout, shown.join('\n'), command)
  }
  return commands.length
}
