// The symbols of an image from outside: JSON of the right shape, and in step with the sections that they name.
// Owns the shape of `Symbols` as it is read back; what others add to it under keys of their own is theirs to check.
import * as L from '../../assembly/layout.js'
import { BUILTIN_CHAINS } from '../netfilter/model.js'
import type { ImageView } from './check.js'
import type { Symbols } from './image.js'

function texts(value: unknown, what: string, view: ImageView): void {
  view.require(Array.isArray(value) && value.every((v) => typeof v === 'string'), `${what} that are no names`)
}

/** Throws an ImageError unless `value` is the symbols of the image. Linear in both. */
export function checkSymbols(value: unknown, view: ImageView): Symbols {
  view.require(typeof value === 'object' && value !== null && !Array.isArray(value), 'symbols of another shape')
  const symbols = value as Symbols
  view.require(typeof symbols.name === 'string', 'a namespace without a name')
  texts(symbols.links, 'links', view)
  texts(symbols.files, 'files', view)
  texts(symbols.sets, 'sets', view)
  texts(symbols.attached ?? [], 'helpers', view)
  view.require(symbols.links.length === view.header(L.IMAGE_LINKS_OFF) + 1, 'names of another number of links')
  const { words, count } = view.records(L.SECTION_CHAINS, L.CHAIN_BYTES)
  view.require(Array.isArray(symbols.chains) && symbols.chains.length === count, 'names of another number of chains')
  for (const [i, chain] of symbols.chains.entries()) {
    const at = i * (L.CHAIN_BYTES >>> 2)
    view.require(typeof chain === 'object' && chain !== null, 'a chain without symbols')
    view.require(typeof chain.name === 'string' && Object.hasOwn(BUILTIN_CHAINS, chain.table), 'a chain without a name')
    view.require(
      chain.family === ((words[at + (L.CHAIN_POLICY_OFF >>> 2)]! & L.CHAIN_FAMILY6) !== 0 ? 'ipv6' : 'ipv4') &&
        chain.counter === words[at + (L.CHAIN_COUNTER_OFF >>> 2)] &&
        chain.rules === words[at + (L.CHAIN_RULES_OFF >>> 2)] &&
        symbols.files[chain.file] !== undefined,
      'a chain whose symbols are those of another',
    )
  }
  return symbols
}
