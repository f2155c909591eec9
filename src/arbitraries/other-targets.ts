// The targets of netfilter/model-target.ts: in every form that iptables prints, and such that traffic is changed by them.
// Owns their values; where they may stand is said by the kernel's tables and hooks.
import fc from 'fast-check'
import type { Family, HookName, TableName, Target } from '../netfilter/model.js'
import type { OtherTarget } from '../netfilter/model-target.js'
import { linkNumber, pick, weighted, worldOf } from './pool.js'

type Arb<T> = fc.Arbitrary<T>
const byte = fc.oneof(pick([0, 1, 3, 16, 0xfc, 255]), fc.nat({ max: 255 }))
const on = fc.constant(true as const)
const u32 = fc.oneof(pick([0, 1, 0xff, 0xffffffff]), fc.nat({ max: 0xffffffff }))

function optional<T extends object>(fields: { [K in keyof T]: Arb<Exclude<T[K], undefined>> }): Arb<Partial<T>> {
  return fc.record(fields as Record<string, Arb<unknown>>, { requiredKeys: [], noNullPrototype: true }) as Arb<
    Partial<T>
  >
}

const hops = (family: Family): Arb<Target> =>
  fc.tuple(pick(['set', 'inc', 'dec'] as const), byte).map(([op, n]) => ({
    target: family === 'ipv4' ? ('TTL' as const) : ('HL' as const),
    op,
    value: op === 'set' ? n : Math.max(1, n),
  }))
const tos: Arb<Target> = fc.tuple(byte, byte).map(([value, mask]) => ({ target: 'TOS' as const, value, mask }))
const dscp: Arb<Target> = fc.nat({ max: 63 }).map((n) => ({ target: 'DSCP' as const, dscp: n }))
const bit = pick([0, 1] as const)
/** `bits`: with TCP's, which need `-p tcp`. */
const ecn = (bits: boolean): Arb<Target> =>
  bits
    ? optional<{ ece: 0 | 1; cwr: 0 | 1; ect: number }>({ ece: bit, cwr: bit, ect: fc.nat({ max: 3 }) })
        .filter((f) => f.ece !== undefined || f.cwr !== undefined)
        .map((f) => ({ target: 'ECN' as const, ...f }))
    : fc.nat({ max: 3 }).map((ect) => ({ target: 'ECN' as const, ect }))
const queue: Arb<Target> = fc
  .tuple(
    fc.nat({ max: 60000 }),
    fc.nat({ max: 3 }),
    optional<{ bypass: true; cpuFanout: true }>({ bypass: on, cpuFanout: on }),
  )
  .map(([first, more, { bypass, cpuFanout }]) => ({
    target: 'NFQUEUE' as const,
    queue: first,
    ...(more > 0 ? { to: first + more } : {}),
    ...(bypass ? { bypass } : {}),
    ...(cpuFanout && more > 0 ? { cpuFanout } : {}),
  }))
const shift = fc.oneof(fc.integer({ min: -31, max: -1 }), fc.integer({ min: 1, max: 31 }))

/** CONNMARK with a shift. */
export const shiftedConnmark: Arb<Target> = fc
  .tuple(pick(['set', 'save', 'restore'] as const), u32, u32, u32, shift)
  .map(([op, value, ctmask, nfmask, bits]) => ({
    target: 'CONNMARK' as const,
    op,
    value: op === 'set' ? value : 0,
    ctmask,
    nfmask: op === 'set' ? 0xffffffff : nfmask,
    shift: bits,
  }))

const word = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,13}$/)
const idle: Arb<OtherTarget>[] = [
  pick(['accept', 'drop', 'reject'] as const).map((type) => ({ target: 'AUDIT' as const, type })),
  fc
    .tuple(fc.integer({ min: 1, max: 2147482 }), word)
    .map(([timeout, label]) => ({ target: 'IDLETIMER' as const, timeout, label })),
]

/** Does a target of this hook (null: a user chain, to which any hook may lead) go only to these? */
const only = (hook: HookName | null, hooks: readonly HookName[]): boolean => hook !== null && hooks.includes(hook)

/**
 * Targets that iptables takes and prints at this place. `straight` is the rule's protocol, 0 without or when negated.
 */
export function printedTargets(
  family: Family,
  table: TableName,
  hook: HookName | null,
  straight: number,
): Arb<Target>[] {
  const list: Arb<Target>[] = [queue, shiftedConnmark, ...idle]
  if (only(hook, ['FORWARD', 'OUTPUT', 'POSTROUTING'])) {
    list.push(
      fc
        .tuple(fc.nat({ max: 65535 }), fc.nat({ max: 65535 }))
        .map(([major, minor]) => ({ target: 'CLASSIFY', major, minor })),
    )
  }
  if (table === 'raw') list.push(fc.constant({ target: 'TRACE' }))
  if (table === 'mangle' || table === 'security') {
    list.push(pick(['save', 'restore'] as const).map((op) => ({ target: 'CONNSECMARK', op })))
  }
  if (table !== 'mangle') return list
  list.push(hops(family), tos, dscp, hmark(family))
  if (family === 'ipv4') list.push(ecn(straight === 6))
  if (straight === 6) {
    list.push(
      fc
        .uniqueArray(fc.integer({ min: 2, max: 255 }), { maxLength: 5 })
        .map((options) => ({ target: 'TCPOPTSTRIP', options: options.sort((a, b) => a - b) })),
    )
  }
  if ((straight === 6 || straight === 17) && only(hook, ['PREROUTING'])) {
    list.push(
      fc.tuple(fc.nat({ max: 65535 }), u32, u32).map(([port, value, mask]) => ({
        target: 'TPROXY',
        port,
        ip: family === 'ipv4' ? '127.0.0.1' : '::1',
        value,
        mask,
      })),
    )
  }
  return list
}

/** HMARK with masks of ports, or of an SPI. */
function hmark(family: Family): Arb<Target> {
  const length = fc.nat({ max: family === 'ipv4' ? 32 : 128 })
  const u16 = fc.nat({ max: 65535 })
  type Parts = Omit<Extract<OtherTarget, { target: 'HMARK' }>, 'target' | 'rnd' | 'mod'>
  const common = { srcPrefix: length, dstPrefix: length, protoMask: u16, offset: u32, ct: on }
  const parts = fc.oneof(
    optional<Parts>({ ...common, sportMask: u16, dportMask: u16, sport: u16, dport: u16 } as never),
    optional<Parts>({ ...common, spiMask: u32, spi: u32 } as never),
  )
  return fc
    .tuple(parts, u32, fc.integer({ min: 1, max: 0xffffffff }))
    .filter(([p]) => Object.keys(p).some((key) => key !== 'offset'))
    .map(([p, rnd, mod]) => ({ target: 'HMARK' as const, ...p, rnd, mod }))
}

/** Few marks, of what the packets of the small world differ in. */
function hashing(family: Family): Arb<Target> {
  const whole = family === 'ipv4' ? 32 : 128
  return fc
    .record({
      prefixes: pick([
        [whole, whole],
        [8, 8],
        [whole, undefined],
      ] as const),
      ports: pick([undefined, 0xffff, 0x00ff]),
      proto: pick([undefined, 0xffff]),
      ct: fc.boolean(),
      rnd: pick([0, 0xcafe, 0xffffffff]),
      mod: pick([2, 5, 0xffffffff]),
      offset: pick([undefined, 1, 0xffffffff]),
    })
    .map(({ prefixes, ports, proto, ct, rnd, mod, offset }) => ({
      target: 'HMARK' as const,
      srcPrefix: prefixes[0],
      ...(prefixes[1] === undefined ? {} : { dstPrefix: prefixes[1] }),
      ...(ports === undefined ? {} : { sportMask: ports, dportMask: ports, sport: 0 }),
      ...(proto === undefined ? {} : { protoMask: proto }),
      rnd,
      mod,
      ...(offset === undefined ? {} : { offset }),
      ...(ct ? { ct } : {}),
    }))
}

/** Targets that change packets of the small world, with weights. */
export function changingTargets(family: Family, table: TableName, group: string): [number, Arb<Target>][] {
  const world = worldOf(family)
  const list: [number, Arb<Target>][] = [
    [
      1,
      weighted<Target>(
        [2, queue],
        [1, fc.constant({ target: 'NFQUEUE' as const, queue: 1, to: 3 })],
        [1, pick([0, 1, 7]).map((n) => ({ target: 'NFQUEUE' as const, queue: n, bypass: true as const }))],
        [
          1,
          pick(['TRACE', 'AUDIT'] as const).map(
            (t): Target => (t === 'AUDIT' || table !== 'raw' ? { target: 'AUDIT', type: 'drop' } : { target: t }),
          ),
        ],
      ),
    ],
    [1, shiftedConnmark],
    [
      1,
      fc
        .tuple(linkNumber, fc.nat({ max: 1 }))
        .map(([k, i]): Target => ({ target: 'TEE', gateway: world.neighbour(k, i) })),
    ],
  ]
  if (table !== 'mangle') return list
  if (group === 'PREROUTING') {
    const ip = family === 'ipv4' ? '127.0.0.1' : '::1'
    list.push([1, pick([0, 1]).map((v): Target => ({ target: 'TPROXY', port: 80, ip, value: v, mask: 1 }))])
  }
  const few = pick([0, 1, 2, 5, 200])
  list.push(
    [
      2,
      fc.tuple(pick(['set', 'inc', 'dec'] as const), few).map(
        ([op, n]): Target => ({
          target: family === 'ipv4' ? 'TTL' : 'HL',
          op,
          value: op === 'set' ? n : Math.max(1, n),
        }),
      ),
    ],
    [
      2,
      fc
        .tuple(pick([0, 4, 16, 0xff]), pick([0, 0x1c, 0xff]))
        .map(([v, mask]): Target => ({ target: 'TOS', value: v, mask })),
    ],
    [1, pick([0, 4, 46]).map((n): Target => ({ target: 'DSCP', dscp: n }))],
    [2, hashing(family)],
  )
  if (family === 'ipv4') list.push([1, ecn(true)], [1, ecn(false)])
  return list
}
