// What the core stopped for, as an error that says what to do about it.
import {
  RECORD_AT_MS_OFF,
  RECORD_BYTES,
  RULES_ERROR_AT,
  RULES_ERROR_CONNLIMITS,
  RULES_ERROR_HASHLIMITS,
  RULES_ERROR_SETS,
  STOP_ASKED,
  STOP_CLOCK,
  STOP_CONNECTIONS,
  STOP_LEARNED,
  STOP_LINK,
  STOP_RULES,
  STOP_TRACE,
  STOP_TRACE_LOST,
} from '../../assembly/layout.js'
import type { Image } from '../compile/image.js'
import { missingField } from './asked.js'
import type { PacketBatch } from './batch.js'
import type { CoreExports } from './core.js'

/** Throws what the core stopped for at the packet of this index. */
export function throwStop(core: CoreExports, image: Image, room: number, batch: PacketBatch, index: number): never {
  const reason = core.stopReason()
  const record = batch.at.records + index * RECORD_BYTES
  switch (reason) {
    case STOP_CLOCK: {
      const at = batch.view.getFloat64(record + RECORD_AT_MS_OFF, true)
      throw new RangeError(`the clock runs backwards: ${at} after ${core.now()}`)
    }
    case STOP_CONNECTIONS:
      throw new RangeError(
        `the engine has room for ${room} connections and all are in use: raise the option maxConnections`,
      )
    case STOP_LINK:
      throw new RangeError(`packet ${index} names an interface that is not there`)
    case STOP_TRACE:
    case STOP_TRACE_LOST:
      throw new RangeError(`the events of one packet do not fit: raise the option traceBytes`)
    case STOP_ASKED:
      throw missingField(batch.view, image, batch.name(index), batch.capacity > 1 ? index : undefined)
    case STOP_LEARNED:
      throw new RangeError('a bridge has learned more Ethernet addresses than the engine has room for (2048)')
    case STOP_RULES: {
      const error = batch.view.getUint32(RULES_ERROR_AT, true)
      if (error === RULES_ERROR_SETS)
        throw new RangeError('no more elements can be added to the sets: raise the compile limit maxAddedElements')
      if (error === RULES_ERROR_CONNLIMITS)
        throw new RangeError(
          'the rules of connlimit remember too many connections: raise the limit maxCountedConnections',
        )
      if (error === RULES_ERROR_HASHLIMITS)
        throw new RangeError('the tables of hashlimit are full: raise the compile limit maxHashlimitEntries')
      throw new RangeError('the recent lists are full: raise the compile limit maxRecentEntries')
    }
    default:
      throw new Error(`the core stopped for reason ${reason}`)
  }
}
