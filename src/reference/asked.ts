// What a match may ask besides the packet, and asking for what the packet does not say.
import { type AskedField, MissingFieldError } from '../net/missing.js'
import type { HookName } from '../netfilter/model.js'
import type { Visit } from './prf.js'
import type { TableName, World } from './types.js'

export interface MatchContext {
  readonly world: World
  readonly backend: 'legacy' | 'nft'
  readonly visit: Visit
  /** The rule's place. */
  readonly table: TableName
  readonly chain: string
  readonly hook: HookName
  readonly number: number
  readonly file: string
  readonly line: number
  /** Set by a match that drops the packet, whatever its rule says. */
  hotdrop: boolean
}

/** Stops the packet: the rule needs what it does not say. */
export function ask(field: AskedField, { world, table, chain, number, file, line }: MatchContext): never {
  const place = line > 0 ? { ...(file === '' ? {} : { file }), line } : {}
  throw new MissingFieldError(world.given?.id, field, { table, chain, rule: number, ...place })
}
