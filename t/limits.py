# SPDX-License-Identifier: ISC
"""Bounds at their edge: what a client, a disk or a silent server may use up,
and the defined reply when it has."""
import contextlib
import fcntl
import os
import socket
import subprocess
import threading
import time

from lib.suite import Line, Suite, wait_until
from lib.tap import main, test

v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "maximal_backoff_time": "2s", "minimal_backoff_time": "1s", "queue_run_delay": "1s"})
os.mkdir(v.path("box"))
os.chown(v.path("box"), 5000, 5000)
v.configure(virtual_mailbox_base=v.path("box"))
v.start()


def session(*lines):
    """The replies, in turn, the greeting first."""
    s = v.socket()
    try:
        return [s.reply()] + [s.say(line) for line in lines]
    finally:
        s.close()


@test("message_size_limit: by SIZE at MAIL, and by what comes")
def _(t):
    v.configure(message_size_limit="20000")
    v.reload()
    replies = session("EHLO c.test", "MAIL FROM:<a@c.test> SIZE=20001", "MAIL FROM:<a@c.test> SIZE=20000",
                      "RCPT TO:<in@box.test>", "DATA", "x" * 900 + ("\r\n" + "x" * 900) * 30 + "\r\n.", "NOOP")
    t.ok("250-SIZE 20000" in replies[1], "announced", replies)
    t.ok(replies[2].startswith("552 5.3.4 "), "declared too large", replies)
    t.ok(replies[3].startswith("250 ") and replies[6].startswith("552 5.3.4 "), "is too large", replies)
    t.ok(replies[7].startswith("250 "), "and the session goes on", replies)
    v.configure(message_size_limit=None)
    v.reload()


@test("queue_minfree: a disk with less is no place for mail, and one with more is")
def _(t):
    free = os.statvfs(v.queue)
    v.configure(queue_minfree=str(free.f_bavail * free.f_frsize * 2))
    v.reload()
    replies = session("EHLO c.test", "MAIL FROM:<a@c.test>", "QUIT")
    t.ok(replies[2].startswith("452 4.3.1 "), "452 at MAIL", replies)
    v.configure(queue_minfree="1000000")
    v.reload()
    replies = session("EHLO c.test", "MAIL FROM:<a@c.test>", "QUIT")
    t.ok(replies[2].startswith("250 "), "taken again", replies)
    v.configure(queue_minfree=None)
    v.reload()


@test("smtpd_client_connection_count_limit: one client too often is told so, another is not")
def _(t):
    v.configure(smtpd_client_connection_count_limit="3", mynetworks="127.0.0.99/32")
    v.reload()
    with contextlib.ExitStack() as stack:
        held = []
        for _ in range(3):
            s = v.socket()
            stack.callback(s.close)
            held.append(s.reply())
        t.ok(all(r.startswith("220 ") for r in held), "three are greeted", held)
        t.ok(session()[0].startswith("421 4.7.0 "), "the fourth is not")
        v.wait_log(r"warning: Connection concurrency limit exceeded: 4 from \S+ for service \S+")
        other = Line(socket.create_connection(("127.0.0.1", v.port), 30, source_address=("127.0.0.5", 0)))
        stack.callback(other.close)
        t.ok(other.reply().startswith("220 "), "another client is greeted")
    wait_until("a place is free", lambda: session()[0].startswith("220 "))
    v.configure(smtpd_client_connection_count_limit="0", mynetworks="127.0.0.0/8")
    v.reload()


@test("smtpd_soft_error_limit, smtpd_hard_error_limit: slower, then the end")
def _(t):
    v.configure(smtpd_soft_error_limit="2", smtpd_hard_error_limit="4", smtpd_error_sleep_time="1s")
    v.reload()
    s = v.socket()
    s.reply()
    times = []
    for n in range(4):
        start = time.monotonic()
        last = s.say("WRONG")
        times.append(time.monotonic() - start)
    t.ok(min(times[:2]) < 0.9 <= times[2], "when it slows down", times)
    t.ok(last.startswith("502 ") and s.reply().startswith("421 4.7.0 ") and s.reply() == "", "and ends", last)
    v.wait_log(r"too many errors after \w+ from")
    s.close()
    v.configure(smtpd_soft_error_limit=None, smtpd_hard_error_limit=None, smtpd_error_sleep_time=None)
    v.reload()


@test("smtpd_timeout: a client that says nothing")
def _(t):
    v.configure(smtpd_timeout="1s")
    v.reload()
    s = v.socket()
    s.reply()
    t.ok(s.reply().startswith("421 4.4.2 "), "before a command")
    s.close()
    s = v.socket()
    s.reply()
    for line in ("EHLO c.test", "MAIL FROM:<a@c.test>", "RCPT TO:<in@box.test>", "DATA"):
        s.say(line)
    s.raw(b"Subject: half\r\n")
    t.ok(s.reply().startswith("421 4.4.2 "), "within DATA")
    s.close()
    v.wait_log(r"timeout after DATA \(\d+ bytes\) from")
    v.configure(smtpd_timeout=None)
    v.reload()


def limit_files(pid, number):
    """As the process's own user, who may: root of a container may not."""
    who = os.stat(f"/proc/{pid}")
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={number}:"], check=True, user=who.st_uid, group=who.st_gid,
                   extra_groups=[])


@test("no descriptor left: a client is told so, those who are there go on, and it ends well")
def _(t):
    [pid] = [p for p, name in v.pids().items() if name == "smtpd"]
    there = v.socket()
    there.reply()
    used = len(os.listdir(f"/proc/{pid}/fd"))
    limit_files(pid, used + 5)
    held, words = [], []
    try:
        for _ in range(12):
            s = socket.create_connection(("127.0.0.1", v.port), 30)
            held.append(s)
        for s in held:
            words.append(s.recv(200).decode())
        t.ok(sum(w.startswith("220 ") for w in words) >= 1, "some are greeted", words)
        t.ok(sum(w.startswith("421 4.3.2 ") for w in words) >= 3, "some are told to come again", words)
        v.wait_log(r"warning: no descriptor left: a client is turned away")
        t.ok(there.say("EHLO c.test").startswith("250"), "who was there goes on")
    finally:
        limit_files(pid, 1024)
        for s in held:
            s.close()
    t.ok(session("NOOP")[1].startswith("250 "), "and others come again")
    t.ok(there.say("NOOP").startswith("250 "), "who was there, still")
    there.close()
    t.ok(pid in v.pids(), "by the same process")


class Silent:
    """A server that says what it is told to, and from then on nothing."""

    def __init__(self, *replies):
        self.replies = replies
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                s, _ = self.server.accept()
                threading.Thread(target=self.talk, args=(s,), daemon=True).start()

    def talk(self, s):
        with contextlib.suppress(OSError):
            f = s.makefile("rwb", buffering=0)
            for n, reply in enumerate(self.replies):
                if n > 0:
                    f.readline()
                f.write(reply + b"\r\n")
            while s.recv(65536):
                pass

    def close(self):
        self.server.close()


STEPS = (
    # what it says before it falls silent, the parameter, the words of the log
    ((), "smtp_helo_timeout", r"while receiving the initial server greeting"),
    ((b"220 x ESMTP",), "smtp_helo_timeout", r"while performing the EHLO handshake"),
    ((b"220 x ESMTP", b"250 x"), "smtp_mail_timeout", r"while sending MAIL FROM"),
    ((b"220 x ESMTP", b"250 x", b"250 ok"), "smtp_rcpt_timeout", r"while sending RCPT TO"),
    ((b"220 x ESMTP", b"250 x", b"250 ok", b"250 ok"), "smtp_data_init_timeout", r"while sending DATA command"),
    ((b"220 x ESMTP", b"250 x", b"250 ok", b"250 ok", b"354 go"), "smtp_data_done_timeout",
     r"while sending end of data -- message may be sent more than once"),
)


@test("smtp_*_timeout: a server that falls silent at each step")
def _(t):
    silent = [Silent(*replies) for replies, _, _ in STEPS]
    ways = ", ".join(f"step{n}.test=smtp:[127.0.0.1]:{s.port}" for n, s in enumerate(silent))
    long = {parameter: "100s" for _, parameter, _ in STEPS}
    try:
        for n, (_, parameter, words) in enumerate(STEPS):
            v.configure(transport_maps=f"inline:{{{ways}}}", maximal_queue_lifetime="1d",
                        **{**long, parameter: "1s"})
            v.reload()
            v.send("a@out.test", [f"x@step{n}.test"])
            v.wait_log(rf"to=<x@step{n}\.test>, .*dsn=4\.4\.2, status=deferred \(conversation with 127\.0\.0\.1\[127\.0\.0\.1\] timed out {words}\)",
                       give_up=30)
    finally:
        for s in silent:
            s.close()
    v.run("postsuper", "-c", v.conf, "-d", "ALL")
    v.configure(**{parameter: None for _, parameter, _ in STEPS}, transport_maps=None)
    v.reload()


def mailbox(user):
    with open(os.path.join(v.mail, user)) as f:
        return f.read()


@test("a mailbox that another program has locked: by a dotlock, by fcntl; it waits, and is delivered")
def _(t):
    v.configure(deliver_lock_attempts="2", deliver_lock_delay="1s")
    v.reload()
    v.send("a@out.test", ["vt-alice@here.test"], "Subject: before\n\nx\n")
    v.wait_log(r"to=<vt-alice@here\.test>, .*status=sent")
    lock = os.path.join(v.mail, "vt-alice.lock")
    with open(lock, "w") as f:
        f.write("1\n")
    os.utime(lock)
    v.send("a@out.test", ["vt-alice@here.test"], "Subject: dotlock\n\nx\n")
    v.wait_log(r"to=<vt-alice@here\.test>, .*dsn=4\.\d\.\d, status=deferred")
    t.ok("dotlock" not in mailbox("vt-alice"), "not written meanwhile")
    os.unlink(lock)
    v.wait_log(r"to=<vt-alice@here\.test>, .*status=sent", count=2)
    t.ok("Subject: dotlock" in mailbox("vt-alice"), "written then")
    holder = os.path.join(v.mail, "vt-alice")
    with open(holder, "r+") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        v.send("a@out.test", ["vt-alice@here.test"], "Subject: fcntl\n\nx\n")
        v.wait_log(r"to=<vt-alice@here\.test>, .*dsn=4\.\d\.\d, status=deferred", count=2)
        t.ok("Subject: fcntl" not in mailbox("vt-alice"), "not written meanwhile")
    v.wait_log(r"to=<vt-alice@here\.test>, .*status=sent", count=3)
    t.ok("Subject: fcntl" in mailbox("vt-alice"), "written then")


@test("a user's process stays at most 5 s after its last mail")
def _(t):
    v.send("a@out.test", ["in@box.test"])
    uid = 5000

    def children():
        return [p for p in v.pids() if os.path.exists(f"/proc/{p}") and os.stat(f"/proc/{p}").st_uid == uid]
    v.maildir(v.path("box", "in"))
    t.ok(children(), "there is one")
    wait_until("it is gone", lambda: not children(), 5 + 10)


main(cleanup=v.close, evidence=lambda: v.log()[-5000:])
