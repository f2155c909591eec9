// What a tracker says of a packet, and how it keeps its connection alive.
import { Accounting } from './accounting'
import { Ends } from './ends'
import { CT_END_OFF, CT_STATUS_OFF, CTX_NOW_AT, IPS_CONFIRMED, IPS_DYING, IPS_FIXED_TIMEOUT } from './layout'

export const TRACK_INVALID: u32 = 0
export const TRACK_OK: u32 = 1
/** The connection was killed; a new one is to be made for the packet. */
export const TRACK_REOPEN: u32 = 2

export class Timeout {
  /** Lets the connection end `ms` from now; an unconfirmed one that long after its confirmation. */
  static refresh(ct: usize, ms: f64): void {
    const status = load<u32>(ct + CT_STATUS_OFF)
    if (status & (IPS_FIXED_TIMEOUT | IPS_DYING)) return
    if (status & IPS_CONFIRMED) Ends.set(ct, load<f64>(CTX_NOW_AT) + ms)
    else store<f64>(ct + CT_END_OFF, ms)
  }

  /** Likewise; the packet in the context, in that direction, is counted. */
  static keep(ct: usize, direction: u32, ms: f64): void {
    Timeout.refresh(ct, ms)
    Accounting.count(ct, direction)
  }
}
