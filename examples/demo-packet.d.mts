import type { Answer } from '../src/index.js'

export function demoPackets(
  nodeplane: typeof import('../src/index.js'),
  engineOptions?: object,
): { engine: Answer[]; reference: Answer[] }
