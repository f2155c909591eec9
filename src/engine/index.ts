// The compiled engine's public names.

export { checkImage, ImageError, readImage } from '../compile/check.js'
export { compile } from '../compile/compile.js'
export { type CompileOptions, DEFAULT_LIMITS } from '../compile/context.js'
export type { Image } from '../compile/image.js'
export { PacketBatch } from './batch.js'
export { type Core, loadCore } from './core.js'
export { type BatchOptions, Engine, type EngineOptions } from './engine.js'
export type { Trace } from './trace.js'
