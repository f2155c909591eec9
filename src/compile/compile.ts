// A namespace becomes an image: the one entry of this room. Pure: equal namespaces give equal bytes.
// Owns the order in which the parts write their sections.
import { withAccounting } from '../netns/accounting.js'
import type { NetworkNamespace } from '../netns/model.js'
import { checkSupported } from '../netns/supported.js'
import { writeBridges } from './bridges.js'
import { writeConnections } from './connections.js'
import { CompileContext, type CompileOptions } from './context.js'
import { type Image, ImageWriter, type Symbols } from './image.js'
import { writeLinks } from './links.js'
import { RulesPatcher } from './patch.js'
import { writeRoutes } from './routes.js'
import { type RulesBuilder, writeRules } from './rules.js'
import { writeSysctls } from './sysctls.js'

/**
 * Compiles a namespace. Throws a FaultError that names file and line of every rule that cannot be evaluated (an unknown
 * set, an address of the other family, a limit of `CompileOptions` that is passed, …), at most a hundred faults.
 */
export function compile(ns: NetworkNamespace, options: CompileOptions = {}): Image {
  return build(ns, options).image
}

/** The same, with what is needed to exchange rules in the image later. `options.room` says how many may come. */
export function compilePatchable(
  ns: NetworkNamespace,
  options: CompileOptions,
): { image: Image; patcher: RulesPatcher } {
  const { image, builder } = build(ns, options)
  return { image, patcher: new RulesPatcher(builder, image) }
}

function build(given: NetworkNamespace, options: CompileOptions): { image: Image; builder: RulesBuilder } {
  checkSupported(given)
  const ns = withAccounting(given)
  const context = new CompileContext(ns, options)
  const writer = new ImageWriter()
  const symbols: Symbols = {
    name: ns.name,
    links: ['', ...ns.links.map((link) => link.name)],
    files: [],
    chains: [],
    sets: [],
  }
  if (context.attached.length > 0) symbols.attached = [...context.attached]
  if (context.attached.length > 255) context.fault({ file: '', line: 0 }, 'more than 255 helpers and timeout policies')
  const { states, builder, ...rules } = writeRules(context, writer, symbols)
  const addresses = writeLinks(ns, writer)
  writeRoutes(ns, writer, addresses)
  addresses.write(writer)
  writeSysctls(context, writer)
  writeBridges(ns, writer)
  writeConnections(context, writer)
  const bytes = writer.finish({ ...rules, links: ns.links.length }, symbols)
  return { image: { bytes, symbols, namespace: ns, states }, builder }
}
