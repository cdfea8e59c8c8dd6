# SPDX-License-Identifier: ISC
"""check_policy_service with servers that are none of the suite: by TCP and by
a socket with a name; one that goes and comes, and one that is never there."""
import os
import socket
import threading
import time

from lib.suite import Suite, free_port, wait_until
from lib.tap import main, test


class Server:
    """A policy server in a thread; `answer` is an action, or a function of the request."""

    def __init__(self, address):
        self.address, self.answer = address, "DUNNO"
        self.requests, self.connections, self.open = [], 0, []
        self.listen()

    def listen(self):
        if isinstance(self.address, str):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(self.address)
            os.chmod(self.address, 0o600)
            self.sock.listen()
        else:
            self.sock = socket.create_server(self.address)
        threading.Thread(target=self.accept, args=(self.sock,), daemon=True).start()

    def accept(self, sock):
        while True:
            try:
                peer, _ = sock.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(peer)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        file = peer.makefile("rb")
        while True:
            request = {}
            while (line := file.readline().decode()) not in ("\n", ""):
                name, _, value = line.rstrip("\n").partition("=")
                request[name] = value
            if not request:
                return
            self.requests.append(request)
            answer = self.answer(request) if callable(self.answer) else self.answer
            try:
                peer.sendall(f"action={answer}\n\n".encode())
            except OSError:
                return

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        for peer in self.open:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []
        if isinstance(self.address, str):
            os.unlink(self.address)


port, dead = free_port(), free_port()
tcp = Server(("127.0.0.1", port))
v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "smtpd_recipient_restrictions": f"reject_unauth_destination, check_policy_service inet:localhost:{port}",
    "smtpd_policy_service_retry_delay": "1s",
})
os.mkdir(v.path("box"))
os.chown(v.path("box"), 5000, 5000)
v.configure(virtual_mailbox_base=v.path("box"))
v.start()


def rcpt(sender="a@out.test", to="x@box.test"):
    s = v.socket()
    s.reply()
    s.say("EHLO client.test")
    s.say(f"MAIL FROM:<{sender}> SIZE=77")
    r = s.say(f"RCPT TO:<{to}>")
    s.say("QUIT")
    s.close()
    return r


@test("by TCP and a name: asked once a recipient, on one connection, and what it says is done")
def _(t):
    t.eq(rcpt()[:3], "250", "DUNNO")
    q = tcp.requests[-1]
    t.eq({k: q.get(k) for k in ("request", "protocol_state", "protocol_name", "client_address", "helo_name", "sender",
                                "recipient", "size", "server_address", "server_port")},
         {"request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP",
          "client_address": "127.0.0.1", "helo_name": "client.test", "sender": "a@out.test", "recipient": "x@box.test",
          "size": "77", "server_address": "127.0.0.1", "server_port": str(v.port)}, "what it is told")
    tcp.answer = "DEFER_IF_PERMIT Greylisted"
    t.eq(rcpt(), "450 4.7.1 <x@box.test>: Recipient address rejected: Greylisted", "greylisting")
    tcp.answer = lambda q: "REJECT" if q["sender"].startswith("bad") else "DUNNO"
    t.eq((rcpt("bad@out.test")[:3], rcpt("good@out.test")[:3]), ("554", "250"), "by the sender")
    t.eq(tcp.connections, 1, "one connection")
    t.ok(len({q["instance"] for q in tcp.requests}) == 4, "an instance for each transaction")


@test("50 sessions at once, each with its own answer")
def _(t):
    tcp.answer = lambda q: time.sleep(0.05) or ("REJECT " + q["sender"] if int(q["sender"][1:3]) % 2 else "OK")
    got = {}

    def one(i):
        got[i] = rcpt(f"s{i:02}@out.test")
    threads = [threading.Thread(target=one, args=(i,)) for i in range(50)]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    t.eq([i for i in range(50) if not (got[i][:3] == "250" if i % 2 == 0 else f"rejected: s{i:02}@out.test" in got[i])],
         [], "mixed up")
    tcp.answer = "DUNNO"


@test("it goes and comes: refused for now meanwhile, and never because of an old connection")
def _(t):
    tcp.close()
    wait_until("its connections are gone", lambda: not tcp.open)
    r = rcpt()
    t.eq(r, "451 4.3.5 <x@box.test>: Recipient address rejected: Server configuration problem", "down")
    v.wait_log(rf"warning: problem talking to server inet:localhost:{port}: Connection refused")
    tcp.listen()
    t.eq(rcpt()[:3], "250", "back")
    for peer in list(tcp.open):
        peer.shutdown(socket.SHUT_RDWR)
    before = len(v.log())
    t.eq(rcpt()[:3], "250", "a connection that was closed meanwhile costs nothing")
    t.ok("problem talking" not in v.log()[before:], "and says nothing")


@test("a socket below private/, one that master alone can reach; settings of one service")
def _(t):
    os.makedirs(os.path.join(v.queue, "private"), exist_ok=True)
    path = os.path.join(v.queue, "private", "policy")
    unix = Server(path)
    unix.answer = lambda q: "REJECT " + q["policy_context"]
    v.configure(smtpd_recipient_restrictions="reject_unauth_destination, check_policy_service "
                f"{{ inet:127.0.0.1:{dead}, try_limit=1, default_action=DUNNO }}, "
                "check_policy_service { unix:private/policy, policy_context=two }")
    v.stop()
    v.start()
    t.ok(rcpt().endswith("rejected: two"), "the first is down and passes, the second is asked")
    unix.close()


@test("what does not name a service is told, with the line")
def _(t):
    for bad, why in (("inet:x", "after inet: must stand host:port"), ("private/policy", "must be inet:host:port or unix:path"),
                     ("unix:", "the path of a socket")):
        v.configure(smtpd_recipient_restrictions=f"reject_unauth_destination, check_policy_service {bad}")
        r = v.valija("check")
        t.ok(r.returncode == 1 and why in r.err + r.out and "main.cf, line" in r.err + r.out, bad, r.err + r.out)


main(cleanup=v.close, evidence=lambda: v.log()[-5000:])
