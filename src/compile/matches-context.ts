// Matches on what is around a packet as words of CODE.
import * as L from '../../assembly/layout.js'
import type { ContextMatch } from '../netfilter/model-context.js'
import { type MatchCount, type MatchSink, put } from './matches.js'

export function contextMatch({ code }: MatchSink, m: ContextMatch): MatchCount {
  switch (m.match) {
    case 'owner': {
      const has = (m.uid ? L.OWNER_UID : 0) | (m.gid ? L.OWNER_GID : 0) | (m.socket ? L.OWNER_SOCKET : 0)
      const not = (m.uid?.not ? L.OWNER_UID : 0) | (m.gid?.not ? L.OWNER_GID : 0) | (m.socket?.not ? L.OWNER_SOCKET : 0)
      const more = m.supplGroups ? L.OWNER_SUPPLEMENTARY : 0
      const { uid = { value: { from: 0, to: 0 } }, gid = { value: { from: 0, to: 0 } } } = m
      return put(code, L.MATCH_OWNER, 0, [has | more, not, uid.value.from, uid.value.to, gid.value.from, gid.value.to])
    }
    case 'time': {
      const flags = (m.kerneltz ? L.TIME_KERNEL_ZONE : 0) | (m.contiguous ? L.TIME_CONTIGUOUS : 0)
      return put(code, L.MATCH_TIME, flags, [m.dateStart, m.dateStop, m.timeStart, m.timeStop, m.monthdays, m.weekdays])
    }
    case 'rpfilter': {
      const flags =
        (m.invert ? L.MATCH_NOT : 0) |
        (m.loose ? L.RPFILTER_LOOSE : 0) |
        (m.validmark ? L.RPFILTER_MARK : 0) |
        (m.acceptLocal ? L.RPFILTER_LOCAL : 0)
      return put(code, L.MATCH_RPFILTER, flags, [])
    }
  }
}
