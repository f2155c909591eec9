// The engines that property tests compare, made small: less room for what rules add than an engine has by default. Short
// sequences need no more, and a run that does is an error, never another answer.
import { compile } from '../../src/compile/compile.js'
import type { Image } from '../../src/compile/image.js'
import { Engine, type EngineOptions } from '../../src/engine/index.js'
import type { NetworkNamespace } from '../../src/netns/model.js'

/** Room for sequences of a few hundred packets. */
const SMALL: EngineOptions = {
  maxConnections: 4096,
  traceBytes: 2 << 20,
  limits: { maxAddedElements: 4096, maxHashlimitEntries: 4096 },
}

/** Compiled as `engineOf` compiles it: for several engines of one namespace. */
export const imageOf = (namespace: NetworkNamespace): Image => compile(namespace, { limits: SMALL.limits ?? {} })

/** An engine for a property test: of a namespace, or of an image of `imageOf`. */
export function engineOf(source: NetworkNamespace | Image, seed: number | bigint, more: EngineOptions = {}): Engine {
  return new Engine(source, { ...SMALL, seed, ...more })
}
