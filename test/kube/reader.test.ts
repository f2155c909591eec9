// Reading objects: what is kept, what is said, and what every kind of bad input gets.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusters } from '../../src/arbitraries/kube.js'
import { readCluster } from '../../src/kube/reader/index.js'
import { jsonOffset, jsonValues, lineAndColumn } from '../../src/kube/reader/json.js'
import { FaultError } from '../../src/net/fault.js'

const test = suite('kube/reader')

function faults(text: string | Uint8Array): string {
  try {
    readCluster([{ name: 'f', text }])
  } catch (error) {
    if (error instanceof FaultError) return error.message
    throw error
  }
  return 'no fault'
}

const read = (text: string) => readCluster([{ name: 'f', text }])
const node = (name: string) => `{"apiVersion":"v1","kind":"Node","metadata":{"name":"${name}"}}`
const names = (text: string) => read(text).cluster.nodes.map((n) => n.metadata?.name)

test('JSON, several JSON values, YAML, flow YAML, several documents, lists in lists', () => {
  assert.equal(names(node('a')), ['a'])
  assert.equal(names(`${node('a')}\n ${node('b')}\n`), ['a', 'b'])
  assert.equal(names('{apiVersion: v1, kind: Node, metadata: {name: c}}'), ['c'])
  assert.equal(
    names(
      'apiVersion: v1\nkind: Node\nmetadata:\n  name: a\n---\n---\napiVersion: v1\nkind: Node\nmetadata: {name: b}\n',
    ),
    ['a', 'b'],
  )
  assert.equal(
    names(`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"List","items":[${node('d')}]}]}`),
    ['d'],
  )
  assert.equal(names('\uFEFFapiVersion: v1\nkind: Node\nmetadata: {name: bom}\n'), ['bom'])
})

test("the API server's own lists leave out kind and apiVersion of their items", () => {
  assert.equal(names('{"apiVersion":"v1","kind":"NodeList","items":[{"metadata":{"name":"a"}}]}'), ['a'])
  assert.equal(names('{"apiVersion":"v1","kind":"NodeList","items":null}'), [])
})

test('a file that was cut off is told so', () => {
  const list = `apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: a\n`
  assert.is(faults(list), 'f:1:1: kind: Required value (a list without its end: was the file cut off?)')
  assert.is(faults(`${list}    uid:`), 'f:7:9: the file ends behind a key, without its value: was it cut off?')
  assert.is(faults(`${list}kind: List\n`), 'no fault')
  const service = (spec: string) =>
    faults(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","namespace":"b"},"spec":${spec}}`)
  assert.is(service('{"clusterIP":"10.96.0.7"}'), 'f:1:84: Service b/a: spec.ports: Required value')
  assert.is(service('{"clusterIP":"None"}'), 'no fault')
  assert.is(service('{"type":"ExternalName"}'), 'no fault')
})

test('only what is read is kept', () => {
  const { cluster } = read(
    '{"apiVersion":"v1","kind":"Node","metadata":{"name":"a","uid":"x","labels":{"a":"b","topology.kubernetes.io/zone":"z"}},"spec":{"taints":[]}}',
  )
  assert.equal(JSON.parse(JSON.stringify(cluster.nodes)), [
    { metadata: { name: 'a', labels: { 'topology.kubernetes.io/zone': 'z' } }, spec: {} },
  ])
})

test('an EndpointSlice port without name and protocol has what the API server fills in', () => {
  const { cluster } = read(
    '{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"a"},"addressType":"IPv4","ports":[{"port":80}]}',
  )
  assert.equal(JSON.parse(JSON.stringify(cluster.endpointSlices[0]?.ports)), [{ name: '', protocol: 'TCP', port: 80 }])
})

const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  clusterIP: 10.96.0.1
  ports:
  - name: http
    port: 80
`
const table: [string, string | Uint8Array, string][] = [
  ['empty', '', 'f: the file is empty: expected Kubernetes objects'],
  ['blank', ' \n\n', 'f: the file is empty: expected Kubernetes objects'],
  ['only comments', '# nothing\n', 'f: no document in the file: expected Kubernetes objects'],
  ['binary', 'PK\u0003\u0004', 'f:1:3: binary data (character \\u{3}): expected YAML or JSON'],
  ['not UTF-8', new Uint8Array([0x61, 0xff]), 'f: not UTF-8 text: expected YAML or JSON'],
  [
    'port 70000',

    SERVICE.replace('80', '70000'),
    'f:10:11: Service shop/web: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535',
  ],
  [
    'no address',

    SERVICE.replace('10.96.0.1', '10.96.0.300'),
    'f:7:14: Service shop/web: spec.clusterIP: Invalid value: "10.96.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff), "None" or empty',
  ],
  [
    'protocol',

    `${SERVICE}    protocol: ICMP\n`,
    'f:11:15: Service shop/web: spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
  ],
  [
    'second port unnamed',

    `${SERVICE}  - port: 81\n`,
    'f:11:5: Service shop/web: spec.ports[1].name: Required value',
  ],
  [
    'ports named alike',

    `${SERVICE}  - port: 81\n    name: http\n`,
    'f:12:11: Service shop/web: spec.ports[1].name: Duplicate value: "http"',
  ],
  [
    'a list where a map belongs',
    'apiVersion: v1\nkind: Service\nmetadata: []\nspec: {}\n',
    'f:3:11: Service: metadata.name: Required value',
  ],
  ['no kind', 'a: 1\n', 'f:1:1: apiVersion: Required value\nf:1:1: kind: Required value'],
  ['a number', '12\n', 'f:1:1: Invalid value: 12: must be a Kubernetes object'],
  [
    'a name that would break a rule text',

    '{"apiVersion":"v1","kind":"Service","metadata":{"name":"a\\n-A INPUT"},"spec":{}}',
    'f:1:56: Service a\\u{a}-A INPUT: metadata.name: Invalid value: "a\\n-A INPUT": must be a lowercase RFC 1123 subdomain: letters, digits, - and ., at most 253, e.g. web-1',
  ],
  [
    'an address of the other family',

    '{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"a"},"addressType":"IPv6",\n"endpoints":[{"addresses":["10.0.0.1"]}]}',
    'f:2:28: EndpointSlice a: endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address',
  ],
  [
    'port 70000 in JSON',

    `{"apiVersion":"v1","kind":"List","items":[${node('n')},\n {"apiVersion":"v1","kind":"Service","metadata":{"name":"x"},\n  "spec":{"ports":[{"port":70000}]}}]}`,
    'f:3:28: Service x: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535',
  ],
  ['truncated JSON', '{"apiVersion":"v1",\n"kind":', 'f:2:8: not JSON: the text ends, expected a value'],
  ['JSON, one brace too many', `${node('a')}\n}`, 'f:2:1: not JSON: found "}", expected a value'],
]
for (const [what, text, message] of table) {
  test(what, () => assert.is(faults(text), message))
}

test('truncated YAML has a place', () => {
  assert.match(faults('apiVersion: v1\nkind: List\nitems:\n- metadata: {name: "a'), /^f:4:\d+: not YAML: /)
})

test('bombs and depth are one error each', () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
  for (let i = 1; i < 9; i++) {
    const [was, is] = [String.fromCharCode(96 + i), String.fromCharCode(97 + i)]
    bomb.push(`${is}: &${is} [${`*${was},`.repeat(10)}]`)
  }
  assert.is(
    faults(bomb.join('\n')),
    'f:1:1: not YAML that can be read: Excessive alias count indicates a resource exhaustion attack',
  )
  assert.match(faults('['.repeat(50000)), /^f:1:502: not JSON: nested deeper than 500$/)
  assert.match(faults(`a: ${'['.repeat(50000)}`), /^f:1:\d+: not YAML that can be read: nested deeper than 200$/)
  assert.match(faults('- '.repeat(50000)), /^f:1:\d+: not YAML that can be read: nested deeper than 200$/)
  const lists = '{"apiVersion":"v1","kind":"List","items":['
  assert.match(faults(lists.repeat(20) + ']}'.repeat(20)), /lists nested deeper than 10$/)
})

test('__proto__ is a key like any other', () => {
  const json = read(
    '{"apiVersion":"v1","kind":"Node","__proto__":{"x":1},"metadata":{"name":"a","__proto__":{"y":1},"labels":{"__proto__":"z"}}}',
  )
  assert.is(json.cluster.nodes.length, 1)
  assert.is(({} as { x?: unknown }).x, undefined)
  const yaml = read('apiVersion: v1\nkind: Node\n__proto__: {x: 1}\nmetadata: {name: a, labels: {__proto__: {y: 1}}}\n')
  assert.is((yaml.cluster.nodes[0] as { x?: unknown }).x, undefined)
  assert.is(faults('{"apiVersion":"v1","kind":"__proto__"}'), 'no fault')
  assert.is(
    faults('__proto__: {apiVersion: v1, kind: Node}\n'),
    'f:1:1: apiVersion: Required value\nf:1:1: kind: Required value',
  )
})

test('YAML 1.1 as kubectl reads it, and said', () => {
  const { cluster, notes } = read(`${SERVICE.replace('port: 80', 'port: 0120')}`)
  assert.is(cluster.services[0]?.spec?.ports?.[0]?.port, 80)
  assert.equal(notes, ['f:10:11: bare 0120 is read as 80, as kubectl does (YAML 1.1); quote it where text is meant'])
  assert.match(
    faults('apiVersion: v1\nkind: Node\nmetadata: {name: on}\n'),
    /^f:3:18: Node: metadata.name: Invalid value: true: .*put it in quotes\)$/,
  )
  // Sexagesimal numbers and dates are text to kubectl.
  const { cluster: other } = read(
    'apiVersion: v1\nkind: Node\nmetadata: {name: a, labels: {topology.kubernetes.io/zone: 12:30}}\n',
  )
  assert.is(other.nodes[0]?.metadata?.labels?.['topology.kubernetes.io/zone'], '12:30')
})

test('notes: unknown kinds once each, other groups, doubles, slices without a Service, legacy Endpoints', () => {
  const { notes, cluster } = read(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
---
apiVersion: serving.knative.dev/v1
kind: Service
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: gone-1, labels: {kubernetes.io/service-name: gone}}
addressType: IPv4
---
apiVersion: v1
kind: Endpoints
metadata: {name: gone}
---
apiVersion: v1
kind: Service
metadata: {name: bare}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: bare}
spec: {ports: [{port: 81}]}
`)
  assert.is(cluster.services.length, 1)
  assert.is(cluster.services[0]?.spec?.ports?.[0]?.port, 81)
  const only = 'passed over: only Service, EndpointSlice, Endpoints, Node, Pod are read'
  assert.equal(notes, [
    'Service default/bare is given more than once: the last one counts',
    `2 NetworkPolicy (networking.k8s.io/v1) ${only}`,
    `1 Service (serving.knative.dev/v1) ${only}`,
    'EndpointSlice default/gone-1 belongs to Service default/gone, which is not there',
    'Service default/bare has no clusterIP: it gets no rules',
    '1 Endpoints passed over: their Services have EndpointSlices, which count instead',
  ])
})

test('faults of several files together, at most a hundred', () => {
  const bad = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"ports":[${Array(150).fill('{"port":0}').join(',')}]}}`
  try {
    readCluster([
      { name: 'a', text: '' },
      { name: 'b', text: bad },
    ])
    assert.unreachable()
  } catch (error) {
    assert.instance(error, FaultError)
    const { faults: list } = error as FaultError
    assert.is(list.length, 101)
    assert.is(list[0]?.file, 'a')
    assert.is(list[100]?.message, 'and 51 more faults')
  }
})

test('random clusters come back from JSON as they were', () => {
  fc.assert(
    fc.property(clusters({ families: 'dual' }), (cluster) => {
      const items = Object.values(cluster).flat()
      const back = read(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
      const bare = (x: unknown) =>
        JSON.parse(
          JSON.stringify(x, (key, value) =>
            key === 'apiVersion' || (key === 'kind' && value !== 'Pod') ? undefined : value,
          ),
        )
      assert.equal(bare(back.cluster), bare(cluster))
      // Two slices of a Service may hold the same endpoint; nothing else is worth a note.
      assert.equal(
        back.notes.filter((note) => !/: it is one endpoint$|more such notes about endpoints$/.test(note)),
        [],
      )
    }),
    { numRuns: 200 },
  )
})

test('any text is read or refused, never a crash', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ' ',
    '\n',
    '"',
    ',',
    '- ',
    'a',
    '&a ',
    '*a',
    '|',
    '>',
    '!',
    '%',
    '---\n',
    'null',
    '1e9',
    '\\u',
    '#',
    '\t',
    '<<: ',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60, size: 'max' }), (parts) => {
      faults(parts.join(''))
      faults(`apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: ${parts.join('')}\n`)
    }),
    { numRuns: 1500 },
  )
})

test('places in JSON: the scanner agrees with JSON.parse', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      assert.equal(jsonValues(text), [{ start: 0, end: text.length }])
      if (typeof value !== 'object' || value === null) return
      for (const key of Object.keys(value)) {
        const at = jsonOffset(text, 0, [Array.isArray(value) ? Number(key) : key])
        const rest = text.slice(at)
        const want = JSON.stringify((value as Record<string, unknown>)[key], null, indent)
        assert.ok(rest.startsWith(want.split('\n')[0] as string))
      }
    }),
    { numRuns: 1000 },
  )
})

test('the scanner refuses what JSON.parse refuses', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"a"',
    '"',
    '1',
    '-',
    '0',
    '.5',
    'e1',
    'true',
    'nul',
    ' ',
    '\\',
    '\u0001',
  )
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 1, maxLength: 12 }), (parts) => {
      const text = parts.join('')
      let ours = false
      try {
        ours = jsonValues(text).length === 1
      } catch {}
      let theirs = false
      try {
        JSON.parse(text)
        theirs = true
      } catch {}
      // Two numbers side by side (`01`) are two values to the scanner and none to JSON.parse: never one.
      assert.is(ours, theirs, text)
    }),
    // An unknown escape before an escaped quote.
    { numRuns: 5000, examples: [[['"', '\\', '{', '\\', '"', '"']]] },
  )
})

test('line and column', () => {
  assert.equal(lineAndColumn('a\nbc\n', 0), { line: 1, column: 1 })
  assert.equal(lineAndColumn('a\nbc\n', 1), { line: 1, column: 2 })
  assert.equal(lineAndColumn('a\nbc\n', 3), { line: 2, column: 2 })
})

test.run()
