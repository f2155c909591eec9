#!/bin/sh
# Builds a network namespace like that of a Kubernetes worker node, sends some real traffic through it and captures it
# with capture-node.sh into examples/node-bundle (or the folder given). Needs root, iproute2, iptables, ipset,
# conntrack and python3. Nothing is left behind: all of it lives in private namespaces.
#
#   worker-1  192.168.10.11, podCIDR 10.244.1.0/24, one veth to each pod
#   fabric    everything outside the node: the gateway, the other nodes and their pods, a client on the internet
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${1-}" != --inside ]; then
  exec unshare -n -m "$0" --inside "${1-$here/../examples/node-bundle}"
fi
out=$2
mount --make-rprivate /
mkdir -p /run/netns
mount -t tmpfs none /run/netns
exec 3>&1

ip netns add fabric
ip link set lo up
ip link add eth0 type veth peer name node netns fabric
ip link set eth0 address 52:54:00:a8:0a:0b
ip netns exec fabric sh -c '
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.node.accept_dad=0
  ip link set node address 52:54:00:a8:0a:01; ip link set lo up; ip link set node up
  for a in 1 10 12 77; do ip addr add 192.168.10.$a/24 dev node; done
  for a in 10.244.0.2 10.244.0.3 10.244.2.10 10.244.2.11 10.244.2.12 203.0.113.50; do ip addr add $a/32 dev lo; done
  ip -6 addr add fd00:168:10::1/64 dev node nodad
  ip route add 10.244.1.0/24 via 192.168.10.11; ip -6 route add fd00:10:244:1::/64 via fd00:168:10::11'
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0 \
  net.ipv6.conf.eth0.accept_dad=0 net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.all.rp_filter=0 \
  net.ipv4.conf.default.rp_filter=0
ip link set eth0 up
ip addr add 192.168.10.11/24 brd + dev eth0
ip addr add fd00:168:10::11/64 dev eth0 nodad
ip route add default via 192.168.10.1
ip -6 route add default via fd00:168:10::1
ip route add 10.244.0.0/24 via 192.168.10.10
ip route add 10.244.2.0/24 via 192.168.10.12

# name of the pod, last part of its addresses, name of the veth
pods='web-7c9d 10 veth3f1a9c02
web-b41e 11 veth8d20e7b4
api-0f3d 12 veth5c7712ee
edge-9a61 13 vetha09be411'
echo "$pods" | while read -r pod n veth; do
  ip netns add "$pod"
  ip link add "$veth" type veth peer name eth0 netns "$pod"
  ip link set "$veth" address "02:58:0a:f4:01:$(printf %02x "$n")" up
  ip addr add 10.244.1.1/32 dev "$veth"
  ip route add "10.244.1.$n/32" dev "$veth" scope host
  ip -6 addr add fd00:10:244:1::1/128 dev "$veth" nodad noprefixroute
  ip -6 route add "fd00:10:244:1::$(printf %x "$n")/128" dev "$veth"
  ip netns exec "$pod" sh -c "sysctl -qw net.ipv6.conf.eth0.accept_dad=0; ip link set lo up; ip link set eth0 up
    ip addr add 10.244.1.$n/24 dev eth0; ip route del 10.244.1.0/24; ip route add 10.244.1.1 dev eth0
    ip route add default via 10.244.1.1; ip -6 addr add fd00:10:244:1::$(printf %x "$n")/64 dev eth0 nodad
    ip -6 route add default via fd00:10:244:1::1"
done

ipset create ssh-admins hash:net
ipset add ssh-admins 192.168.10.0/24
ipset add ssh-admins 203.0.113.50/32

# What kube-proxy (iptables mode) programs for the services below, and what the kubelet and an operator add.
rules() {
  python3 - "$1" <<'PYTHON'
import base64, hashlib, sys
v6 = sys.argv[1] == '6'
def short(text): return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:16]
# name, protocol, cluster address, port, node port, affinity seconds, local traffic only, endpoints (local ones first)
S4 = [
  ('default/kubernetes:https', 'tcp', '10.96.0.1', 443, 0, 0, False, ['192.168.10.10:6443']),
  ('kube-system/kube-dns:dns', 'udp', '10.96.0.10', 53, 0, 0, False, ['10.244.0.2:53', '10.244.0.3:53']),
  ('kube-system/kube-dns:dns-tcp', 'tcp', '10.96.0.10', 53, 0, 0, False, ['10.244.0.2:53', '10.244.0.3:53']),
  ('shop/web:http', 'tcp', '10.96.45.12', 80, 30080, 0, False, ['10.244.1.10:8080', '10.244.1.11:8080', '10.244.2.10:8080']),
  ('shop/api:grpc', 'tcp', '10.96.77.3', 9090, 0, 10800, False, ['10.244.1.12:9090', '10.244.2.11:9090']),
  ('shop/db:postgres', 'tcp', '10.96.120.9', 5432, 0, 0, False, ['10.244.2.12:5432']),
  ('shop/edge:https', 'tcp', '10.96.33.70', 443, 30443, 0, True, ['10.244.1.13:8443']),
  ('shop/old-cart:http', 'tcp', '10.96.200.44', 80, 0, 0, False, []),
]
S6 = [('shop/web:http', 'tcp', 'fd00:10:96::2d0c', 80, 30080, 0, False,
       ['[fd00:10:244:1::a]:8080', '[fd00:10:244:1::b]:8080', '[fd00:10:244:2::a]:8080'])]
services = S6 if v6 else S4
pods = 'fd00:10:244:1::/64' if v6 else '10.244.1.0/24'
host = '/128' if v6 else '/32'
chains, nat, ports, reject = [], [], [], []
for name, proto, ip, port, node_port, affinity, local, eps in services:
    svc, svl, ext = ('KUBE-%s-%s' % (k, short(name + proto)) for k in ('SVC', 'SVL', 'EXT'))
    is_ = '-m comment --comment "%s cluster IP"' % name
    if not eps:
        reject.append('-A KUBE-SERVICES -d %s%s -p %s -m comment --comment "%s has no endpoints" -m %s --dport %d -j REJECT' % (ip, host, proto, name, proto, port))
        continue
    chains.append(svc)
    nat.append('-A KUBE-SERVICES -d %s%s -p %s %s -m %s --dport %d -j %s' % (ip, host, proto, is_, proto, port, svc))
    nat.append('-A %s ! -s %s -d %s%s -p %s %s -m %s --dport %d -j KUBE-MARK-MASQ' % (svc, pods, ip, host, proto, is_, proto, port))
    if node_port:
        chains.append(ext)
        ports.append('-A KUBE-NODEPORTS -p %s -m comment --comment "%s" -m %s --dport %d -j %s' % (proto, name, proto, node_port, ext))
        if local:
            chains.append(svl)
            nat.append('-A %s -s %s -m comment --comment "pod traffic for %s external destinations" -j %s' % (ext, pods, name, svc))
            nat.append('-A %s -m comment --comment "masquerade LOCAL traffic for %s external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ' % (ext, name))
            nat.append('-A %s -m comment --comment "route LOCAL traffic for %s external destinations" -m addrtype --src-type LOCAL -j %s' % (ext, name, svc))
            nat.append('-A %s -j %s' % (ext, svl))
        else:
            nat.append('-A %s -m comment --comment "masquerade traffic for %s external destinations" -j KUBE-MARK-MASQ' % (ext, name))
            nat.append('-A %s -j %s' % (ext, svc))
    seps = ['KUBE-SEP-' + short(name + proto + e) for e in eps]
    chains += seps
    for chain in [svc] + ([svl] if local else []):
        if affinity:
            for e, sep in zip(eps, seps):
                nat.append('-A %s -m comment --comment "%s -> %s" -m recent --rcheck --seconds %d --reap --name %s --rsource -j %s' % (chain, name, e, affinity, sep, sep))
        for n, (e, sep) in enumerate(zip(eps, seps)):
            left = len(eps) - n
            pick = '-m statistic --mode random --probability %.10f ' % (1 / left) if left > 1 else ''
            nat.append('-A %s -m comment --comment "%s -> %s" %s-j %s' % (chain, name, e, pick, sep))
    for e, sep in zip(eps, seps):
        addr = e.rsplit(':', 1)[0].strip('[]')
        seen = '-m recent --set --name %s --rsource ' % sep if affinity else ''
        nat.append('-A %s -s %s%s -m comment --comment "%s" -j KUBE-MARK-MASQ' % (sep, addr, host, name))
        nat.append('-A %s -p %s -m comment --comment "%s" %s-m %s -j DNAT --to-destination %s' % (sep, proto, name, seen, proto, e))
print('*mangle\n:KUBE-IPTABLES-HINT - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]\n:KUBE-PROXY-CANARY - [0:0]\nCOMMIT')
print('*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]')
for c in ('EXTERNAL-SERVICES', 'FIREWALL', 'FORWARD', 'KUBELET-CANARY', 'NODEPORTS', 'PROXY-CANARY', 'PROXY-FIREWALL', 'SERVICES'):
    print(':KUBE-%s - [0:0]' % c)
portals = '-m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'
lbfw = '-m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL'
extern = '-m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES'
print('-A INPUT', lbfw)
print('-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS')
print('-A INPUT', extern)
print('-A INPUT -j KUBE-FIREWALL')
if not v6:
    print('-A INPUT -p tcp -m tcp --dport 22 -m set --match-set ssh-admins src -m comment --comment "ssh from the office" -j ACCEPT')
    print('-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j DROP')
print('-A FORWARD', lbfw)
print('-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD')
print('-A FORWARD', portals)
print('-A FORWARD', extern)
print('-A OUTPUT', lbfw)
print('-A OUTPUT', portals)
print('-A OUTPUT -j KUBE-FIREWALL')
if not v6:
    print('-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP')
print('-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP')
print('-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT')
print('-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT')
print('\n'.join(reject + ['COMMIT']))
print('*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]')
for c in ('KUBE-KUBELET-CANARY', 'KUBE-MARK-MASQ', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-PROXY-CANARY', 'KUBE-SERVICES', 'POD-MASQ') + tuple(chains):
    print(':%s - [0:0]' % c)
for c in ('PREROUTING', 'OUTPUT'):
    print('-A %s -m comment --comment "kubernetes service portals" -j KUBE-SERVICES' % c)
print('-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING')
print('-A POSTROUTING -m addrtype ! --dst-type LOCAL -m comment --comment "pods to the outside" -j POD-MASQ')
inside = ('fd00:10:244::/48', 'fd00:168:10::/64') if v6 else ('10.244.0.0/16', '192.168.10.0/24')
for net in inside:
    print('-A POD-MASQ -d %s -m comment --comment "not inside the cluster" -j RETURN' % net)
print('-A POD-MASQ -s %s -j MASQUERADE' % pods)
print('-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000')
print('-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN')
print('-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0')
print('-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully')
print('\n'.join(ports + nat))
local = '-d ::1/128' if v6 else '-d 127.0.0.0/8'
print('-A KUBE-SERVICES %s-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS' % ('! %s ' % local if v6 else ''))
print('COMMIT')
PYTHON
}
rules 4 | iptables-nft-restore
rules 6 | ip6tables-nft-restore

# Real traffic: every endpoint listens; clients keep their connections open while the node is captured.
cat >/run/netns/.server.py <<'PYTHON'
import socket, sys, threading, time
def tcp(a, p):
    s = socket.socket(socket.AF_INET6 if ':' in a else socket.AF_INET); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((a, p)); s.listen(8); held = []
    while True:
        c, _ = s.accept(); held.append(c); c.sendall(b'hello\n')
def udp(a, p):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((a, p))
    while True:
        d, peer = s.recvfrom(512); s.sendto(d, peer)
for w in sys.argv[1:]:
    k, a, p = w.split(','); threading.Thread(target=tcp if k == 'tcp' else udp, args=(a, int(p)), daemon=True).start()
time.sleep(30)
PYTHON
cat >/run/netns/.client.py <<'PYTHON'
import socket, sys, time
held = []
for w in sys.argv[1:]:
    k, src, sp, dst, dp = w.split(',')
    s = socket.socket(socket.AF_INET6 if ':' in dst else socket.AF_INET, socket.SOCK_STREAM if k == 'tcp' else socket.SOCK_DGRAM)
    s.settimeout(2); s.bind((src, int(sp))); held.append(s)
    try:
        s.connect((dst, int(dp)))
        if k == 'udp': s.send(b'query')
        s.recv(64)
    except OSError as e:
        print('client %s: %s' % (w, e), file=sys.stderr)
time.sleep(20)
PYTHON
run() { ns=$1; shift; ip netns exec "$ns" python3 "$@" & started="${started-} $!"; }
run fabric /run/netns/.server.py tcp,192.168.10.10,6443 udp,10.244.0.2,53 udp,10.244.0.3,53 tcp,10.244.2.10,8080 \
  tcp,10.244.2.11,9090 tcp,10.244.2.12,5432
run web-7c9d /run/netns/.server.py tcp,10.244.1.10,8080 tcp,fd00:10:244:1::a,8080
run web-b41e /run/netns/.server.py tcp,10.244.1.11,8080 tcp,fd00:10:244:1::b,8080
run api-0f3d /run/netns/.server.py tcp,10.244.1.12,9090
run edge-9a61 /run/netns/.server.py tcp,10.244.1.13,8443
sleep 1
run fabric /run/netns/.client.py tcp,203.0.113.50,51514,192.168.10.11,30443 tcp,192.168.10.77,40112,192.168.10.11,30080
run web-7c9d /run/netns/.client.py udp,0.0.0.0,48231,10.96.0.10,53 tcp,0.0.0.0,36010,10.96.77.3,9090 tcp,0.0.0.0,36822,10.96.0.1,443
run api-0f3d /run/netns/.client.py tcp,0.0.0.0,52114,10.96.120.9,5432 udp,0.0.0.0,33977,10.96.0.10,53
sleep 2
sh "$here/capture-node.sh" -b nft "$out"
chmod 644 "$out"/*
chmod 755 "$out"
for pid in $started; do kill "$pid" 2>/dev/null || true; done
wait 2>/dev/null || true
