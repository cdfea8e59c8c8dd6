# SPDX-License-Identifier: ISC
"""The LMTP client (RFC 2033): over a socket in a directory and over TCP, a
reply for each recipient, sessions kept; servers that answer as they are told,
and a real Dovecot."""
import os
import re

from lib.peers import Dovecot
from lib.sink import Sink
from lib.suite import IS_ROOT, Suite, wait_until
from lib.tap import main, test

v = Suite(start=False, main_cf={
    "minimal_backoff_time": "300s", "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:x",
    "lmtp_destination_recipient_limit": "10", "lmtp_connect_timeout": "5s",
})
os.mkdir(v.path("run"))
named = Sink(lmtp=True, path=v.path("run", "named"))
other = Sink(lmtp=True, path=v.path("run", "other"))
inet = Sink(lmtp=True, host="127.0.0.1")
smtp = Sink()
v.master_cf += ("mine unix - - n - - lmtp\n    -o lmtp_lhlo_name=other.name.test\n    -o lmtp_assume_final=yes\n"
                "short unix - - n - - lmtp -o lmtp_connection_reuse_count_limit=1\n"
                "deaf unix - - n - - lmtp\n    -o lmtp_discard_lhlo_keywords=size -o lmtp_data_done_timeout=1s\n")
v.configure(virtual_transport="lmtp:unix:private/lmtp", my_sockets=f"unix:{v.base}/run/named",
            transport_maps=f"texthash:{v.conf}/transport")
v.write("transport", f"""
named.test lmtp:unix:{v.base}/run/named
other.test lmtp:unix:{v.base}/run/other
inet.test lmtp:inet:127.0.0.1:{inet.port}
bare.test lmtp:[127.0.0.1]:{inet.port}
name.test lmtp:inet:localhost:{inet.port}
mine.test mine:inet:127.0.0.1:{inet.port}
short.test short:inet:127.0.0.1:{inet.port}
deaf.test deaf:inet:127.0.0.1:{inet.port}
smtp.test lmtp:inet:127.0.0.1:{smtp.port}
gone.test lmtp:unix:private/nobody
""")
v.start()
os.makedirs(v.path("queue", "private"), exist_ok=True)
inside = Sink(lmtp=True, path=v.path("queue", "private", "lmtp"))


def send(*to, text="Subject: x\n\nx\n"):
    """What became of the first: program, relay, dsn, status, text."""
    v.send("s@out.test", list(to), text)
    return status(to[0])


def status(to):
    return v.wait_log(r"postfix/(\w+)\[\d+\]: .*to=<%s>,.* relay=(\S+), .*dsn=(\S+), status=(\w+) \((.*)\)$"
                      % re.escape(to))[-1].groups()


@test("a socket in private/, by virtual_transport")
def _(t):
    program, relay, dsn, state, text = send("one@box.test")
    t.eq((program, relay, dsn, state), ("lmtp", "mx.here.test[private/lmtp]", "2.0.0", "sent"), text)
    mail, to, content = inside.heard[-1]
    t.eq((mail, to), ("MAIL FROM:<s@out.test>", ["RCPT TO:<one@box.test>"]), "the envelope")
    t.ok(content.endswith(b"\r\n\r\nx\r\n") and content.startswith(b"Received:"), "the message", content)
    t.eq(inside.sessions[-1][1], "LHLO mx.here.test", "LHLO")


@test("sockets elsewhere: those that main.cf names, and no others")
def _(t):
    t.eq(send("u@named.test")[3], "sent", "named by a parameter")
    program, relay, dsn, state, text = send("u@other.test")
    t.eq((dsn, state), ("4.3.5", "deferred"), text)
    t.ok("Permission denied (a socket lies in private/, or a parameter of main.cf names it)" in text, "and says so", text)
    t.eq(len(other.sessions), 0, "nobody came")
    v.wait_log(r"smtp asks to connect to unix:\S+/run/other, which its configuration does not name: refused")
    program, relay, dsn, state, text = send("u@gone.test")
    t.eq((dsn, state), ("4.4.1", "deferred"), text)
    t.ok("connect to mx.here.test[private/nobody]: No such file or directory" in text, "nobody listens", text)


@test("over TCP: inet:host:port, [host]:port, a name; $inet_interfaces do not matter")
def _(t):
    for domain in ("inet.test", "bare.test"):
        program, relay, dsn, state, text = send(f"u@{domain}")
        t.eq((program, relay, state), ("lmtp", f"127.0.0.1[127.0.0.1]:{inet.port}", "sent"), text)
    v.configure(lmtp_host_lookup="native")
    v.reload()
    *_, state, text = send("u@name.test")
    t.eq(state, "sent", f"a name: {text}")


@test("a reply for each recipient")
def _(t):
    inside.rcpt = lambda line: "550 5.1.1 no such user" if "none" in line else "250 2.1.5 Ok"
    inside.end = lambda line: ("452 4.2.2 over quota" if "full" in line else "554 5.7.1 spam" if "spam" in line
                               else f"250 2.0.0 {line[8:]} Saved")
    send("a@box.test", "none@box.test", "full@box.test", "b@box.test", "spam@box.test")
    t.eq(status("a@box.test")[3:], ("sent", "250 2.0.0 <a@box.test> Saved"), "saved, with its own word")
    t.eq(status("b@box.test")[3:], ("sent", "250 2.0.0 <b@box.test> Saved"), "and another")
    t.eq(status("none@box.test")[2:4], ("5.1.1", "bounced"), "refused at RCPT")
    t.eq(status("full@box.test")[2:], ("4.2.2", "deferred", "host mx.here.test[private/lmtp] said: 452 4.2.2 over quota "
                                       "(in reply to end of DATA command)"), "not now")
    t.eq(status("spam@box.test")[2:4], ("5.7.1", "bounced"), "never")
    inside.rcpt = "550 5.1.1 none at all"
    t.eq(send("x@box.test", "y@box.test")[3], "bounced", "all refused at RCPT")
    inside.rcpt = "250 2.1.5 Ok"
    t.eq(send("after@box.test")[3], "sent", "and the session goes on")
    inside.end = "250 2.0.0 Ok"


@test("a server that leaves between its replies: who was answered is done, the others wait")
def _(t):
    inet.end = lambda line: "250 2.0.0 Ok" if "first" in line else ""
    send("first@inet.test", "second@inet.test")
    t.eq(status("first@inet.test")[3], "sent", "answered")
    program, relay, dsn, state, text = status("second@inet.test")
    t.eq((dsn, state), ("4.4.2", "deferred"), text)
    t.ok("message may be sent more than once" in text, "and says what that may mean", text)
    inet.end = "250 2.0.0 Ok"


@test("sessions are kept, up to lmtp_connection_reuse_count_limit; more recipients than a message may have")
def _(t):
    before = len(inside.sessions)
    for i in range(5):
        send(f"kept{i}@box.test")
    t.ok(len(inside.sessions) - before <= 1, "one session", len(inside.sessions) - before)
    before = len(inet.sessions)
    for i in range(3):
        send(f"u{i}@short.test")
    t.eq(len(inet.sessions) - before, 3, "as many as messages")
    before = len(inside.heard)
    v.send("s@out.test", [f"many{i}@box.test" for i in range(25)])
    v.wait_log(r"to=<many\d+@box\.test>,.* status=sent", 25)
    t.eq(sorted(len(to) for _m, to, _c in inside.heard[before:]), [5, 10, 10], "lmtp_destination_recipient_limit")


@test("lmtp_lhlo_name, lmtp_discard_lhlo_keywords, lmtp_assume_final, lmtp_data_done_timeout")
def _(t):
    send("u@mine.test")
    t.eq(inet.sessions[-1][1], "LHLO other.name.test", "the name")
    inet.extensions = ("PIPELINING", "8BITMIME", "SIZE 10")
    t.eq(send("u@deaf.test")[3], "sent", "no SIZE")
    inet.extensions = ("PIPELINING", "8BITMIME")
    with v.smtp() as s:
        s.ehlo()
        s.sendmail("s@box.test", ["final@mine.test"], "Subject: x\n\nx\n", rcpt_options=["NOTIFY=SUCCESS"])
        s.sendmail("s@box.test", ["relayed@inet.test"], "Subject: x\n\nx\n", rcpt_options=["NOTIFY=SUCCESS"])
    reports = {}
    for _mail, _to, content in wait_reports():
        text = content.decode()
        reports[re.search(r"Final-Recipient: rfc822; ?(\S+)", text).group(1)] = re.search(r"Action: (\w+)", text).group(1)
    t.eq(reports, {"final@mine.test": "delivered", "relayed@inet.test": "relayed"}, "what is reported")
    inet.pause = 3
    program, relay, dsn, state, text = send("slow@deaf.test")
    t.eq((dsn, state), ("4.4.2", "deferred"), text)
    inet.pause = 0


def wait_reports():
    """The two notifications of success, which go to s@box.test by LMTP too."""
    v.wait_log(r"to=<s@box\.test>,.* status=sent", 2)
    return [h for h in inside.heard if b"Action: " in h[2]]


@test("a server that speaks SMTP")
def _(t):
    program, relay, dsn, state, text = send("u@smtp.test")
    t.eq((program, dsn, state), ("lmtp", "4.3.5", "deferred"), text)
    t.ok("refused to talk to me: 500 5.5.1 wrong protocol" in text, "is told apart", text)


if IS_ROOT:
    @test("a real Dovecot: known users get their mail, unknown ones are refused, byte for byte")
    def _(t):
        dovecot = Dovecot(v.base, v.path("queue", "private", "dovecot"), ["joe", "ann"])
        v.configure(virtual_transport="lmtp:unix:private/dovecot")
        v.reload()
        try:
            wait_until("the new qmgr", lambda: "[private/dovecot]" in send(f"x{os.urandom(4).hex()}@box.test")[1])
            body = "caf\xe9\n.dot\n\n" + 2000 * "x" + "\n"
            v.send("s@out.test", ["joe@box.test", "nobody@box.test", "ann@box.test"],
                   ("Subject: real\n\n" + body).encode("latin-1").replace(b"\n", b"\r\n"))
            for user in ("joe", "ann"):
                program, relay, dsn, state, text = status(f"{user}@box.test")
                t.eq((program, state), ("lmtp", "sent"), text)
                t.ok(f"<{user}@box.test>" in text and "Saved" in text, "Dovecot's word for each", text)
                [got] = dovecot.messages(user)
                t.eq(got.split(b"\n\n", 1)[1], body.encode("latin-1"), f"{user}'s message")
                t.ok(got.startswith(b"Return-Path: <s@out.test>\n"), "Dovecot's own line", got[:200])
            program, relay, dsn, state, text = status("nobody@box.test")
            t.eq((dsn, state), ("5.1.1", "bounced"), text)
            for i in range(20):
                v.send("s@out.test", ["joe@box.test"], f"Subject: {i}\n\nx\n")
            t.eq(len(dovecot.messages("joe", 21)), 21, "and twenty more")
        finally:
            dovecot.close()


def close():
    v.close()
    for sink in (inside, named, other, inet, smtp):
        sink.close()


main(cleanup=close, evidence=lambda: v.log()[-3000:])
