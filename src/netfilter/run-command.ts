// What the commands of a rule file do to the table that is being read: append, insert, replace, delete, flush, policies.
// Spec: iptables(8) and what iptables-restore 1.8.9 does.
import { type Command, chainNameProblem } from './command.js'
import { KNOWN_TARGETS } from './known.js'
import { LineFault } from './line-fault.js'
import { OTHER_TARGETS } from './names.js'
import { printRule } from './print.js'
import { type Room, type TableDraft, ZERO } from './table-draft.js'
import { shown } from './words.js'

/** Carries out one line's command. Throws a LineFault when the table does not allow it. */
export function runCommand(table: TableDraft, command: Command, room: Room): void {
  switch (command.kind) {
    case 'append': {
      const chain = table.existing(command.chain, command.column)
      room.countRules(command.rules.length)
      for (const rule of command.rules) chain.rules.push(rule)
      break
    }
    case 'insert': {
      const { rules } = table.existing(command.chain, command.column)
      if (command.number > rules.length + 1) {
        throw new LineFault(command.column, `there is no rule ${command.number} to insert before`)
      }
      room.countRules(command.rules.length)
      for (const rule of command.rules) rules.splice(command.number - 1, 0, rule)
      break
    }
    case 'replace':
    case 'delete-number': {
      const { rules } = table.existing(command.chain, command.column)
      if (command.number > rules.length) throw new LineFault(command.column, `there is no rule ${command.number}`)
      if (command.kind === 'replace') rules[command.number - 1] = command.rules[0]!
      else rules.splice(command.number - 1, 1)
      break
    }
    case 'delete': {
      const chain = table.existing(command.chain, command.column)
      for (const rule of command.rules) {
        const text = printRule(chain.name, rule)
        const at = chain.rules.findIndex((r) => printRule(chain.name, r) === text)
        if (at < 0) throw new LineFault(command.column, 'there is no such rule to delete')
        chain.rules.splice(at, 1)
      }
      break
    }
    case 'new': {
      const { chain: name, column } = command
      const clash = KNOWN_TARGETS.has(name) || OTHER_TARGETS.has(name)
      if (clash) throw new LineFault(column, `${shown(name)} is a target: expected another name for a chain`)
      const problem = /^[-!]/.test(name) ? 'a chain name cannot begin with - or !' : chainNameProblem(name)
      if (problem !== undefined) throw new LineFault(column, problem)
      if (table.chainNamed(name) !== undefined) throw new LineFault(column, `the chain ${shown(name)} is defined twice`)
      table.newChain(name, column, room)
      break
    }
    case 'remove':
      remove(table, command.chain, command.column)
      break
    case 'flush':
    case 'zero':
      clear(table, command)
      break
    case 'policy': {
      const chain = table.existing(command.chain, command.column)
      const { policy } = command
      if (chain.policy === null)
        throw new LineFault(command.column, `${shown(chain.name)} is no built-in chain: it has no policy`)
      if (policy !== 'ACCEPT' && (policy !== 'DROP' || table.name === 'nat')) {
        throw new LineFault(command.column, `${shown(policy)} is no policy here: expected ACCEPT or DROP (not in nat)`)
      }
      chain.policy = policy
      break
    }
    case 'none':
      break
  }
}

function remove(table: TableDraft, name: string | undefined, column: number): void {
  const gone =
    name === undefined ? [...table.chains.values()].filter((c) => c.policy === null) : [table.existing(name, column)]
  const names = new Set(gone.map((c) => c.name))
  for (const chain of gone) {
    if (chain.policy !== null)
      throw new LineFault(column, `${shown(chain.name)} is a built-in chain: it cannot be deleted`)
    if (chain.rules.length > 0) throw new LineFault(column, `the chain ${shown(chain.name)} is not empty`)
  }
  for (const chain of table.chains.values()) {
    for (const { target } of chain.rules) {
      if ((target?.target === 'jump' || target?.target === 'goto') && names.has(target.chain)) {
        throw new LineFault(column, `the chain ${shown(target.chain)} is still jumped to from ${shown(chain.name)}`)
      }
    }
  }
  for (const chain of gone) table.chains.delete(chain.name)
}

function clear(table: TableDraft, command: Extract<Command, { readonly kind: 'flush' | 'zero' }>): void {
  const chains =
    command.chain === undefined ? [...table.chains.values()] : [table.existing(command.chain, command.column)]
  const { number } = command
  for (const chain of chains) {
    if (command.kind === 'flush') {
      chain.rules = []
      continue
    }
    if (number > chain.rules.length) throw new LineFault(command.column, `there is no rule ${number}`)
    if (number === 0) chain.counters = ZERO
    chain.rules = chain.rules.map((r, i) => {
      return (r.counters !== undefined || table.noflush) && (number === 0 || number === i + 1)
        ? { ...r, counters: ZERO }
        : r
    })
  }
}
