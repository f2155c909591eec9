// What the symbols say of a chain that is written into an image under way: its place, its rules, and the files of those.
import type { Chain, Family, TableName } from '../netfilter/model.js'
import type { Symbols } from './image.js'

/** `counter`: the chain's own; `file`: index in `Symbols.files`. */
export function nameChain(
  symbols: Symbols,
  index: number,
  it: {
    readonly family: Family
    readonly table: TableName
    readonly chain: Chain
    readonly counter: number
    readonly file: number
  },
): void {
  const { family, table, chain, counter, file } = it
  symbols.chains[index] = { family, table, name: chain.name, counter, rules: chain.rules.length, file }
  for (let i = 0; i < chain.rules.length; i++) {
    const { file: own } = chain.rules[i]!
    if (own === undefined) {
      if (symbols.ruleFiles !== undefined) delete symbols.ruleFiles[String(counter + 1 + i)]
      continue
    }
    let of = symbols.files.indexOf(own)
    if (of < 0) of = symbols.files.push(own) - 1
    symbols.ruleFiles ??= {}
    symbols.ruleFiles[String(counter + 1 + i)] = of
  }
}
