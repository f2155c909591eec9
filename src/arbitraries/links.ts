// Interfaces of generated namespaces and their addresses: primary and secondary, link-local, and those that RFC 6724
// treats in its own way.
import fc from 'fast-check'
import { canonicalAddress } from '../net/ip.js'
import type { Address, Link } from '../netns/model.js'
import { LINK_NAMES, rarely, weighted } from './pool.js'

const LOOPBACK: Link = {
  name: 'lo',
  index: 1,
  up: true,
  loopback: true,
  kind: '',
  mtu: 65536,
  addresses: [
    { address: '127.0.0.1', prefixLength: 8, family: 'ipv4', scope: 'host' },
    { address: '::1', prefixLength: 128, family: 'ipv6', scope: 'host' },
  ],
}

export interface LinkDraft {
  readonly up: boolean
  readonly v4: number
  readonly v6: number
  /** 0: none; else which of the addresses that RFC 6724 treats in its own way. */
  readonly odd6: number
  /** Number of its group. */
  readonly group: number
  /** As a TUN device: without MULTICAST, with NOARP. */
  readonly tunnel: boolean
  /** Longest packet, bytes. */
  readonly mtu: number
}

export const linkDraft: fc.Arbitrary<LinkDraft> = fc.record({
  up: rarely(12).map((down) => !down),
  v4: fc.nat({ max: 7 }),
  v6: fc.nat({ max: 7 }),
  odd6: weighted([3, fc.constant(0)], [2, fc.integer({ min: 1, max: 6 })]),
  group: weighted([2, fc.constant(0)], [1, fc.constant(7)]),
  tunnel: rarely(3),
  mtu: weighted([4, fc.constant(1500)], [1, fc.constant(1400)]),
})

/** Bits of `v4` and `v6`: 0 none (1 in 8), bit 0 a second address of the same subnet, bit 1 one of another, bit 2 link-local first. */
function addressesOf({ v4, v6, odd6 }: LinkDraft, k: number): Address[] {
  const out: Address[] = []
  const add4 = (address: string, prefixLength: number, more: Partial<Address> = {}): void => {
    out.push({ address, prefixLength, family: 'ipv4', scope: 'global', ...more })
  }
  const add6 = (address: string, scope: Address['scope'] = 'global', deprecated = false): void => {
    out.push({ address, prefixLength: 64, family: 'ipv6', scope, ...(deprecated ? { deprecated } : {}) })
  }
  if (v4 !== 7) {
    if (v4 & 4) add4(`169.254.${k}.1`, 16, { scope: 'link' })
    add4(`10.0.${k}.1`, 24, v4 & 1 ? {} : { broadcast: `10.0.${k}.255` })
    if (v4 & 2) add4(`10.1.${k}.1`, 28)
    if (v4 & 1) add4(`10.0.${k}.2`, 24, { secondary: true })
  }
  if (v6 !== 7) {
    if (v6 & 2) add6(`fd01:${k + 1}::1`)
    const odd = [
      null,
      `2002:a00:${k}::1`,
      `2001:0:${k}::1`,
      `fec0:0:0:${k}::1`,
      `2001:db8:5${k}::1`,
      `3ffe:${k}::1`,
      `2001:1${k}::1`,
    ]
    const special = odd[odd6]
    if (special) add6(canonicalAddress(special) as string, odd6 === 3 ? 'site' : 'global')
    if (v6 & 1) add6(`fd00:${k + 1}::2`, 'global', (v6 & 6) === 4)
    add6(`fd00:${k + 1}::1`, 'global', v6 === 2 && odd6 > 3)
    if (v6 & 4) add6(`fe80::${k + 1}`, 'link')
  }
  return out
}

const KINDS = ['veth', 'veth', 'dummy', 'vxlan']

/** `lo` and the drafts by their names. */
export function linksOf(drafts: readonly LinkDraft[]): Link[] {
  return [
    LOOPBACK,
    ...drafts.map((draft, k) => ({
      name: LINK_NAMES[k] as string,
      index: k + 2,
      up: draft.up,
      loopback: false,
      kind: KINDS[k] as string,
      mac: `02:00:00:00:00:0${k + 1}`,
      mtu: draft.mtu,
      ...(draft.tunnel ? { multicast: false, noarp: true } : {}),
      ...(draft.group === 0 ? {} : { group: draft.group }),
      addresses: addressesOf(draft, k),
    })),
  ]
}
