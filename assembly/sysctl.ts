// Kernel settings of the loaded image: words of the SYSCTLS section.
import { SECTION_SYSCTLS } from './layout'
import { Memory } from './memory'

export class Sysctl {
  static words: usize = 0

  static load(): void {
    Sysctl.words = Memory.section(SECTION_SYSCTLS)
  }

  static get(word: u32): u32 {
    return load<u32>(Sysctl.words + word * 4)
  }

  /** A timeout of so many seconds, in milliseconds. */
  static ms(word: u32): f64 {
    return <f64>load<u32>(Sysctl.words + word * 4) * 1000
  }
}
