# SPDX-License-Identifier: ISC
"""valija top: the queue's numbers and destinations, once and on a terminal,
and what its keys do."""
import contextlib
import os
import pwd
import re
import signal
import socket

from lib.peers import SmtpSink
from lib.suite import IS_ROOT, Suite, free_port, program, wait_until
from lib.tap import main, test
from lib.terminal import Terminal

assert IS_ROOT, "these tests need root: what keys do is root's"
alice = pwd.getpwnam("vt-alice")

stalled = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
port = free_port()
v = Suite(start=False, main_cf={
    "initial_destination_concurrency": "1", "default_destination_concurrency_failed_cohort_limit": "1",
    "minimal_backoff_time": "1h", "maximal_backoff_time": "2h",
    "transport_maps": "inline:{ { later.test = smtp:[127.0.0.1]:%d } { stalled.test = smtp:[127.0.0.1]:%d } }"
                      % (port, stalled.getsockname()[1]),
})
v.start()
sinks, kept = [], []


@contextlib.contextmanager
def top(*args, **kw):
    t = Terminal([program("valija"), "-c", v.conf, "top", *args], **kw)
    try:
        yield t
    finally:
        t.close()


def entries(pattern):
    return re.findall(pattern, v.mailq(), re.M)


def ids(mark=""):
    """Queue ids with the mark: "!" on hold, "" deferred."""
    return entries(r"^(\w{12,})%s +\d" % re.escape(mark))


@test("once: plain text, with what was counted")
def _(t):
    r = v.valija("top", "-1")
    t.eq((r.returncode, r.err), (0, ""), "exit code")
    t.ok(re.match(r"queue: active 0, deferred 0, hold 0; journal \d+%; taking mail\n"
                  r"recipients: waiting 0; jobs: 0; destinations: 0\n"
                  r"a second: in 0\.0 \(0\.0 KiB\), sent 0\.0, .*; over \d+ s\n"
                  r"in all: in 0, sent 0, deferred 0, bounced 0, removed 0; up \d+ s\n$", r.out), "an empty queue", r.out)
    for i in range(3):
        v.send("s@here.test", [f"x{i}@later.test", f"y{i}@nowhere.test"])
    v.send("s@here.test", ["vt-alice@here.test"])
    v.send("s@here.test", ["one@stalled.test"])
    v.wait_log(r"status=sent")
    v.wait_log(r"status=deferred", 6)
    kept.append(stalled.accept())
    r = v.valija("top")  # no terminal: once
    t.eq(r.returncode, 0, r.err)
    t.ok("\033" not in r.out, "plain", r.out)
    t.ok(re.search(r"^queue: active 1, deferred 3, hold 0; ", r.out, re.M), "sizes", r.out)
    t.ok(re.search(r"^in all: in 5, sent 1, deferred 6, bounced 0, removed 1; ", r.out, re.M), "totals", r.out)
    rows = {line.split()[0]: line.split(None, 7) for line in r.out.splitlines()[6:]}
    t.eq(rows["smtp:nowhere.test"][4], "3", "deferred")
    t.eq(rows["later.test"][4], "3", "deferred there")
    t.ok("Connection refused" in rows["later.test"][7], "the last reason", rows["later.test"])
    busy = rows["smtp:[127.0.0.1]:%d" % stalled.getsockname()[1]]
    t.eq((busy[1], busy[2], busy[6]), ("0", "1", "busy"), "one at work")
    dead = rows["smtp:[127.0.0.1]:%d" % port]
    t.ok(dead[6] == "dead" and "Connection refused" in dead[7], "a dead host, and why", r.out)
    t.ok(r.out.splitlines()[6].startswith("smtp:[127.0.0.1]:%d " % stalled.getsockname()[1]), "the busiest first", r.out)


@test("live: numbers, a list, a selection; the terminal comes back as it was")
def _(t):
    with top() as s:
        s.wait(r"^queue: active 1, deferred 3, hold 0")
        s.wait(r"^later\.test +0 +0 +0 +3")
        t.ok(s.is_other_screen, "on a screen of its own")
        first = s.selected()
        t.ok(first.startswith("smtp:[127.0.0.1]"), "the first is selected", first)
        s.type("\033[B")
        wait_until("another is selected", lambda: s.selected() not in ("", first))
        s.type("\033[H")
        wait_until("the first again", lambda: s.selected() == first)
        s.type("\033[F\033[5~\033[6~\033OA x\001\033[200~")
        select(s, "later.test")
        s.wait(r"connect to 127\.0\.0\.1.*Connection refused$")
        s.type("\r")
        s.wait(r"^later\.test: messages$")
        s.wait(r"^(\w{12,}) +deferred .* s@here\.test +x\d@later\.test and 1 more \(")
        t.eq(len(re.findall(r"^\w{12,} +deferred", s.screen(), re.M)), 3, "its messages")
        s.type("\033")
        s.wait(r"^DESTINATION")
        s.resize(20, 5)
        s.wait(r"^queue: active 1, def$")
        t.ok(len(s.screen().splitlines()) <= 8, "a tiny terminal", s.screen())
        s.type("q")
        t.eq(s.ended(), 0, "exit code")
        t.ok(s.is_restored(), "the terminal is as it was")
    for signo in (signal.SIGINT, signal.SIGTERM):
        with top() as s:
            s.wait(r"^DESTINATION")
            os.kill(s.pid, signo)
            t.eq(s.ended(), 0, f"after signal {signo}")
            t.ok(s.is_restored(), "the terminal is as it was")


def select(s, name):
    """Move down from the first until the row of `name` is selected; from the
    first again where a row that was half drawn was taken for another one."""
    def step():
        before = s.selected().split()[:1]  # the rest of a row changes by itself
        s.type("\033[B")
        wait_until("the selection moves", lambda: s.selected().split()[:1] not in ([], before), 2)

    for _ in range(10):
        s.type("\033[H")
        try:
            for _ in range(20):
                s.wait(rf"^{re.escape(name)} ")
                if s.selected().startswith(name + " "):
                    return
                step()
        except TimeoutError:
            pass
    raise AssertionError(f"{name} cannot be selected:\n{s.screen()}")


@test("flush: what waits for a destination is tried now, after a question")
def _(t):
    tried = lambda who: len(re.findall(rf"to=<{who}\d@\w+.test>.*status=deferred", v.log()))
    with top() as s:
        select(s, "smtp:nowhere.test")
        before = tried("y")
        s.type("f")
        s.wait(r"^flush all mail for nowhere\.test\? \(y/n\)$")
        s.type("n")
        s.wait(r"^arrows")
        s.type("fy")
        s.wait(r"^flush: 3 messages$")
        wait_until("tried", lambda: tried("y") == before + 3)
        s.type("F")
        s.wait(r"^try all that waits now\?")
        s.type("y")
        s.wait(r"^flush all: all that waits is tried now$")
        wait_until("tried", lambda: tried("y") == before + 6)
        s.type("q")
        s.ended()


@test("hold and release: a destination, one message")
def _(t):
    with top() as s:
        select(s, "later.test")
        s.type("hy")
        s.wait(r"^hold: 3 messages$")
        wait_until("on hold", lambda: len(ids("!")) == 3)
        s.wait(r"^later\.test +0 +0 +0 +0 +3 held")
        s.type("\r")
        s.wait(r"^(\w{12,}) +hold ")
        one = re.match(r"\w+", s.selected()).group(0)
        s.type("r")
        s.wait(r"^release: 1 message$")
        wait_until("one is released", lambda: one not in ids("!") and len(ids("!")) == 2)
        s.wait(rf"^{one} +(active|deferred) ")
        s.type("h")
        s.wait(r"^hold: 1 message$")
        wait_until("held again", lambda: len(ids("!")) == 3)
        s.type("\033")
        sinks.append(SmtpSink(v.base, "-h", "later.test", port=port))
        select(s, "later.test")
        s.type("ry")
        s.wait(r"^release: 3 messages$")
        s.type("Fy")
        v.wait_log(r"to=<x\d@later.test>.*status=sent", 3)
        s.type("q")
        s.ended()


@test("who may: like postqueue -p for viewing, root for acting")
def _(t):
    with top(user=alice) as s:
        select(s, "smtp:nowhere.test")
        s.type("hy")
        s.wait(r"^hold: 0 messages; not for this user$")
        s.type("q")
        t.eq(s.ended(), 0, "exit code")
    t.eq(v.valija("top", "-1", user="vt-alice").returncode, 0, "once")
    v.configure(authorized_mailq_users="root")
    v.reload()
    r = v.valija("top", "-1", user="vt-alice")
    t.eq((r.returncode, r.out), (69, ""), "exit code")
    t.eq(r.err, f"valija: fatal: User vt-alice({alice.pw_uid}) is not allowed to view the mail queue\n", "the words")
    v.configure(authorized_mailq_users=None)
    v.reload()


@test("a queue manager that goes is said to be gone, and awaited")
def _(t):
    with top() as s:
        s.wait(r"^DESTINATION")
        v.stop()
        s.wait(r"^(the mail system is down|the queue manager does not answer)")
        r = v.valija("top", "-1")
        t.eq((r.returncode, r.out), (69, ""), "exit code")
        t.ok("mail system is down" in r.err, "why", r.err)
        v.start()
        s.wait(r"^queue: active")
        s.type("q")
        t.eq(s.ended(), 0, "exit code")
    for args in (["-2"], ["x"], ["-s"], ["-s", "0"], ["-s", "x"]):
        r = v.valija("top", *args)
        t.eq((r.returncode, r.out), (64, ""), f"usage: {args}")


main(cleanup=lambda: ([s.close() for s in sinks], stalled.close(), v.close()), evidence=lambda: v.log()[-4000:])
