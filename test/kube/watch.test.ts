// A watch stream cut anywhere gives the events that it holds; what is wrong in it is named with its place.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusterOf } from '../../src/kube/cluster.js'
import { ProxyTracker } from '../../src/kube/proxy-tracker.js'
import { WatchReader } from '../../src/kube/reader/index.js'
import { FaultError } from '../../src/net/fault.js'

const event = (type: string, object: object): string => `${JSON.stringify({ type, object }, null, 4)}\n`
const service = (name: string, ip: string, port = 80) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name, annotations: { text: 'a } in a "text" \\' } },
  spec: { clusterIP: ip, ports: [{ port }] },
})
const STREAM =
  event('ADDED', service('web', '10.96.0.1')) +
  event('BOOKMARK', service('', '')) +
  event('ADDED', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } }) +
  event('MODIFIED', service('web', '10.96.0.1', 81)) +
  event('DELETED', service('web', '10.96.0.1', 81))

function faultOf(run: () => void): string {
  try {
    run()
  } catch (error) {
    if (error instanceof FaultError) {
      const { file, line, column, message } = error.faults[0]!
      return `${file}:${line}:${column}: ${message}`
    }
    throw error
  }
  throw new Error('no fault')
}

const test = suite('kube/watch')

test('events of kinds that are read, cut down, wherever the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: STREAM.length })), (cuts) => {
      const reader = new WatchReader('w')
      const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length]
      const events = at.flatMap((from, i) => reader.push(STREAM.slice(from, at[i + 1] ?? STREAM.length)))
      reader.end()
      assert.equal(
        events.map((e) => e.type),
        ['ADDED', 'MODIFIED', 'DELETED'],
      )
      assert.equal(events[1]!.object, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: 'shop', name: 'web' },
        spec: { clusterIP: '10.96.0.1', ports: [{ port: 81 }] },
      })
    }),
  )
})

test('a tracker takes them', () => {
  const tracker = new ProxyTracker(clusterOf([]), { family: 'ipv4', nodeName: 'n1' })
  tracker.sync(0)
  const reader = new WatchReader('w')
  for (const e of reader.push(STREAM.slice(0, STREAM.indexOf('{\n    "type": "DELETED"')))) tracker.apply(e)
  assert.match(tracker.sync(1000).restoreText(), '-d 10.96.0.1 --dport 81 -j REJECT')
  for (const e of reader.push(STREAM.slice(STREAM.indexOf('{\n    "type": "DELETED"')))) tracker.apply(e)
  assert.not.match(tracker.sync(2000).restoreText(), '10.96.0.1')
})

test('faults have the place in the stream', () => {
  const bad = event('ADDED', service('web', '10.96.0.1')) + event('ADDED', service('db', '10.96.0.2', 70000))
  const line = bad.slice(0, bad.indexOf('70000')).split('\n').length
  assert.match(
    faultOf(() => new WatchReader('w').push(bad)),
    `w:${line}:29: Service shop/db: spec.ports[0].port: Invalid value: 70000`,
  )
  assert.match(
    faultOf(() => new WatchReader('w').push('\n{"type":"ADDED","object":}')),
    /^w:2:26: not JSON/,
  )
  assert.match(
    faultOf(() => new WatchReader('w').push('\n {"kind":"Service"}')),
    /^w:2:2: expected a watch event/,
  )
  assert.match(
    faultOf(() => new WatchReader('w').push(event('GONE', service('web', '10.96.0.1')))),
    /^w:2:13: type: Unsupported value: "GONE"/,
  )
  const half = new WatchReader('w')
  half.push(STREAM.slice(0, 50))
  assert.match(
    faultOf(() => half.end()),
    'the stream ends in the middle of an event',
  )
})

test('the end of a watch is told', () => {
  const status = { apiVersion: 'v1', kind: 'Status', code: 410, reason: 'Expired' }
  assert.equal(new WatchReader('w').push(event('ERROR', status)), [{ type: 'ERROR', object: status }])
})

test.run()
