# SPDX-License-Identifier: ISC
"""Others that lie, are slow, or vanish: resolvers, servers, clients.  Nothing
is lost, nothing is returned, and a message comes twice only where the answer
to it was lost."""
import os
import socket
import struct
import time

from lib.liar import WAYS, Liar
from lib.load import make_message
from lib.paths import Suites
from lib.sink import Sink
from lib.suite import wait_until
from lib.tap import main, test

LONG = bool(os.environ.get("T_LONG"))
BAD_SESSIONS = 2  # of each server, before it behaves
STAGES = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "middle", "dot")

suites = Suites()


@test("a resolver that lies in many ways defers, one that is slow delays, and nothing is returned")
def _(t):
    liar, sink = Liar(), Sink()
    v = suites.add(relayhost="", dns_resolvers=f"127.0.0.1:{liar.port}", smtp_tcp_port=str(sink.port),
                   inet_interfaces="127.0.0.2")
    try:
        v.start()
        # What is only silent takes all the time that a question may take.
        ways = [w for w in WAYS if LONG or w != "silence"]
        for way in ["good", *ways]:
            v.send(v.paths.sender, [f"x@{way}.test"])
        v.wait_log(r"to=<x@(?:good|slow)\.test>.*status=sent", 2)
        for way in ways:
            if way != "slow":
                v.wait_log(rf"to=<x@{way}\.test>.*dsn=4\.4\.\d, status=deferred", give_up=60)
        liar.healed = True
        v.run("postqueue", "-c", v.conf, "-f", check=True)
        for way in ways:
            v.wait_log(rf"to=<x@{way}\.test>.*status=sent", give_up=60)
        t.ok("status=bounced" not in v.log(), "nothing was returned")
        t.eq(len(sink.heard), len(ways) + 1, "each came once")
    finally:
        liar.close()
        sink.close()


class Fickle(Sink):
    """It ends (or stands still) at a stage in its first sessions."""

    def __init__(self, stage, stands_still):
        self.stage, self.stands_still, self.bad = stage, stands_still, 0
        super().__init__()

    def serve(self, sock, rfile, wfile, said):
        if self.bad >= BAD_SESSIONS:
            return super().serve(sock, rfile, wfile, said)
        self.bad += 1
        return super().serve(sock, Until(self, rfile, wfile), wfile, said)

    def vanish(self, rfile, wfile):
        if self.stands_still:
            while rfile.readline():
                pass
        else:
            wfile._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionResetError


class Until:
    """Lines of a client, up to the stage."""

    def __init__(self, sink, rfile, wfile):
        self.sink, self.rfile, self.wfile = sink, rfile, wfile
        self.in_data = False

    def __iter__(self):
        return self

    def __next__(self):
        stage = self.sink.stage
        line = self.rfile.readline()
        if not line:
            raise StopIteration
        is_here = line.startswith(stage.encode())
        if self.in_data:
            is_here = stage == "middle" or (stage == "dot" and line == b".\r\n")
            if line == b".\r\n":
                self.in_data = False
                if stage == "dot":  # taken, and it is not said
                    self.sink.heard.append((None, [], self.content))
            else:
                self.content += line
        elif line.startswith(b"DATA"):
            self.in_data, self.content = True, b""
        if stage == "connect" or is_here:
            self.sink.vanish(self.rfile, self.wfile)
        return line


@test("servers that vanish, or stand still, at every stage of a session")
def _(t):
    servers = {f"{stage.lower()}-{'still' if still else 'gone'}": Fickle(stage, still)
               for stage in STAGES for still in (False, True)}
    v = suites.add(transport_maps="inline:{ " + " ".join(
        f"{{ {name}.test = smtp:[127.0.0.1]:{s.port} }}" for name, s in servers.items()) + " }",
        **{f"smtp_{what}_timeout": "2s" for what in (
            "connect", "helo", "mail", "rcpt", "data_init", "data_xfer", "data_done", "quit", "rset")})
    v.start()
    try:
        for i, name in enumerate(servers):
            v.send(v.paths.sender, [f"x@{name}.test"], make_message(i, 3000))
        v.wait_empty(60)
        for name, server in servers.items():
            t.eq(server.bad, BAD_SESSIONS, f"{name}: it was tried again")
            copies = len(server.heard)
            may = 1 + (BAD_SESSIONS if name.startswith("dot") else 0)
            t.ok(1 <= copies <= may, f"{name}: once, or as often as the answer was lost", copies)
        t.ok("status=bounced" not in v.log(), "nothing was returned")
    finally:
        for server in servers.values():
            server.close()


def come_and_go(v, stage, stands_still):
    """A client that ends at a stage, or sends a byte now and then."""
    s = socket.create_connection(("127.0.0.1", v.port))
    content = make_message(10 ** 7, 500)
    said = [b"", b"EHLO x\r\n", b"MAIL FROM:<back@box.test>\r\n", b"RCPT TO:<virtual@box.test>\r\n", b"DATA\r\n",
            content[:300], content[300:] + b"."]
    for part in said[:STAGES.index(stage) + 1]:
        s.sendall(part)
        if part.endswith(b"\r\n") and not part.startswith(b"Subject"):
            s.recv(4096)
    if not stands_still:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    return s


@test("clients that vanish, or stand still, at every stage: no message of theirs, and no other one waits")
def _(t):
    v = suites.add(smtpd_timeout="5s")
    v.start()
    load = suites.load(v, "clients", sessions=3, pace=0.01)
    still = []
    for _round in range(50 if LONG else 10):
        for stage in STAGES:
            come_and_go(v, stage, False)
            still.append(come_and_go(v, stage, True))
    before, began = len(load.acked), time.monotonic()
    wait_until("mail is taken", lambda: len(load.acked) > before + 50)
    rate = 50 / (time.monotonic() - began)
    t.ok(rate > 20, "at 20 a second or more meanwhile", rate)

    def all_told():
        for s in list(still):
            s.setblocking(False)
            try:
                while s.recv(4096):
                    pass
                still.remove(s)
            except BlockingIOError:
                pass
            except OSError:
                still.remove(s)
        return not still
    wait_until("who stood still is turned out", all_told)
    load.stop()
    verdict = v.paths.judged(t, load.acked)
    t.eq(verdict.duplicates(), {}, "once")
    t.ok((10 ** 7, "box/virtual") not in verdict.copies, "none that was not sent to its end")


main(cleanup=suites.close, evidence=suites.evidence)
