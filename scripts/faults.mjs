// Which faults can be planted in a line of assembly/: an operator exchanged, a comparison moved or turned round, a constant
// changed, a condition negated, a statement left out. Owns what is not planted, because nothing of it can be observed.

/** Exchanges of operators: from, to. Spaces around them keep types and generics out. */
const EXCHANGES = [
  [' === ', ' !== '],
  [' !== ', ' === '],
  [' < ', ' <= '],
  [' <= ', ' < '],
  [' > ', ' >= '],
  [' >= ', ' > '],
  [' && ', ' || '],
  [' || ', ' && '],
  [' + ', ' - '],
  [' - ', ' + '],
  [' * ', ' + '],
  [' & ', ' | '],
  [' | ', ' & '],
  [' ^ ', ' | '],
  [' << ', ' >> '],
  [' >> ', ' << '],
  [' += ', ' -= '],
  ['return true', 'return false'],
  ['return false', 'return true'],
]

/** Constants (tests of their own), and reading ahead, of which nothing but speed can be seen. */
const UNSEEN = /^(layout\b.*|ahead\.ts)$/

/** Faults that mean the same: file, line as it was, as it becomes. */
const SAME = [
  // No packet is shorter than its header: what one byte pays for is nothing.
  ['limit.ts', 'store<u64>(at, within ? left - length : 0)', 'store<u64>(at, within ? left - length : 1)'],
  // Two other bits of the status are asked for.
  [
    'connlimit.ts',
    'const status: u32 = ct === 0 ? 0 : load<u32>(ct + CT_STATUS_OFF)',
    'const status: u32 = ct === 0 ? 1 : load<u32>(ct + CT_STATUS_OFF)',
  ],
  // Before clock 0 is before it by whatever.
  ['set-life.ts', 'store<f64>(e, -1, SET_ENTRY_END_OFF)', 'store<f64>(e, -2, SET_ENTRY_END_OFF)'],
]

/** Is a file of assembly/ (its path there) one that faults are planted in? */
export const isPlanted = (file) => file.endsWith('.ts') && !UNSEEN.test(file)

/** Every fault that can be planted in one line: what the line becomes. */
function faultsOf(line) {
  const end = line.search(/\s*\/\//)
  const [code, rest] = end < 0 ? [line, ''] : [line.slice(0, end), line.slice(end)]
  const faults = []
  const put = (at, length, text) => faults.push(code.slice(0, at) + text + code.slice(at + length) + rest)
  for (const [from, to] of EXCHANGES)
    for (let at = code.indexOf(from); at >= 0; at = code.indexOf(from, at + 1)) put(at, from.length, to)
  for (const m of code.matchAll(/(?<![\w.$])(\d+|0x[0-9a-f]+)(?![\w.])/gi)) {
    // "Is there one?" is asked of addresses and flags that are never 1: the exchanges above turn the question round.
    if (/[!=]== $/.test(code.slice(0, m.index)) && m[0] === '0') continue
    put(m.index, m[0].length, `${Number(m[0]) + 1}`)
  }
  const condition = /^(\s*(?:\} else )?if )\((.*)\)( \{| .+)?$/.exec(code)
  if (condition && balanced(condition[2]))
    faults.push(`${condition[1]}(!(${condition[2]}))${condition[3] ?? ''}${rest}`)
  if (/^\s+(store<\w+>|memory\.\w+|[A-Z]\w*\.\w+|[a-z]\w*)\(.*\)$/.test(code))
    faults.push(`${/^\s*/.exec(code)[0]}{}${rest}`)
  return faults
}

function balanced(text) {
  let depth = 0
  for (const c of text) {
    if (c === '(') depth++
    else if (c === ')' && --depth < 0) return false
  }
  return depth === 0
}

/** Every fault that can be planted in a file (its path in assembly/): the line's number, as it was, as it becomes. */
export function faultsIn(file, text) {
  const found = []
  let skipping = false
  for (const [i, line] of text.split('\n').entries()) {
    if (/^import\b/.test(line)) skipping = true
    if (!skipping && !/^\s*(\/\/|\/?\*|export (class|function)|static|private static|function|class)/.test(line))
      for (const becomes of faultsOf(line)) {
        const same = SAME.some(([f, was, is]) => f === file && was === line.trim() && is === becomes.trim())
        if (!same) found.push({ line: i + 1, was: line.trim(), text: becomes })
      }
    if (skipping && /from ['"]/.test(line)) skipping = false
  }
  return found
}
