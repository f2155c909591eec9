// The helpers that kernels before Linux 6.0 attach by themselves, by protocol and port (nf_conntrack_helper).
// Kernel: net/netfilter/nf_conntrack_{ftp,irc,sip,tftp,pptp,amanda,netbios_ns,snmp,sane,h323_main}.c.

export class PortHelper {
  /** Which one, in the order of PORT_HELPERS (src/netns/helpers.ts); -1 = none. */
  static find(proto: u32, port: u32, family: u32): i32 {
    const four = family === 4
    if (proto === 6) {
      if (port === 21) return 0
      if (port === 6667) return four ? 1 : -1
      if (port === 5060) return 2
      if (port === 1723) return four ? 5 : -1
      if (port === 6566) return 9
      return port === 1720 ? 10 : -1
    }
    if (proto !== 17) return -1
    if (port === 5060) return 3
    if (port === 69) return 4
    if (port === 10080) return 6
    if (port === 137) return four ? 7 : -1
    if (port === 161) return four ? 8 : -1
    return port === 1719 ? 11 : -1
  }
}
