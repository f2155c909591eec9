#!/bin/sh
# Writes what nodeplane needs to know about this node's network namespace into a folder: a node bundle.
# Plain POSIX sh; reads only; every file has mode 0600. Says what it could not read.
# Of the sysctls it writes only those that decide what happens to packets (some of the others are secrets).
#
# usage: capture-node.sh [-b legacy|nft] [-c] DIR
#   -b   which iptables backend to dump; default: what `iptables-save` is on this node
#   -c   with packet and byte counters
# Another namespace: ip netns exec NAME sh capture-node.sh DIR, or nsenter -t PID -n sh capture-node.sh DIR
set -u
umask 077
LC_ALL=C
export LC_ALL

usage() {
  echo 'usage: capture-node.sh [-b legacy|nft] [-c] DIR' >&2
  exit 2
}

variant=
counters=
while getopts b:c option; do
  case $option in
    b) case $OPTARG in legacy | nft) variant=-$OPTARG ;; *) usage ;; esac ;;
    c) counters=-c ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[ $# -eq 1 ] || usage
dir=$1
mkdir -p -- "$dir" || exit 2
errors=$dir/.errors.$$
trap 'rm -f -- "$errors"' EXIT
trap 'exit 130' INT TERM

say() { printf 'capture-node: %s\n' "$*" >&2; }

# put FILE COMMAND...: the command's output becomes the file, or the file is left out and said so.
put() {
  file=$1
  shift
  rm -f -- "$dir/$file"
  if ! command -v "$1" >/dev/null 2>&1; then
    say "no $file: the command $1 is not here"
    return 1
  fi
  if "$@" >"$dir/$file" 2>"$errors"; then
    chmod 600 -- "$dir/$file"
    return 0
  fi
  rm -f -- "$dir/$file"
  say "no $file: \`$*\` failed: $(head -n 1 -- "$errors")"
  return 1
}

[ "$(id -u)" = 0 ] || say 'not root: most of this will not be readable'

rules=0
put iptables-save "iptables$variant-save" $counters && rules=1
put ip6tables-save "ip6tables$variant-save" $counters && rules=1
put ip-addr.json ip -j addr
addresses=$?
put ip-link.json ip -d -j link
put ip-route.json ip -j route show table all
put ip-route6.json ip -j -6 route show table all
put ip-rule.json ip -j rule
put ip-rule6.json ip -j -6 rule
put ip-neigh.json ip -j neigh
put bridge-link.json bridge -d -j link
put bridge-fdb.json bridge -j fdb
put ipset-save ipset save
put conntrack conntrack -L -o extended
put conntrack6 conntrack -L -o extended -f ipv6

# The other backend's rules are in force as well; one dump cannot hold both.
for other in legacy nft; do
  [ -n "$variant" ] && [ "$variant" = "-$other" ] && continue
  command -v "iptables-$other-save" >/dev/null 2>&1 || continue
  [ -f "$dir/iptables-save" ] || continue
  there=$("iptables-$other-save" 2>/dev/null | grep -c '^-A')
  here=$(grep -c -e '^-A' -e '\] -A' "$dir/iptables-save")
  if [ "$there" -gt 0 ] && [ "$here" -eq 0 ]; then
    say "iptables-save has no rules, iptables-$other-save has $there: capture again with -b $other?"
  elif [ "$there" -gt 0 ] && [ "$there" -ne "$here" ]; then
    say "iptables-$other-save lists $there rules beside the $here captured ones; both may be in force"
  fi
done

# sysctls, `key = value`: dots between the parts, a slash for a dot inside an interface's name.
write_sysctls() {
  for path in \
    net/ipv4/ip_forward net/ipv4/ip_default_ttl net/ipv4/ip_nonlocal_bind net/ipv4/icmp_errors_use_inbound_ifaddr \
    net/ipv4/fwmark_reflect net/ipv4/fib_multipath_hash_policy net/ipv4/icmp_echo_ignore_broadcasts \
    net/ipv6/fib_multipath_hash_policy net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-ip6tables \
    net/netfilter/nf_conntrack_max net/netfilter/nf_conntrack_buckets net/netfilter/nf_conntrack_checksum net/netfilter/nf_conntrack_acct net/netfilter/nf_conntrack_generic_timeout \
    net/netfilter/nf_conntrack_icmp_timeout net/netfilter/nf_conntrack_icmpv6_timeout; do
    write_sysctl "/proc/sys/$path"
  done
  for path in /proc/sys/net/netfilter/nf_conntrack_tcp_* /proc/sys/net/netfilter/nf_conntrack_udp_* \
    /proc/sys/net/netfilter/nf_conntrack_gre_* /proc/sys/net/netfilter/nf_conntrack_sctp_*; do
    write_sysctl "$path"
  done
  for conf in /proc/sys/net/ipv4/conf/*; do
    for key in forwarding rp_filter route_localnet accept_local src_valid_mark send_redirects log_martians; do
      write_sysctl "$conf/$key"
    done
  done
  for conf in /proc/sys/net/ipv6/conf/*; do
    for key in forwarding force_forwarding disable_ipv6; do
      write_sysctl "$conf/$key"
    done
  done
}
write_sysctl() {
  [ -r "$1" ] || return 0
  value=$(cat -- "$1" 2>/dev/null) || return 0
  printf '%s = %s\n' "$(printf '%s' "${1#/proc/sys/}" | tr './' '/.')" "$value"
}
if [ -d /proc/sys/net/ipv4 ]; then
  write_sysctls >"$dir/sysctls"
else
  say 'no sysctls: /proc/sys/net is not readable'
fi

if [ "$addresses" -ne 0 ] || [ "$rules" -ne 1 ]; then
  say "$dir is not a whole bundle: ip-addr.json and one of the rule files are needed"
  exit 1
fi
say "wrote $dir"
