# Plays steps in a network namespace of its own: shell lines, packets written into TUN interfaces, iptables' own dumps.
# Reads JSON from stdin: {"links": [[name, [address, ...]], ...], "steps": [...]}; prints one JSON line a step.
#   {"sh": text, "stdin"?: text}         -> {"out": stdout, "status": n}
#   {"link": name, "packet": hex}        -> {"frames": [[link, hex], ...]}: what left by any link meanwhile
#   {"packet": hex, "local": true}       -> likewise, sent by this host (raw socket)
# A write to a TUN device takes the whole way in the writer's context, so its frames are there when it returns.
import fcntl, json, os, socket, struct, subprocess, sys, ctypes

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000

if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
    sys.exit("no network namespace")
spec = json.load(sys.stdin)
env = dict(os.environ, LC_ALL="C", XTABLES_LOCKFILE="/tmp/.nodeplane.xtables.%d.lock" % os.getpid())


def sh(text, stdin=""):
    run = subprocess.run(["sh", "-c", text], input=stdin, capture_output=True, text=True, env=env)
    return {"out": run.stdout, "err": run.stderr, "status": run.returncode}


def setting(key, value):
    try:
        with open("/proc/sys/" + key, "w") as f:
            f.write(value)
    except OSError:
        pass


for key, value in [
    ("net/ipv4/ip_forward", "1"), ("net/ipv6/conf/all/forwarding", "1"), ("net/ipv6/conf/default/accept_dad", "0"),
    ("net/ipv6/conf/all/accept_dad", "0"), ("net/ipv6/conf/default/addr_gen_mode", "1"),
    ("net/ipv4/icmp_ratelimit", "0"), ("net/ipv6/icmp/ratelimit", "0"), ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"), ("net/ipv4/conf/default/rp_filter", "0"), ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv6/conf/default/mldv1_unsolicited_report_interval", "0"),
]:
    setting(key, value)
sh("ip link set lo up")
links = {}
for name, addresses in spec["links"]:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    links[name] = fd
    sh("ip link set %s up" % name)
    for address in addresses:
        sh("ip addr add %s dev %s" % (address, name))


def frames():
    found = []
    for name, fd in links.items():
        while True:
            try:
                frame = os.read(fd, 65536)
            except BlockingIOError:
                break
            found.append([name, frame.hex()])
    return found


def send(packet):
    v6 = packet[0] >> 4 == 6
    family = socket.AF_INET6 if v6 else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_RAW, 255)
    if v6:
        raw.setsockopt(socket.IPPROTO_IPV6, 36, 1)  # IPV6_HDRINCL
        to = (socket.inet_ntop(family, packet[24:40]), 0, 0, 0)
    else:
        to = (socket.inet_ntoa(packet[16:20]), 0)
    try:
        raw.sendto(packet, to)
    except OSError:
        pass
    raw.close()


frames()
for step in spec["steps"]:
    if "sh" in step:
        answer = sh(step["sh"], step.get("stdin", ""))
        frames()
    else:
        packet = bytes.fromhex(step["packet"])
        frames()
        if step.get("local"):
            send(packet)
        else:
            os.write(links[step["link"]], packet)
        answer = {"frames": frames()}
    print(json.dumps(answer), flush=True)
