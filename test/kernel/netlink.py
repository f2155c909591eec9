"""The netlink sockets of the kernel's netfilter: its log, its rule trace, its connections. Spec: linux/netfilter/nfnetlink*.h,
nf_tables.h. Owns messages and attributes; what they say is given on as numbers, text and hex."""
import os
import socket
import struct

NETFILTER = 12
LOG, TABLES, CT = 4, 10, 1
NO_ENOBUFS, ADD_MEMBERSHIP, SOL_NETLINK, RCVBUFFORCE = 5, 1, 270, 33
REQUEST, ACK, DUMP, CREATE, EXCLUSIVE = 1, 4, 0x300, 0x400, 0x200
NESTED = 0x8000
STATES = {
    6: "NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE SYN_SENT2".split(),
    132: "NONE CLOSED COOKIE_WAIT COOKIE_ECHOED ESTABLISHED SHUTDOWN_SENT SHUTDOWN_RECD SHUTDOWN_ACK_SENT "
         "HEARTBEAT_SENT".split(),
}


def attribute(kind, data):
    size = 4 + len(data)
    return struct.pack("=HH", size, kind) + data + bytes(-size % 4)


def attributes(data):
    out, at = {}, 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if size < 4:
            break
        out[kind & 0x3FFF] = data[at + 4:at + size]
        at += (size + 3) & ~3
    return out


def number(data):
    return int.from_bytes(data, "big") if data is not None else 0


def text(data):
    return (data or b"").rstrip(b"\0").decode("utf-8", "replace")


def messages(data):
    at = 0
    while at + 16 <= len(data):
        size, kind, _, seq, _ = struct.unpack_from("=IHHII", data, at)
        if size < 16:
            break
        yield kind, seq, data[at + 16:at + size]
        at += (size + 3) & ~3


class Netlink:
    def __init__(self, room=1 << 20):
        self.s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETFILTER)
        self.s.bind((0, 0))
        self.s.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, room)
        self.seq = 0

    def close(self):
        self.s.close()

    def request(self, subsystem, kind, flags, body):
        """(error, payloads of the answers)."""
        self.seq += 1
        self.s.send(struct.pack("=IHHII", 16 + len(body), subsystem << 8 | kind, REQUEST | flags, self.seq, 0) + body)
        out = []
        while True:
            for answer, seq, payload in messages(self.s.recv(1 << 18)):
                if seq != self.seq:
                    continue
                if answer == 2:
                    return -struct.unpack_from("=i", payload)[0], out
                if answer == 3:
                    return 0, out
                out.append(payload)
                if not flags & (DUMP | ACK):
                    return 0, out

    def pending(self):
        while True:
            try:
                data = self.s.recv(1 << 18)
            except BlockingIOError:
                return
            yield from messages(data)


class Log(Netlink):
    """What rules log to a group, and what TRACE says (group 0)."""

    def __init__(self, group):
        super().__init__(32 << 20)
        self.s.setsockopt(SOL_NETLINK, NO_ENOBUFS, 1)
        head = struct.pack("!BBH", 0, 0, group)
        for option in (attribute(1, b"\x01"), attribute(2, struct.pack("!IBB", 0xFFFF, 2, 0)),
                       attribute(5, struct.pack("!I", 1))):
            error, _ = self.request(LOG, 1, ACK, head + option)
            if error:
                raise OSError(error, "NFLOG group %d: %s" % (group, os.strerror(error)))
        self.s.setblocking(False)

    def read(self):
        """[prefix, in, out, mark, packet in hex, hook], interfaces by number."""
        out = []
        for _, _, payload in self.pending():
            a = attributes(payload[4:])
            out.append([text(a.get(10)), number(a.get(4)), number(a.get(5)), number(a.get(2)), a.get(9, b"").hex()])
        return out


class RuleTrace(Netlink):
    """The trace of nf_tables: [`table:CHAIN:rule:N`, network header in hex]."""

    def __init__(self):
        super().__init__(32 << 20)
        self.rules = {}
        for family in (2, 10):
            counts = {}
            _, found = self.request(TABLES, 7, DUMP, struct.pack("!BBH", family, 0, 0))
            for payload in found:
                a = attributes(payload[4:])
                chain = (family, a[1], a[2])
                counts[chain] = counts.get(chain, 0) + 1
                self.rules[(family, a[1], number(a[3]))] = counts[chain]
        self.headers = {}
        self.s.setsockopt(SOL_NETLINK, NO_ENOBUFS, 1)
        self.s.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, 9)
        self.s.setblocking(False)

    def read(self):
        out = []
        for _, _, payload in self.pending():
            a = attributes(payload[4:])
            if 8 in a:
                self.headers[a.get(6)] = a[8].hex() + a.get(9, b"").hex()
            kind = number(a.get(4))
            if payload[0] not in (2, 10) or 2 not in a or (kind == 3 and 3 not in a):
                continue
            what = {1: "policy", 2: "return"}.get(kind)
            if kind == 3:
                what = "rule:%s" % self.rules.get((payload[0], a[1], number(a[3])), "?")
            if what:
                out.append(["%s:%s:%s" % (text(a[1]), text(a[2]), what), self.headers.get(a.get(6), "")])
        return out


def tuple_of(data):
    a = attributes(data)
    ip, proto = attributes(a[1]), attributes(a[2])
    v6 = 3 in ip
    address = socket.AF_INET6 if v6 else socket.AF_INET
    out = {"src": socket.inet_ntop(address, ip[3 if v6 else 1]), "dst": socket.inet_ntop(address, ip[4 if v6 else 2])}
    for kind, name in ((2, "sport"), (3, "dport"), (4, "icmp_id"), (5, "icmp_type"), (6, "icmp_code"), (7, "icmp_id"),
                       (8, "icmp_type"), (9, "icmp_code")):
        if kind in proto:
            out[name] = number(proto[kind])
    return proto[1][0], out


def counted(data):
    a = attributes(data)
    return {"packets": number(a[1]), "bytes": number(a[2])}


def connection(payload):
    a = attributes(payload[4:])
    proto, orig = tuple_of(a[1])
    out = {"family": "ipv6" if payload[0] == 10 else "ipv4", "protonum": proto, "timeout": number(a.get(7)),
           "orig": orig, "reply": tuple_of(a[2])[1], "status": number(a.get(3)), "mark": number(a.get(8)),
           "zone": number(a.get(18))}
    if 5 in a:
        out["helper"] = text(attributes(a[5]).get(1))
    if 9 in a and 10 in a:
        out["counted"] = {"orig": counted(a[9]), "reply": counted(a[10])}
    if 4 in a:
        for kind, inner in attributes(a[4]).items():
            states, at = (STATES[6], 1) if kind == 1 else (STATES[132], 1)
            if kind in (1, 3):
                out["state"] = states[attributes(inner)[at][0]]
    for kind, name in ((13, "zone_orig"), (14, "zone_reply")):
        inner = attributes(a[1] if name == "zone_orig" else a[2])
        if 3 in inner:
            out[name] = number(inner[3])
    return out


def tuple_attributes(t):
    v6 = ":" in t["src"]
    family = socket.AF_INET6 if v6 else socket.AF_INET
    ip = b"".join(attribute(kind + (2 if v6 else 0), socket.inet_pton(family, t[side])) for kind, side in ((1, "src"), (2, "dst")))
    proto = attribute(1, bytes([t["protonum"]]))
    if t["protonum"] in (1, 58):
        first = 4 if t["protonum"] == 1 else 7
        proto += attribute(first, struct.pack("!H", t["icmp_id"])) + attribute(first + 1, bytes([t["icmp_type"]]))
        proto += attribute(first + 2, bytes([t["icmp_code"]]))
    else:
        proto += attribute(2, struct.pack("!H", t.get("sport", 0))) + attribute(3, struct.pack("!H", t.get("dport", 0)))
    return (10 if v6 else 2), attribute(1 | NESTED, ip) + attribute(2 | NESTED, proto)


class Conntrack(Netlink):
    def get(self, wanted, zone):
        """The connection that has this tuple in this zone, or None."""
        family, key = tuple_attributes(wanted)
        body = struct.pack("!BBH", family, 0, 0) + attribute(1 | NESTED, key)
        if zone:
            body += attribute(18, struct.pack("!H", zone))
        error, found = self.request(CT, 1, 0, body)
        return connection(found[0]) if not error and found else None

    def add(self, entry):
        """A confirmed connection from now on; an error number, or 0."""
        family, orig = tuple_attributes(entry["orig"])
        body = struct.pack("!BBH", family, 0, 0) + attribute(1 | NESTED, orig)
        body += attribute(2 | NESTED, tuple_attributes(entry["reply"])[1])
        for kind, name in ((3, "status"), (7, "timeout"), (8, "mark")):
            body += attribute(kind, struct.pack("!I", entry[name]))
        if entry.get("state"):
            tcp = entry["orig"]["protonum"] == 6
            state = STATES[6 if tcp else 132].index(entry["state"])
            body += attribute(4 | NESTED, attribute((1 if tcp else 3) | NESTED, attribute(1, bytes([state]))))
        if entry.get("zone"):
            body += attribute(18, struct.pack("!H", entry["zone"]))
        return self.request(CT, 0, ACK | CREATE | EXCLUSIVE, body)[0]

    def dump(self):
        out = []
        for family in (2, 10):
            _, found = self.request(CT, 1, DUMP, struct.pack("!BBH", family, 0, 0))
            out += [connection(payload) for payload in found]
        return out
