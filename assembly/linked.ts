// Entries of equal size in lists, by reference (from 1; 0 = none). `base` is the address of reference 1, less an entry's
// `bytes`; `link` is where the reference to the next one stands in an entry. A list in both directions has its first and its
// last entry side by side at `list`, and in each entry the one before 4 bytes ahead of the next one.

export class Linked {
  /** Puts an entry at the end of a list in both directions. */
  static append(list: usize, base: usize, bytes: usize, link: usize, reference: u32): void {
    const e = base + (reference as usize) * bytes + link
    const last = load<u32>(list, 4)
    store<u32>(e - 4, last)
    store<u32>(e, 0)
    if (last !== 0) store<u32>(base + (last as usize) * bytes + link, reference)
    else store<u32>(list, reference)
    store<u32>(list, reference, 4)
  }

  /** Takes the entry at `e` out of a list in both directions. */
  static remove(list: usize, base: usize, bytes: usize, link: usize, e: usize): void {
    const before = load<u32>(e + link - 4)
    const after = load<u32>(e + link)
    if (before !== 0) store<u32>(base + (before as usize) * bytes + link, after)
    else store<u32>(list, after)
    if (after !== 0) store<u32>(base + (after as usize) * bytes + link - 4, before)
    else store<u32>(list, before, 4)
  }

  /** Puts an entry at the end of the chain that begins at `head`. */
  static chain(head: usize, base: usize, bytes: usize, link: usize, reference: u32): void {
    store<u32>(base + (reference as usize) * bytes + link, 0)
    let at = head
    while (load<u32>(at) !== 0) at = base + (load<u32>(at) as usize) * bytes + link
    store<u32>(at, reference)
  }

  /** Takes an entry out of the chain that begins at `head`. */
  static unchain(head: usize, base: usize, bytes: usize, link: usize, reference: u32): void {
    let at = head
    while (load<u32>(at) !== reference) at = base + (load<u32>(at) as usize) * bytes + link
    store<u32>(at, load<u32>(base + (reference as usize) * bytes + link))
  }
}
