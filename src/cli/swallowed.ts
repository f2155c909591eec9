// `--cluster FILE… 'PACKET'`: an option that takes several files takes the packet behind them too. Owns the way to tell it
// from a file: a packet has a `>` between its ends.

const FIRST_WORDS = new Set(['in', 'local', 'tcp', 'udp', 'sctp', 'icmp', 'icmpv6'])

/** What of the arguments of an option are files, and the words of a packet behind them (none: there is no packet). */
export function partSwallowed(values: readonly string[]): { files: string[]; words: string[] } {
  const arrow = values.findIndex((v) => /(^|\s)>(\s|$)/.test(v))
  if (arrow < 0) return { files: [...values], words: [] }
  let first = arrow
  if (/^>/.test(values[arrow] as string)) {
    const named = values.findIndex((v, i) => i < arrow && FIRST_WORDS.has(v))
    first = named >= 0 ? named : Math.max(0, arrow - 1)
  }
  return { files: values.slice(0, first), words: values.slice(first) }
}
