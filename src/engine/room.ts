// How many connections an engine makes room for.
import { CONNECTION_BYTES, SECTION_CONNECTIONS, SECTION_SYSCTLS, SYSCTL_CT_MAX } from '../../assembly/layout.js'
import { type Image, sectionTable, sectionWords } from '../compile/image.js'

const MOST_CONNECTIONS_BY_DEFAULT = 1 << 20

/** Of the option maxConnections, the image's own connections and nf_conntrack_max. */
export function connectionsFor(image: Image, wanted: number | undefined): number {
  const existing = (sectionTable(image.bytes).get(SECTION_CONNECTIONS)?.bytes ?? 0) / CONNECTION_BYTES
  if (wanted !== undefined) {
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > 10_000_000) {
      throw new RangeError(`maxConnections ${wanted} is not a whole number from 1 to 10,000,000`)
    }
    if (wanted < existing) {
      throw new RangeError(`${existing} connections exist at the start: raise the option maxConnections`)
    }
    return wanted
  }
  const max = sectionWords(image.bytes, SECTION_SYSCTLS)[SYSCTL_CT_MAX] || MOST_CONNECTIONS_BY_DEFAULT
  return Math.max(1, existing, Math.min(max, MOST_CONNECTIONS_BY_DEFAULT))
}
