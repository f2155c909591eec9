// Printing the match `set` and the target SET as iptables-save 1.8.9 does.
import type { Match, SetCounterTest, SetReference, Target } from './model.js'

const reference = (option: string, r: SetReference): string => ` --${option} ${r.name} ${r.dirs.join(',')}`

function counter(what: string, test: SetCounterTest | undefined): string {
  if (test === undefined) return ''
  return test.op === 'ne' ? ` ! --${what}-eq ${test.value}` : ` --${what}-${test.op} ${test.value}`
}

/** `-m set …`, with a leading blank. */
export function printSetMatch(m: Extract<Match, { match: 'set' }>): string {
  return (
    ` -m set${m.not ? ' !' : ''}${reference('match-set', m)}` +
    (m.returnNomatch ? ' --return-nomatch' : '') +
    (m.keepCounters ? ' ! --update-counters' : '') +
    (m.keepSubcounters ? ' ! --update-subcounters' : '') +
    counter('packets', m.packets) +
    counter('bytes', m.bytes)
  )
}

/** `-j SET …`, with a leading blank. */
export function printSetTarget(t: Extract<Target, { target: 'SET' }>): string {
  let text = ' -j SET'
  if (t.add !== undefined) {
    text += reference('add-set', t.add)
    if (t.add.exist) text += ' --exist'
    if (t.add.timeout !== undefined) text += ` --timeout ${t.add.timeout}`
  }
  if (t.del !== undefined) text += reference('del-set', t.del)
  if (t.map !== undefined) {
    text += reference('map-set', t.map)
    if (t.map.mark) text += ' --map-mark'
    if (t.map.prio) text += ' --map-prio'
    if (t.map.queue) text += ' --map-queue'
  }
  return text
}
