// Reading the targets that take the packet or a copy of it elsewhere: NFQUEUE, TEE, TPROXY, SYNPROXY.
// Spec: iptables-extensions(8) 1.8.9; the kernel's net/netfilter/xt_NFQUEUE.c, xt_TEE.c, xt_TPROXY.c, xt_SYNPROXY.c.
import { type Draft, type Extension, must, type Option, options, refuse } from './extension.js'
import type { Target } from './model.js'
import { address, cutBytes, isBareName, markMask, port, shown, uint } from './words.js'

type TargetOf<K extends Target['target']> = Draft<Extract<Target, { readonly target: K }>>

const OIF_BYTES = 15

type QueueDraft = TargetOf<'NFQUEUE'>
function queueFlag(key: 'bypass' | 'cpuFanout'): Option<QueueDraft> {
  return {
    words: 0,
    read: (d) => {
      d[key] = true
    },
  }
}
const nfqueue: Extension<QueueDraft> = {
  name: 'NFQUEUE',
  start: () => ({ target: 'NFQUEUE', queue: 0 }),
  options: options<QueueDraft>({
    'queue-num': {
      words: 1,
      id: 'queue',
      read: (d, w) => {
        d.queue = must(w, uint(w.word, 0, 65535), 'a number 0..65535')
      },
    },
    'queue-balance': {
      words: 1,
      id: 'queue',
      read: (d, w) => {
        const [low, high, more] = w.word.split(':')
        const from = low === '' ? 0 : uint(low!, 0, 65534)
        const to = high === undefined ? undefined : high === '' ? 65535 : uint(high, 0, 65535)
        if (from === undefined || to === undefined || more !== undefined || from >= to || to - from === 65535) {
          throw w.bad(`${shown(w.word)} is no range of queues: expected FROM:TO, each 0..65534, the second one above`)
        }
        d.queue = from
        d.to = to
      },
    },
    'queue-bypass': queueFlag('bypass'),
    'queue-cpu-fanout': queueFlag('cpuFanout'),
  }),
  end(d) {
    if (d.cpuFanout && d.to === undefined) refuse('NFQUEUE: --queue-cpu-fanout needs --queue-balance')
  },
}

type TeeDraft = TargetOf<'TEE'>
const tee: Extension<TeeDraft> = {
  name: 'TEE',
  start: () => ({ target: 'TEE' }),
  options: options<TeeDraft>({
    gateway: {
      words: 1,
      read: (d, w) => {
        d.gateway = must(w, address(w.word, w.rule.family), 'an address of this family')
      },
    },
    oif: {
      words: 1,
      read: (d, w) => {
        const name = cutBytes(w.word, OIF_BYTES)
        if (!isBareName(name)) throw w.bad(`${shown(w.word)} is no name of an interface`)
        d.oif = name
      },
    },
  }),
  end(d) {
    if (d.gateway === undefined) refuse('TEE needs --gateway')
    if (d.gateway === '0.0.0.0' || d.gateway === '::') refuse('TEE: the gateway cannot be the unspecified address')
  },
}

type TproxyDraft = TargetOf<'TPROXY'>
const tproxy: Extension<TproxyDraft> = {
  name: 'TPROXY',
  start: (rule) => ({ target: 'TPROXY', ip: rule.family === 'ipv4' ? '0.0.0.0' : '::', value: 0, mask: 0 }),
  options: options<TproxyDraft>({
    'on-port': {
      words: 1,
      read: (d, w) => {
        d.port = must(w, port(w.word), 'a port 0..65535 or a service name')
      },
    },
    'on-ip': {
      words: 1,
      read: (d, w) => {
        d.ip = must(w, address(w.word, w.rule.family), 'an address of this family')
      },
    },
    'tproxy-mark': {
      words: 1,
      read: (d, w) => {
        Object.assign(d, must(w, markMask(w.word), 'VALUE or VALUE/MASK, each 0..0xffffffff'))
      },
    },
  }),
  end(d, rule) {
    if (d.port === undefined) refuse('TPROXY needs --on-port')
    if (rule.protoNot || (rule.proto !== 6 && rule.proto !== 17)) refuse('TPROXY needs -p tcp or udp, not negated')
  },
}

type SynproxyDraft = TargetOf<'SYNPROXY'>
function synproxyFlag(key: 'sackPerm' | 'timestamp' | 'ecn'): Option<SynproxyDraft> {
  return {
    words: 0,
    read: (d) => {
      d[key] = true
    },
  }
}
function synproxyNumber(key: 'wscale' | 'mss', bits: number): Option<SynproxyDraft> {
  return {
    words: 1,
    read: (d, w) => {
      // More than the field holds is taken, and cut off.
      d[key] = must(w, uint(w.word, 0, 0xffffffff), 'a number 0..0xffffffff') % 2 ** bits
    },
  }
}
const synproxy: Extension<SynproxyDraft> = {
  name: 'SYNPROXY',
  proto: 6,
  start: () => ({ target: 'SYNPROXY' }),
  options: options<SynproxyDraft>({
    'sack-perm': synproxyFlag('sackPerm'),
    timestamp: synproxyFlag('timestamp'),
    wscale: synproxyNumber('wscale', 8),
    mss: synproxyNumber('mss', 16),
    ecn: synproxyFlag('ecn'),
  }),
}

/** The targets that take packets elsewhere. */
export const DIVERTING_TARGETS: readonly Extension<never>[] = [nfqueue, tee, tproxy, synproxy] as never
