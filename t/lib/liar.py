# SPDX-License-Identifier: ISC
"""liar: a resolver that answers each name of .test by its first label: wrong
in the way that the label says, or right when it is told to heal.

    liar = Liar(); liar.port; liar.healed = True
"""
import os
import socket
import struct
import threading

from lib.suite import free_port

A, NS, CNAME, MX = 1, 2, 5, 15
WAYS = ("silence", "garbage", "short", "wrongid", "wrongname", "wrongtype", "wrongport", "nocookie", "tc", "loop",
        "chain", "servfail", "refused", "notimp", "foreign", "lying", "slow")


def encode(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".") if p) + b"\0"


def parse(packet):
    """(id, name, type, the question's bytes) of a query."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
        at += 1 + packet[at]
    kind, = struct.unpack_from(">H", packet, at + 1)
    return struct.unpack_from(">H", packet)[0], ".".join(labels).lower(), kind, packet[12:at + 5]


def answer(number, question, records=(), rcode=0, flags=0):
    body = b"".join(encode(n) + struct.pack(">HHIH", t, 1, 1, len(d)) + d for n, t, d in records)
    return struct.pack(">6H", number, 0x8180 | flags | rcode, 1, len(records), 0, 0) + question + body


class Liar:
    def __init__(self):
        self.port = free_port()
        self.healed = False
        self.asked = 0
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.serve, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def serve(self):
        while True:
            try:
                packet, peer = self.udp.recvfrom(4096)
                self.asked += 1
                self.reply(packet, peer)
            except OSError:
                return

    def serve_tcp(self):
        """A truncated answer has no longer one."""
        while True:
            try:
                self.tcp.accept()[0].close()
            except OSError:
                return

    def truth(self, number, name, kind, question):
        if kind == MX:
            return answer(number, question, [(name, MX, struct.pack(">H", 10) + encode(f"host.{name}"))])
        if kind == A:
            return answer(number, question, [(name, A, socket.inet_aton("127.0.0.1"))])
        if name == "":
            return answer(number, question, [("", NS, encode("a.root"))])
        return answer(number, question)

    def reply(self, packet, peer):
        number, name, kind, question = parse(packet)
        way = name.split(".")[-2] if name.endswith(".test") and name.count(".") else "good"
        if self.healed or way not in WAYS:
            return self.udp.sendto(self.truth(number, name, kind, question), peer)
        true = self.truth(number, name, kind, question)
        data = {
            "silence": None,
            "garbage": os.urandom(100),
            "short": true[:7],
            "wrongid": struct.pack(">H", number ^ 1) + true[2:],
            "wrongname": self.truth(number, "bank.test", kind, encode("bank.test") + question[-4:]),
            "wrongtype": answer(number, question[:-4] + struct.pack(">HH", 16, 1)),
            "nocookie": struct.pack(">HH", number, 0x0100) + true[4:],  # a question, not an answer
            "tc": answer(number, question, flags=0x0200),
            "loop": answer(number, question, [(name, CNAME, encode("loop2.loop.test")),
                                              ("loop2.loop.test", CNAME, encode(name))]),
            "chain": answer(number, question, [(name, CNAME, encode(f"x{self.asked}.chain.test"))]),
            "servfail": answer(number, question, rcode=2),
            "refused": answer(number, question, rcode=5),
            "notimp": answer(number, question, rcode=4),
            "foreign": answer(number, question, [("bank.test", A, socket.inet_aton("127.0.0.1"))], rcode=2),
            "lying": true[:4] + struct.pack(">4H", 1, 9, 9, 9) + true[12:],  # counts of what is not there
            "slow": None,
            "wrongport": true,
        }[way]
        if way == "slow":  # but right
            threading.Timer(1, self.udp.sendto, (true, peer)).start()
        if data is not None:
            (self.other if way == "wrongport" else self.udp).sendto(data, peer)

    def close(self):
        self.udp.close()
        self.tcp.close()
        self.other.close()
