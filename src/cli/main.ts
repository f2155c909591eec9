#!/usr/bin/env node
// The command `nodeplane`: parses arguments, calls the library, prints. No logic of its own.

import { Command, CommanderError } from 'commander'
import { FaultError } from '../net/fault.js'
import { fmtCommand } from './fmt.js'
import { replayCommand } from './replay.js'
import { rulesCommand } from './rules.js'
import { EXIT_INPUT, printFaults } from './terminal.js'
import { traceCommand } from './trace.js'
import { VERSION } from './version.js'

/** The whole command line; exported for tests. */
export function makeProgram(): Command {
  const program = new Command('nodeplane')
    .description(
      'What happens to a packet on a Linux/Kubernetes node: iptables, routes and conntrack, exactly as the kernel does it.',
    )
    .version(VERSION)
    .showHelpAfterError('(nodeplane --help shows examples)')
    .addHelpText(
      'after',
      `
Examples:
  One packet explained, from a cluster's objects:
    kubectl get svc,endpointslices,nodes,pods -A -o yaml > cluster.yaml
    nodeplane trace --cluster cluster.yaml --node worker-1 'pod/default/web-0 > svc/default/db:5432'

  One packet explained, from what a node itself prints (scripts/capture-node.sh gathers it):
    nodeplane trace --bundle node-dump/ 'in eth0 tcp 203.0.113.9:40000 > 192.168.10.11:30080'

  Many packets, one JSON line each:
    nodeplane replay --bundle node-dump.tar.gz --packets packets.jsonl --ct

  The rules kube-proxy would program, and rules as iptables would print them:
    nodeplane rules --cluster cluster.yaml --node worker-1
    nodeplane fmt hand-written.rules

Exit codes: 0 done (a dropped packet is an answer), 1 a check did not hold, 2 wrong arguments or input.`,
    )
  for (const command of [traceCommand(), replayCommand(), rulesCommand(), fmtCommand()]) program.addCommand(command)
  for (const command of [program, ...program.commands]) command.exitOverride()
  for (const command of program.commands)
    command.showHelpAfterError(`(nodeplane ${command.name()} --help shows examples)`)
  return program
}

async function main(): Promise<number> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of our output went away (`| head`): nothing is left to say.
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  try {
    await makeProgram().parseAsync()
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_INPUT
    if (error instanceof FaultError) {
      printFaults(error)
      return EXIT_INPUT
    }
    const system = error as NodeJS.ErrnoException
    if (typeof system.code === 'string' && system.path) {
      process.stderr.write(
        `${system.path}: ${system.code === 'ENOENT' ? 'no such file or directory' : system.message}\n`,
      )
      return EXIT_INPUT
    }
    throw error
  }
}

if (process.argv[1] && /(^|[/\\])(main\.js|main\.ts|nodeplane)$/.test(process.argv[1])) process.exitCode = await main()
