// Reading the match `set` and the target SET. Spec: iptables-extensions(8) 1.8.9 (libxt_set, libxt_SET); what the
// kernel refuses at loading (net/netfilter/xt_set.c, set_target_v3_checkentry) is refused here.
import { type Draft, type Extension, type Option, type OptionWords, options, refuse } from './extension.js'
import type { Match, SetCounterTest, SetDirection, SetReference, Target } from './model.js'
import { byteLength, isBareName, shown, uint } from './words.js'

const SET_NAME_BYTES = 31
/** IPSET_DIM_MAX */
const SET_DIRECTIONS = 6
const MAX_TIMEOUT = 4294967294
const U64 = 2n ** 64n

/** Name and directions: the two words of `--match-set` and its like. */
function reference(w: OptionWords): SetReference {
  if (!isBareName(w.word))
    throw w.bad(`${shown(w.word)} is no name of a set: expected a name without blanks and quotes`)
  if (byteLength(w.word) > SET_NAME_BYTES) {
    throw w.bad(`the set name ${shown(w.word)} is too long: expected at most ${SET_NAME_BYTES} bytes`)
  }
  // Only the first three letters are looked at.
  const dirs = w.second.split(',').map((d) => d.slice(0, 3))
  if (dirs.length > SET_DIRECTIONS || !dirs.every((d) => d === 'src' || d === 'dst')) {
    throw w.bad(`${shown(w.second)} is no list of directions: expected one to six of src and dst`, 'second')
  }
  return { name: w.word, dirs: dirs as SetDirection[] }
}

type MatchDraft = Draft<Extract<Match, { match: 'set' }>>

const matchSet: Option<MatchDraft> = {
  words: 2,
  not: true,
  id: 'match-set',
  read: (d, w) => {
    d.not = w.not
    Object.assign(d, reference(w))
  },
}

function counter(what: 'packets' | 'bytes', op: 'eq' | 'lt' | 'gt'): Option<MatchDraft> {
  return {
    words: 1,
    not: op === 'eq',
    id: what,
    read: (d, w) => {
      const value = /^(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.test(w.word) ? BigInt(w.word) : U64
      if (value >= U64) throw w.bad(`${shown(w.word)} is no counter: expected 0 to ${U64 - 1n}`)
      const test: SetCounterTest = { op: w.not ? 'ne' : op, value }
      d[what] = test
    },
  }
}

function kept(key: 'keepCounters' | 'keepSubcounters'): Option<MatchDraft> {
  return {
    words: 0,
    not: true,
    read: (d, w) => {
      if (w.not) d[key] = true
    },
  }
}

/** The match `set`. */
export const setMatch: Extension<MatchDraft> = {
  name: 'set',
  start: () => ({ match: 'set' }),
  options: options<MatchDraft>({
    'match-set': matchSet,
    set: matchSet,
    'return-nomatch': {
      words: 0,
      read: (d) => {
        d.returnNomatch = true
      },
    },
    'update-counters': kept('keepCounters'),
    'update-subcounters': kept('keepSubcounters'),
    'packets-eq': counter('packets', 'eq'),
    'packets-lt': counter('packets', 'lt'),
    'packets-gt': counter('packets', 'gt'),
    'bytes-eq': counter('bytes', 'eq'),
    'bytes-lt': counter('bytes', 'lt'),
    'bytes-gt': counter('bytes', 'gt'),
  }),
  end(d) {
    if (d.name === undefined) refuse('set needs --match-set')
  },
}

type TargetDraft = Draft<Extract<Target, { target: 'SET' }>> & {
  exist?: boolean
  timeout?: number
  flags?: { mark?: boolean; prio?: boolean; queue?: boolean }
}

function work(key: 'add' | 'del' | 'map'): Option<TargetDraft> {
  return {
    words: 2,
    // iptables takes a `!` here and forgets it.
    not: true,
    read: (d, w) => {
      d[key] = reference(w)
    },
  }
}
function flag(key: 'mark' | 'prio' | 'queue'): Option<TargetDraft> {
  return {
    words: 0,
    read: (d) => {
      d.flags = { ...d.flags, [key]: true }
    },
  }
}

const PRIO_CHAINS = ['FORWARD', 'OUTPUT', 'POSTROUTING']
const OTHER_CHAINS = ['PREROUTING', 'INPUT']

/** The target SET. */
export const setTarget: Extension<TargetDraft> = {
  name: 'SET',
  start: () => ({ target: 'SET' }),
  options: options<TargetDraft>({
    'add-set': work('add'),
    'del-set': work('del'),
    'map-set': work('map'),
    exist: {
      words: 0,
      read: (d) => {
        d.exist = true
      },
    },
    timeout: {
      words: 1,
      read: (d, w) => {
        const seconds = uint(w.word, 0, MAX_TIMEOUT)
        if (seconds === undefined) throw w.bad(`${shown(w.word)} is no timeout: expected 0 to ${MAX_TIMEOUT} seconds`)
        d.timeout = seconds
      },
    },
    'map-mark': flag('mark'),
    'map-prio': flag('prio'),
    'map-queue': flag('queue'),
  }),
  end(d, rule) {
    if (d.add === undefined && d.del === undefined && d.map === undefined)
      refuse('SET needs --add-set, --del-set or --map-set')
    if (d.add === undefined && (d.exist || d.timeout !== undefined)) refuse('SET: --exist and --timeout need --add-set')
    if (d.map === undefined && d.flags !== undefined)
      refuse('SET: --map-mark, --map-prio and --map-queue need --map-set')
    if (d.map !== undefined) {
      if (d.flags === undefined) refuse('SET --map-set needs --map-mark, --map-prio or --map-queue')
      if (rule.table !== 'mangle') refuse('SET --map-set belongs to the table mangle')
      if ((d.flags?.prio || d.flags?.queue) && OTHER_CHAINS.includes(rule.chain))
        refuse(`SET: --map-prio and --map-queue belong to the chains ${PRIO_CHAINS.join(', ')}`)
      d.map = { ...d.map, ...d.flags }
    }
    const { exist, timeout } = d
    if (d.add !== undefined)
      d.add = { ...d.add, ...(exist ? { exist } : {}), ...(timeout === undefined ? {} : { timeout }) }
    delete d.exist
    delete d.timeout
    delete d.flags
  },
}
