// `nodeplane fmt`: rules as iptables itself would print them after loading them.
import { Command } from 'commander'
import { fail } from '../net/fault.js'
import { formatRules } from '../netfilter/fmt.js'
import type { Backend, Family } from '../netfilter/model.js'
import { readTextInput } from '../netns/node/read-bundle.js'
import { inputName } from './input.js'
import { print } from './terminal.js'

/** `--family`, checked. */
export function parseFamily(text: string): Family {
  if (text === 'ipv4' || text === 'ipv6') return text
  return fail('--family', 0, 0, `'${text}' is no family, expected ipv4 or ipv6`)
}

/** `--backend`, checked. */
function parseBackend(text: string): Backend {
  if (text === 'legacy' || text === 'nft') return text
  return fail('--backend', 0, 0, `'${text}' is no backend, expected legacy or nft`)
}

export function fmtCommand(): Command {
  return new Command('fmt')
    .summary('print rules as iptables-save would after loading them')
    .description('Reads what iptables-restore accepts and prints it as iptables-save would after loading it.')
    .argument('<file>', "rules; '-' is stdin, gzip is recognised")
    .option('--family <family>', 'ipv4 or ipv6', parseFamily, 'ipv4' as Family)
    .option('--backend <backend>', "legacy or nft; default: what the file's header says, else legacy", parseBackend)
    .addHelpText(
      'after',
      "\nExample:\n  printf '*filter\\n-A INPUT -p tcp --dport ssh -j ACCEPT\\nCOMMIT\\n' | nodeplane fmt -\n",
    )
    .action((file: string, options: { family: Family; backend?: Backend }) => {
      print(formatRules(readTextInput(file), { file: inputName(file), ...options }))
    })
}
