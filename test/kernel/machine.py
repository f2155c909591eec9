"""A network namespace of the running kernel, driven over stdin and stdout: one JSON request a line, one JSON answer a line.

Owns the kernel's side only: interfaces (TAP), packets in and out of them, sockets of local senders, what the probes log,
conntrack by netlink, the dumps. What packets mean is not known here: they are bytes in hex.
Writing to a TAP device runs the packet's whole way before the write returns, so nothing is ever waited for.
"""
import ctypes
import errno
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

import netlink

NEWNET = 0x40000000
TUNSETIFF, TAP, NO_PI = 0x400454CA, 2, 0x1000
MARK, TRANSPARENT4, TRANSPARENT6, PKTINFO4, PKTINFO6 = 36, 19, 75, 8, 50
COARSE = 6  # the clock that advances with the kernel's jiffies
LIBC = ctypes.CDLL(None, use_errno=True)
ENV = dict(os.environ, LC_ALL="C", XTABLES_LOCKFILE="/tmp/nodeplane.xtables.%d" % os.getpid())


class Failure(Exception):
    pass


def run(args, text=None, must=True):
    done = subprocess.run(args, input=text, capture_output=True, text=True, env=ENV, timeout=60)
    if must and done.returncode:
        raise Failure("%s: %s" % (" ".join(args), done.stderr.strip()[:2000]))
    return done


def now():
    return time.clock_gettime(COARSE)


def set_sysctl(key, value):
    """Dots between the parts, a slash for a dot inside a part. False: refused."""
    path = "/proc/sys/" + key.translate({46: "/", 47: "."})
    try:
        with open(path, "w") as file:
            file.write(value)
        return True
    except OSError:
        return False


class Machine:
    """One namespace. The one before is left behind, and the kernel removes it when its last file is closed."""

    def __init__(self):
        self.taps = {}
        self.senders = {}
        self.logs = []
        self.ct = None
        self.start = 0

    def close(self):
        for fd in self.taps.values():
            os.close(fd)
        for sender in self.senders.values():
            sender.close()
        for log in self.logs:
            log.close()
        if self.ct:
            self.ct.close()
        self.__init__()

    # ---- making it
    def setup(self, r):
        self.close()
        if LIBC.unshare(NEWNET):
            raise Failure("unshare: " + os.strerror(ctypes.get_errno()))
        refused = []
        for key, value in r["before"]:
            set_sysctl(key, value)
        run(["nft", "-f", "-"], r["probes"])
        self.logs = [netlink.Log(r["group"])]
        for link in r["links"]:
            if link["kind"] == "tap":
                fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
                fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", link["name"].encode(), TAP | NO_PI))
                self.taps[link["name"]] = fd
            else:
                run(["ip", "link", "add", link["name"], "type", "bridge", "mcast_snooping", "0", "stp_state", "0",
                     "forward_delay", "0"])
        self.epoll = select.epoll()
        self.names = {}
        for name, fd in self.taps.items():
            self.epoll.register(fd, select.EPOLLIN)
            self.names[fd] = name
        for family, lines in r["ip"]:
            if lines:
                done = run(["ip", family, "-force", "-batch", "-"], "\n".join(lines) + "\n", False)
                refused += [line for line in done.stderr.splitlines() if line and not line.startswith("Command failed")]
        for key, value in r["after"]:
            if not set_sysctl(key, value):
                refused.append("sysctl " + key)
        if r["sets"]:
            run(["ipset", "restore"], r["sets"])
        for command, text in r["rules"]:
            run(command, text)
        if r["traced"] == "nft":
            self.logs.append(netlink.RuleTrace())
        elif r["traced"] == "legacy":
            for family in ("2", "10"):
                if not set_sysctl("net.netfilter.nf_log." + family, "nfnetlink_log"):
                    raise Failure("nf_log %s: cannot be set" % family)
            self.logs.append(netlink.Log(0))
        self.ct = netlink.Conntrack()
        self.links = {socket.if_nametoindex(n): n for n in ["lo"] + [link["name"] for link in r["links"]]}
        files = {name: run(command, None, False).stdout for name, command in r["dumps"]}
        self.start = now()
        if r["members"]:
            run(["ipset", "restore"], r["members"])
        for entry in r["connections"]:
            error = self.ct.add(entry)
            if error:
                refused.append("connection: " + os.strerror(error))
        self.drain()
        return {"files": files, "refused": refused}

    def drain(self):
        self.frames()
        for log in self.logs:
            log.read()

    # ---- packets
    def frames(self):
        out = []
        while True:
            ready = self.epoll.poll(0)
            if not ready:
                return out
            for fd, _ in ready:
                try:
                    while True:
                        frame = os.read(fd, 70000)
                        if frame[12:14] in (b"\x08\x00", b"\x86\xdd"):
                            out.append([self.names[fd], frame.hex()])
                except BlockingIOError:
                    pass

    def sender(self, v6, uid, gid):
        """A raw socket whose file belongs to this owner."""
        key = (v6, uid, gid)
        if key not in self.senders:
            LIBC.setfsgid(gid)
            LIBC.setfsuid(uid)
            try:
                s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            finally:
                LIBC.setfsuid(0)
                LIBC.setfsgid(0)
            if v6:
                s.setsockopt(socket.IPPROTO_IPV6, TRANSPARENT6, 1)
            else:
                s.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
                s.setsockopt(socket.IPPROTO_IP, TRANSPARENT4, 1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            self.senders[key] = s
        return self.senders[key]

    def emit(self, r, packet):
        if r["iface"] != "local":
            os.write(self.taps[r["iface"]], packet)
            return
        v6 = packet[0] >> 4 == 6
        s = self.sender(v6, r["uid"], r["gid"])
        s.setsockopt(socket.SOL_SOCKET, MARK, struct.pack("=I", r["mark"]))
        if v6:
            info = (socket.IPPROTO_IPV6, PKTINFO6, packet[8:24] + bytes(4))
            s.sendmsg([packet], [info], 0, (socket.inet_ntop(socket.AF_INET6, packet[24:40]), 0, 0, 0))
        else:
            info = (socket.IPPROTO_IP, PKTINFO4, bytes(4) + packet[12:16] + bytes(4))
            s.sendmsg([packet], [info], 0, (socket.inet_ntop(socket.AF_INET, packet[16:20]), 0))

    def clock(self):
        """Milliseconds since the start, as the kernel's own clock of 250 Hz counts them."""
        return round((now() - self.start) * 250) * 4

    def send(self, r):
        wait = self.start + r["at"] / 1000 - now()
        if wait > 0:
            time.sleep(wait)
        packet = bytes.fromhex(r["hex"])
        fault = None
        before = self.clock()
        try:
            self.emit(r, packet)
        except OSError as e:
            fault = errno.errorcode.get(e.errno, str(e.errno))
        after = self.clock()
        frames = self.frames()
        logs = [[x[0], self.links.get(x[1], ""), self.links.get(x[2], ""), x[3], x[4]] for x in self.logs[0].read()]
        trace = self.logs[1].read() if len(self.logs) > 1 else []
        if trace and isinstance(self.logs[1], netlink.Log):
            trace = [[x[0], x[4][:200]] for x in trace if x[0].startswith("TRACE: ")]
        found = [self.ct.get(r["tuple"], zone) for zone in r["zones"]] if r["tuple"] else []
        return {"at": before, "until": after, "fault": fault, "frames": frames, "logs": logs,
                "trace": trace, "ct": [entry for entry in found if entry]}

    def attempt(self, r):
        """Commands in a fresh namespace, each with its input: what each complained of, or ''."""
        self.close()
        if LIBC.unshare(NEWNET):
            raise Failure("unshare: " + os.strerror(ctypes.get_errno()))
        out = []
        for command, text in r["commands"]:
            done = run(command, text, False)
            out.append(done.stderr.strip() or "failed" if done.returncode else "")
        return {"complaints": out}

    def end(self, r):
        out = {name: run(command, None, False).stdout for name, command in r["dumps"]}
        before = self.clock()
        entries = self.ct.dump()
        return {"files": out, "conntrack": entries, "at": before, "until": self.clock(), "late": len(self.frames())}


def main():
    # One processor, known to the packets: what `cpu` compares with.
    cpus = sorted(os.sched_getaffinity(0))
    cpu = cpus[os.getpid() % len(cpus)]
    os.sched_setaffinity(0, {cpu})
    machine = Machine()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(machine, request["op"])(request)
            answer["cpu"] = cpu
        except (Failure, subprocess.TimeoutExpired) as e:
            answer = {"failure": str(e)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


try:
    main()
finally:
    try:
        os.unlink(ENV["XTABLES_LOCKFILE"])
    except OSError:
        pass
