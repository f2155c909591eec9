// Matches that count and limit as words of CODE, and the state that they begin with.
import * as L from '../../assembly/layout.js'
import type { LimitMatch } from '../netfilter/model-limits.js'
import { type MatchCount, type MatchRule, type MatchSink, put } from './matches.js'

export function limitsMatch({ code, state, hashlimits }: MatchSink, rule: MatchRule, m: LimitMatch): MatchCount {
  const not = m.not ? L.MATCH_NOT : 0
  switch (m.match) {
    case 'quota': {
      const at = state.reserve(L.QUOTA_STATE_WORDS)
      state.set(at, Number(m.quota & 0xffffffffn))
      state.set(at + 1, Number(m.quota >> 32n))
      return put(code, L.MATCH_QUOTA, not, [at])
    }
    case 'hashlimit':
      return put(code, L.MATCH_HASHLIMIT, not, [hashlimits.use(m, rule.family)])
  }
}
