# SPDX-License-Identifier: ISC
"""Our own trouble loses nothing and bounces nothing: calls that fail, a disk
that is full, programs that stand still, reloads, a resolver that is down."""
import os
import signal
import smtplib
import subprocess
import tempfile
import threading
import time

from lib.badcalls import BadCalls
from lib.disk import Disk
from lib.load import Load, files_in, judge
from lib.submission import Submission, plain, untrusting
from lib.suite import Suite, wait_until
from lib.tap import diag, main, test

LONG = bool(os.environ.get("T_LONG"))
ERRORS = 250 if LONG else 8  # of each kind of call and error
RELOADS = 200 if LONG else 10
BOXES = 3
EIO, ENOSPC = 5, 28

folder = tempfile.mkdtemp(prefix="valija-ledger-", dir="/dev/shm")
suites = []


def make_suite(base=None, **settings):
    v = Suite(base=base, start=False, main_cf={
        "virtual_mailbox_domains": "box.test",
        "virtual_mailbox_maps": "inline:{ " + " ".join(f"u{i}@box.test=u{i}/" for i in range(BOXES)) +
                                f" u{BOXES}@box.test=file }}",  # a mailbox file
        "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
        "alias_maps": "inline:{ postmaster=/dev/null }",  # who hears of sessions that saw our trouble
        "minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "queue_run_delay": "1s",
        "smtpd_client_connection_count_limit": "0", "smtpd_error_sleep_time": "0s",
        **settings})
    suites.append(v)
    v.box = v.path("box")
    os.mkdir(v.box)
    os.chown(v.box, 5000, 5000)
    v.configure(virtual_mailbox_base=v.box)
    v.has_alarm = lambda: "error: the queue's disk fails: no mail is taken until a flush succeeds" in v.log()
    return v


def start_load(v, name, **kw):
    return Load(v.port, lambda n: f"u{n % (BOXES + 1)}@box.test", os.path.join(folder, name), **kw).start()


def look(v, acked):
    return judge(acked, [os.path.join(v.box, f"u{i}") for i in range(BOXES)], [os.path.join(v.box, "file")])


def judged(t, v, acked):
    """After all is well again: all there, once unless the log says why."""
    v.wait_empty(120)
    verdict = look(v, acked)
    diag(f"{len(acked)} acknowledged: {verdict}")
    log = v.log()
    t.eq(len(verdict.lost), 0, "none lost")
    t.eq(len(verdict.empty), 0, "none empty")
    t.eq(len(verdict.altered), 0, "none altered")
    t.eq(verdict.untraced(log), {}, "each duplicate is an attempt that was interrupted")
    bounced = [line for line in log.splitlines() if "status=bounced" in line]
    t.eq(bounced[:3], [], "nothing is returned for trouble of our own")
    t.ok("Assertion" not in log, "no process fails by itself")


def let_fail(t, kinds, error):
    """{kind: calls that failed}, of a suite that has seen no failure before:
    the third flush in a minute ends its taking of mail."""
    v = make_suite()
    v.preload("badcalls.c")
    calls = BadCalls(v)
    v.start()
    load = start_load(v, "-".join(kinds) + str(error), sessions=5, pace=0.01)
    try:
        wait_until("mail is taken", lambda: len(load.acked) > 50)
        for kind in kinds:
            calls.fail(kind, 5 if kind == "append" else 20, error)
            deadline = time.monotonic() + (120 if LONG else 3)
            while calls.failed(kind) < ERRORS and time.monotonic() < deadline and not v.has_alarm():
                time.sleep(0.02)
            calls.fail(kind, 0, 0)
    finally:
        for kind in kinds:
            calls.fail(kind, 0, 0)
        load.stop()
    failed = {kind: calls.failed(kind) for kind in kinds}
    diag(f"failed with {os.strerror(error)}: {failed}")
    t.ok(len(load.acked) > 20, "mail was taken meanwhile", len(load.acked))
    judged(t, v, load.acked)
    return failed


@test(f"{ERRORS} calls of each of flush, write, rename, close, append fail, until mail is refused")
def _(t):
    for error in (EIO, ENOSPC):
        failed = let_fail(t, ("flush",), error)
        t.ok(failed["flush"] >= 3, "flushes failed", failed)
        failed = let_fail(t, ("append", "close", "rename", "write"), error)
        t.ok(failed["append"] >= 1, "appending failed", failed)
        t.ok(failed["close"] >= 1, "closes failed", failed)
        t.ok(failed["rename"] >= 1, "renames failed", failed)
        t.ok(failed["write"] >= 1, "writes failed", failed)


@test("one failed flush: 451, and the next is taken; the third within a minute: an alarm, and none is")
def _(t):
    v = make_suite()
    v.preload("badcalls.c")
    calls = BadCalls(v)
    v.start()
    v.send("a@out.test", ["u0@box.test"])
    v.wait_log("status=sent")

    codes = []
    while 451 not in codes and len(codes) < 20:  # some of the flushes are others'
        calls.fail("flush", 1, EIO, 1)
        codes.append(send_one(v))
    t.eq(codes[-1], 451, "to who waited for a flush that failed")
    t.ok(not v.has_alarm(), "no alarm at the first", codes)
    calls.fail("flush", 0, 0)
    codes.append(send_one(v))
    t.eq(codes[-1], 250, "the next")
    while not v.has_alarm() and len(codes) < 40:
        calls.fail("flush", 1, EIO, 3)
        codes.append(send_one(v))
    t.ok(v.has_alarm(), "the alarm", codes)
    t.ok(set(codes) <= {250, 451, 452}, "nothing else", codes)
    with v.smtp() as s:
        s.ehlo()
        t.eq(s.mail("a@out.test")[0], 452, "then")
    calls.fail("flush", 0, 0)
    v.wait_empty(60)
    t.ok(v.log().count("status=sent") >= 1 + codes.count(250), "each", codes)
    if LONG:
        v.wait_log(r"qmgr\[\d+\]: the queue's disk works again: mail is taken", give_up=100)
        t.eq(send_one(v), 250, "mail is taken again")


def send_one(v):
    """The answer to a message, or to its sender."""
    try:
        v.send("a@out.test", ["u0@box.test"])
        return 250
    except smtplib.SMTPResponseException as e:
        return e.smtp_code


@test("a disk that is full: 452, what is queued drains, and mail is taken when there is room", long=True)
def _(t):
    disk = Disk("ext4", 200)
    v = make_suite(base=disk.path, queue_minfree="20000000")
    try:
        v.start()
        load = start_load(v, "full")
        wait_until("mail is taken", lambda: len(load.acked) > 50)
        ballast = os.path.join(disk.path, "ballast")
        subprocess.run(["sh", "-c", f"cat /dev/zero > {ballast} 2>&1"], capture_output=True)
        wait_until("452 at MAIL", v.refuses)
        load.stop()
        os.unlink(ballast)
        wait_until("mail is taken again", lambda: not v.refuses(), 60)
        judged(t, v, load.acked)
        v.stop()
    finally:
        v.close()
        suites.remove(v)
        disk.close()


@test("each program stands still (SIGSTOP) for a while under load")
def _(t):
    v = make_suite()
    v.start()
    load = start_load(v, "stopped", sessions=5, pace=0.01)
    for kind in ("qmgr", "local", "mda", "dns", "lookup", "pickup", "smtpd", "master"):
        pids = [p for p, n in v.pids().items() if n == kind]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(5 if LONG else 0.5)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        before = len(load.acked)
        wait_until(f"mail after {kind} stood still", lambda: len(load.acked) > before + 10)
    load.stop()
    judged(t, v, load.acked)


class Still:
    """A program that stands still for a while."""

    def __init__(self, v, name):
        self.pids = wait_until(f"{name} runs", lambda: v.pids_of(name))

    def __enter__(self):
        self.send(signal.SIGSTOP)

    def __exit__(self, *_):
        self.send(signal.SIGCONT)

    def send(self, number):
        for pid in self.pids:
            os.kill(pid, number)


class Longest:
    """The longest time in which a load was told of no mail of its."""

    def __init__(self, load):
        self.load, self.most, self.ends = load, 0.0, False
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()

    def watch(self):
        n, since = len(self.load.acked), time.monotonic()
        while not self.ends:
            time.sleep(0.02)
            self.most = max(self.most, time.monotonic() - since)
            if len(self.load.acked) > n:
                n, since = len(self.load.acked), time.monotonic()


def timed(fn, *args):
    began = time.monotonic()
    result = fn(*args)
    return result, time.monotonic() - began


@test("keys, auth, memo stand still: who needs them has an answer in time, nobody else waits")
def _(t):
    v = make_suite()
    s = Submission(v)
    v.start()

    def session(*login):
        c = smtplib.SMTP("127.0.0.1", s.port, local_hostname="still.test", timeout=60)
        c.starttls(context=untrusting())
        c.ehlo()
        if login:
            t.eq(c.docmd("AUTH PLAIN " + plain(*login))[0], 235, f"{login[0]} logs in")
        return c

    def mail(c):
        return c.sendmail("ann@out.test", ["u0@box.test"], "Subject: still\n\nx\n")

    ann = s.logins[0]
    try:
        busy, late = session(*ann), session()
        load = start_load(v, "still", sessions=5, pace=0.01)
        answer = []
        with Longest(load) as gap:
            with Still(v, "auth"):
                asks = threading.Thread(target=lambda: answer.append(timed(late.docmd, "AUTH PLAIN " + plain(*ann))))
                asks.start()
                with Still(v, "keys"):
                    said, took = timed(s.works)
                    t.ok(said and 9 < took < 13, "a handshake ends in 10 s without keys", (said, took))
                    t.ok(timed(mail, busy)[1] < 5, "who is under TLS sends on")
                with Still(v, "memo"):
                    _said, took = timed(mail, busy)
                    t.ok(took < 5, "without memo nobody is refused, and a second is lost", took)
                asks.join()
        [((code, text), took)] = answer
        t.ok(code == 454 and 29 < took < 35, "a login is told to come again in 30 s without auth", (code, text, took))
        t.ok(gap.most < 5, "others do not wait", gap.most)
        diag(f"others had no answer for {gap.most:.2f} s at most")
        wait_until("all log in again", lambda: s.works() is None)
        t.eq(late.docmd("AUTH PLAIN " + plain(*ann))[0], 235, "also who was told to come again")
        for c in (busy, late):
            mail(c)
            c.quit()
        load.stop()
        v.wait_empty(60)
        bodies = [open(p, "rb").read() for p in files_in(os.path.join(v.box, "u0"))]
        t.eq(sum(b"Subject: still" in b for b in bodies), 4, "what was sent meanwhile")
        verdict = look(v, load.acked)
        t.eq(len(verdict.lost), 0, "none lost")
    finally:
        s.close()


@test(f"{RELOADS} reloads under load refuse no connection")
def _(t):
    v = make_suite()
    v.start()
    load = start_load(v, "reloads", sessions=5, pace=0.005)
    for _ in range(RELOADS):
        before = len(load.acked)
        v.reload()
        wait_until("mail is taken", lambda: len(load.acked) > before)
    load.stop()
    t.eq(load.refused, 0, "connections refused")
    judged(t, v, load.acked)


@test("a resolver that is down defers, and bounces nothing")
def _(t):
    v = make_suite()
    v.start()
    v.send("", ["x@far.test"])
    v.send("a@out.test", ["x@far.test", "u0@box.test"])
    v.wait_log(r"to=<x@far\.test>.*status=deferred", 2)
    t.ok("status=bounced" not in v.log(), "nothing is returned", v.log()[-2000:])
    v.maildir(os.path.join(v.box, "u0"))


def clean():
    for v in suites:
        v.close()
    subprocess.run(["rm", "-rf", folder])


main(cleanup=clean, evidence=lambda: "\n".join(v.log()[-4000:] for v in suites))
