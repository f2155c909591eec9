// A cluster followed through changes is the cluster built at once from what it has become: any order of events, doubled
// ones, lost watches that are listed anew, syncs in between or not.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusters } from '../../src/arbitraries/index.js'
import type { Cluster } from '../../src/kube/cluster.js'
import type { ObjectEvent } from '../../src/kube/cluster-store.js'
import { keyOf } from '../../src/kube/objects.js'
import { proxyRestoreText, proxyRules } from '../../src/kube/proxy.js'
import { ProxyTracker } from '../../src/kube/proxy-tracker.js'
import { applyRestore, normalise, type State } from '../conformance/kubeproxy-state.js'
import { options } from './support.js'

const LISTS = ['services', 'endpointSlices', 'nodes'] as const
const KINDS = {
  services: { apiVersion: 'v1', kind: 'Service' },
  endpointSlices: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  nodes: { apiVersion: 'v1', kind: 'Node' },
}

/** The events that lead from one cluster to another, one an object. */
function eventsBetween(from: Cluster, to: Cluster): ObjectEvent[] {
  return LISTS.flatMap((list) => {
    const before = new Map(from[list].map((o) => [keyOf(o.metadata), o]))
    const after = new Map(to[list].map((o) => [keyOf(o.metadata), o]))
    const gone = [...before].filter(([key]) => !after.has(key))
    return [
      ...gone.map(([, object]) => ({ type: 'DELETED', object: { ...KINDS[list], ...object } })),
      ...[...after].map(([key, object]) => ({
        type: before.has(key) ? 'MODIFIED' : 'ADDED',
        object: { ...KINDS[list], ...object },
      })),
    ]
  })
}

const step = fc.record({
  cluster: clusters({ services: 5, families: 'dual' }),
  relist: fc.boolean(),
  /** Places in the list of events, each moved to the front: an order. */
  order: fc.array(fc.nat({ max: 30 }), { maxLength: 30 }),
  doubled: fc.array(fc.nat({ max: 30 }), { maxLength: 5 }),
  sync: fc.boolean(),
})

function shuffled(events: readonly ObjectEvent[], order: readonly number[], doubled: readonly number[]): ObjectEvent[] {
  const out = [...events]
  for (const at of order) if (at < out.length) out.unshift(...out.splice(at, 1))
  // An event that is told twice: at once, or again at the end when it was the last of its object.
  for (const at of doubled) if (at < out.length) out.splice(at, 0, out[at]!)
  for (const at of doubled) if (at < out.length) out.push(out[at]!)
  return out
}

const test = suite('kube-proxy through changes')

for (const family of ['ipv4', 'ipv6'] as const)
  test(`${family}: any sequence of events ends in the rules of the objects that are left`, () => {
    fc.assert(
      fc.property(
        clusters({ services: 5, families: 'dual' }),
        fc.array(step, { minLength: 1, maxLength: 6 }),
        (start, steps) => {
          const setting = { family, nodeName: 'node-0' } as const
          const tracker = new ProxyTracker(start, setting)
          let state: State = new Map()
          let atMs = 0
          const sync = (): void => {
            atMs += 1000
            const before = tracker.ruleset
            const done = tracker.sync(atMs)
            const after = applyRestore(state, done.restoreText())
            assert.ok(after !== null, 'a restore fails')
            state = after as State
            if (done.full) return
            // What belongs to a Service that was not written is left alone.
            const chains = new Set(before.tables.find((t) => t.name === 'nat')?.chains)
            for (const chain of done.ruleset.tables.find((t) => t.name === 'nat')!.chains) {
              const comment = chain.rules.flatMap((r) => r.matches).find((m) => m.match === 'comment')
              const of =
                /^KUBE-SEP-/.test(chain.name) && comment?.match === 'comment' ? comment.comment.split(':')[0]! : null
              if (of !== null && !done.written.includes(of)) assert.ok(chains.has(chain), `${chain.name} of ${of}`)
            }
          }
          sync()
          for (const { cluster, relist, order, doubled, sync: now } of steps) {
            if (relist) tracker.replace(cluster)
            else
              for (const event of shuffled(eventsBetween(tracker.cluster, cluster), order, doubled))
                tracker.apply(event)
            if (now) sync()
          }
          sync()
          const end = tracker.cluster
          assert.ok(isDeepStrictEqual(tracker.ruleset, proxyRules(end, setting)), 'the rules differ')
          const whole = applyRestore(new Map(), proxyRestoreText(end, setting))
          assert.is(normalise(textOf(state)), normalise(textOf(whole as State)))
        },
      ),
      options(40),
    )
  })

function textOf(state: State): string {
  return [...state]
    .map(([table, chains]) =>
      [`*${table}`, ...[...chains].flatMap(([chain, rules]) => [`:${chain} - [0:0]`, ...rules]), 'COMMIT'].join('\n'),
    )
    .join('\n')
}

test.run()
