// Addresses that no endpoint may have.
// Owns the ranges and the API server's words. Source: kubernetes pkg/apis/core/validation ValidateNonSpecialIP.
import { readAddress } from '../address.js'

/** What is wrong with an address as an endpoint's; null: nothing, or it is no address. */
export function specialAddress(text: string): string | null {
  const address = readAddress(text)
  if (address === null) return null
  const ip = address.text
  if (ip === '0.0.0.0' || ip === '::') return "may not be unspecified (0.0.0.0 or '::')"
  if (ip === '::1' || ip.startsWith('127.')) return 'may not be in the loopback range (127.0.0.0/8, ::1/128)'
  if (ip.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/.test(ip)) {
    return 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'
  }
  if (ip.startsWith('224.0.0.') || /^ff[0-9a-f]2:/.test(ip)) {
    return 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'
  }
  return null
}
