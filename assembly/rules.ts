// The rules of the image in use: where their sections and their state lie, and what can be asked of them as a whole.
//
// State of the rules, each part aligned to 64 bytes: counters | small state | jump stacks | recent lists | hashlimit's
// tables | sets
import { Counters } from './counters'
import { HashLimits } from './hashlimit'
import {
  CTX_FAMILY_AT,
  IMAGE_COUNTERS_OFF,
  IMAGE_DEPTH_OFF,
  IMAGE_FLAG_CONNTRACK4,
  IMAGE_FLAG_CONNTRACK6,
  IMAGE_FLAG_NFT4,
  IMAGE_FLAG_NFT6,
  IMAGE_FLAG_WHOLE4,
  IMAGE_FLAG_WHOLE6,
  IMAGE_FLAGS_OFF,
  IMAGE_STATE_OFF,
  ROOTS_HOOKS,
  ROOTS_TABLES,
  SECTION_CHAINS,
  SECTION_CODE,
  SECTION_COUNTERS,
  SECTION_HASHLIMITS,
  SECTION_IFACES,
  SECTION_RECENTS,
  SECTION_ROOTS,
  SECTION_RULES4,
  SECTION_RULES6,
  SECTION_SET_ENTRIES,
  SECTION_SET_INDEX,
  SECTION_SET_SHAPES,
  SECTION_SETS,
  SECTION_STATE,
} from './layout'
import { Limits } from './limit'
import { Memory, round64 } from './memory'
import { Recents } from './recent'
import { Sets } from './set'
import { SetPool } from './set-pool'

/** Bytes of a frame of the jump stack: see chain.ts. */
export const FRAME_BYTES: usize = 64

function jumpStackBytes(image: usize): usize {
  return (load<u32>(image, IMAGE_DEPTH_OFF) as usize) * FRAME_BYTES
}

export class Rules {
  private static roots: usize = 0
  static present: u32 = 0
  static chains: usize = 0
  static rules4: usize = 0
  static rules6: usize = 0
  static code: usize = 0
  static ifaces: usize = 0
  static stack: usize = 0
  /** The jump stack of copies (TEE): they are sent while a chain of their cause runs. */
  static copies: usize = 0

  /** Address of a word of CODE. */
  static at(word: u32): usize {
    return Rules.code + ((word as usize) << 2)
  }

  /** Bytes of mutable state that an image's rules need. */
  static stateBytes(image: usize): usize {
    return (
      round64((load<u32>(image, IMAGE_COUNTERS_OFF) as usize) << 4) +
      round64(load<u32>(image, IMAGE_STATE_OFF) as usize) +
      jumpStackBytes(image) * 2 +
      round64(Recents.stateBytes(Memory.sectionOf(image, SECTION_RECENTS))) +
      round64(HashLimits.stateBytes(Memory.sectionOf(image, SECTION_HASHLIMITS))) +
      SetPool.stateBytes(Memory.sectionOf(image, SECTION_SETS), Memory.sectionBytesOf(image, SECTION_SETS))
    )
  }

  /** Makes the rules of the image in memory (checked, aligned to 64 bytes) those that run. */
  static load(): void {
    Rules.roots = Memory.section(SECTION_ROOTS)
    Rules.findTables()
    Rules.chains = Memory.section(SECTION_CHAINS)
    Rules.rules4 = Memory.section(SECTION_RULES4)
    Rules.rules6 = Memory.section(SECTION_RULES6)
    Rules.code = Memory.section(SECTION_CODE)
    Rules.ifaces = Memory.section(SECTION_IFACES)
    Sets.shapes = Memory.section(SECTION_SET_SHAPES)
    Sets.ifaces = Rules.ifaces
  }

  /** Makes zeroed memory (64-byte aligned) their state, as at the start: counters as in the text, limits full, lists empty. */
  static init(state: usize): void {
    const image = Memory.image
    const recents = Memory.section(SECTION_RECENTS)
    const hashlimits = Memory.section(SECTION_HASHLIMITS)
    Counters.base = state
    Limits.base = state + round64((load<u32>(image, IMAGE_COUNTERS_OFF) as usize) << 4)
    Rules.stack = Limits.base + round64(load<u32>(image, IMAGE_STATE_OFF) as usize)
    Rules.copies = Rules.stack + jumpStackBytes(image)
    const recentsAt = Rules.copies + jumpStackBytes(image)
    const hashlimitsAt = recentsAt + round64(Recents.stateBytes(recents))
    const setsAt = hashlimitsAt + round64(HashLimits.stateBytes(hashlimits))
    memory.copy(Counters.base, Memory.section(SECTION_COUNTERS), Memory.sectionBytes(SECTION_COUNTERS))
    memory.copy(Limits.base, Memory.section(SECTION_STATE), Memory.sectionBytes(SECTION_STATE))
    Recents.use(recents, recentsAt)
    Recents.init()
    HashLimits.use(hashlimits, hashlimitsAt)
    HashLimits.init()
    const index = Memory.section(SECTION_SET_INDEX)
    const entries = Memory.section(SECTION_SET_ENTRIES)
    SetPool.init(Memory.section(SECTION_SETS), Memory.sectionBytes(SECTION_SETS), setsAt, index, entries)
  }

  /** Bit a table: has it a built-in chain? IPv6's tables after IPv4's. */
  private static findTables(): void {
    Rules.present = 0
    for (let table: i32 = 0; table < 2 * ROOTS_TABLES; table++) {
      for (let hook: i32 = 0; hook < ROOTS_HOOKS; hook++) {
        if (load<u32>(Rules.roots + (((table * ROOTS_HOOKS + hook) as usize) << 2)) !== 0) Rules.present |= 1 << table
      }
    }
  }

  /** Index + 1 of its chain at a hook; 0 = none. */
  static root(table: i32, hook: i32): u32 {
    const family: i32 = load<u32>(CTX_FAMILY_AT) === 6 ? ROOTS_TABLES : 0
    return load<u32>(Rules.roots + ((((family + table) * ROOTS_HOOKS + hook) as usize) << 2))
  }
}

/** Does the packet's family have this table? */
export function hasTable(table: i32): bool {
  return ((Rules.present >> (table + (load<u32>(CTX_FAMILY_AT) === 6 ? ROOTS_TABLES : 0))) & 1) !== 0
}

/** Does conntrack run for this family (4 or 6)? */
export function conntrackOn(family: u32): bool {
  return (
    (load<u32>(Memory.image, IMAGE_FLAGS_OFF) & (family === 6 ? IMAGE_FLAG_CONNTRACK6 : IMAGE_FLAG_CONNTRACK4)) !== 0
  )
}

/** Are the rules of this family (4 or 6) those of the nft backend? */
export function isNft(family: u32): bool {
  return (load<u32>(Memory.image, IMAGE_FLAGS_OFF) & (family === 6 ? IMAGE_FLAG_NFT6 : IMAGE_FLAG_NFT4)) !== 0
}

/** Are fragments of this family (4 or 6) put together before the rules? */
export function wholeOnly(family: u32): bool {
  return (load<u32>(Memory.image, IMAGE_FLAGS_OFF) & (family === 6 ? IMAGE_FLAG_WHOLE6 : IMAGE_FLAG_WHOLE4)) !== 0
}
