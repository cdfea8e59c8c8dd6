# SPDX-License-Identifier: ISC
"""qshape: the queue by domain and age, up and down."""
import os

from lib.suite import IS_ROOT, Suite, program, wait_until
from lib.tap import main, test
from lib.terminal import Terminal

v = Suite(main_cf={
    "relay_domains": "relay.example", "relayhost": "[127.0.0.1]:9",
    "authorized_mailq_users": "!vt-bob, static:anyone",
    "minimal_backoff_time": "1h", "maximal_backoff_time": "2h",
})


def qshape(*options, user=None):
    return v.run("qshape", "-c", v.conf, *options, user=user)


def rows(*options, user=None):
    """{domain: counts} below the head, which is [T, 5, 10 ...]."""
    r = qshape(*options, user=user)
    assert (r.returncode, r.err) == (0, ""), (r.returncode, r.err)
    table = [line.split() for line in r.out.splitlines()]
    assert table[0][0] == "T" and table[1][0] == "TOTAL", r.out
    assert {len(line) for line in r.out.splitlines()} == {80}, r.out
    return {name: [int(n) for n in counts] for name, *counts in table[1:]}


@test("recipients by domain, messages by sender, queues by name")
def _(t):
    for sender, recipients in (("s@one.test", ["a@relay.example", "b@RELAY.example", "c@x.relay.example"]),
                               ("t@two.test", ["d@relay.example"]), ("", ["e@elsewhere.example"])):
        v.send(sender, recipients, "Subject: x\n\nx\n")
    wait_until("they wait", lambda: v.mailq().count("Connection refused") == 3 and "* " not in v.mailq())
    first = [0] * 9
    t.eq(rows(), {"TOTAL": [0] * 11}, "incoming and active, which are empty")
    t.eq(rows("deferred"), {"TOTAL": [5, 5] + first, "relay.example": [3, 3] + first,
                            "x.relay.example": [1, 1] + first, "elsewhere.example": [1, 1] + first}, "deferred")
    t.eq(rows("-s", "incoming", "active", "deferred", "hold"),
         {"TOTAL": [3, 3] + first, "one.test": [1, 1] + first, "two.test": [1, 1] + first,
          "MAILER-DAEMON": [1, 1] + first}, "-s")
    t.eq(rows("-p", "-m", "1", "-b", "2", os.path.join(v.queue, "deferred") + "/")[".relay.example"], [1, 1, 0],
         "-p, -m, -b; a path")
    t.eq(list(rows("-b", "3", "-t", "7", "-l", "deferred").values())[0], [5, 5, 0, 0], "-t, -l")
    t.eq(qshape("-b", "3", "-t", "7", "-l", "-w", "100", "deferred").out.splitlines()[0].split(),
         ["T", "7", "14", "14+"], "their head")
    t.eq(len(qshape("-w", "100", "deferred").out.splitlines()[0]), 100, "-w")


@test("who may, and what is wrong")
def _(t):
    if IS_ROOT:
        t.eq(rows("deferred", user="vt-alice")["TOTAL"][0], 5, "a user")
        r = qshape("deferred", user="vt-bob")
        t.eq((r.returncode, r.out, r.err),
             (77, "", "qshape: fatal: this user is not allowed to view the mail queue\n"), "one who may not")
    for options in (["-x"], ["-b", "many"], ["nosuch"], ["/etc"]):
        r = qshape(*options)
        t.eq((r.returncode, r.out), (64, ""), " ".join(options))


@test("on a terminal: the top, as the count goes on")
def _(t):
    term = Terminal([program("qshape"), "-c", v.conf, "-n", "2", "-N", "1", "deferred"], env=v.env)
    try:
        term.wait(r"TOTAL  5  5")
        t.eq(term.ended(), 0, "it ends")
        t.eq([line.split()[0] for line in term.screen().splitlines() if line.strip()],
             ["T", "TOTAL", "relay.example"], "one table is left, of two rows")
    finally:
        term.close()


@test("while the suite is down; maildrop")
def _(t):
    up = rows("deferred")
    v.stop()
    t.eq(rows("deferred"), up, "as before")
    v.run("sendmail", "-f", "drop@here.test", "c@relay.example", input=b"Subject: d\n\ndropped\n")
    t.eq(rows("maildrop"), {"TOTAL": [1, 1] + [0] * 9, "relay.example": [1, 1] + [0] * 9}, "maildrop")
    t.eq(rows("maildrop", "deferred")["TOTAL"][0], 6, "both")
    if IS_ROOT:
        r = qshape("deferred", user="vt-alice")
        t.eq((r.returncode, r.err), (69, "qshape: fatal: Queue report unavailable - mail system is down\n"), "a user")


main(cleanup=v.close, evidence=lambda: v.log()[-3000:])
