# SPDX-License-Identifier: ISC
"""Who goes next: mail to quick hosts beside a queue for a slow one, through
sockets; rates, processes and concurrency as they were configured."""
import os
import re
import subprocess
import time

from lib.peers import SmtpSink, postfix_env, unpacked
from lib.sink import Sink
from lib.suite import TOP, Suite, free_port, wait_until
from lib.tap import main, test

WINDOW = 200  # messages in memory
MANY = 1000   # messages for the slow host

v = Suite(start=False)
slow = SmtpSink(v.base, "-w", "2", dump=False)
sinks = {name: Sink() for name in ("quick", "rated", "few", "each", "busy", "spare")}
sinks["busy"].sessions_max = 3
sinks["few"].pause = sinks["busy"].pause = sinks["spare"].pause = 0.2
dead = free_port()
v.master_cf += "few unix - - n - 3 smtp\n"
v.configure(
    qmgr_message_active_limit=str(WINDOW),
    transport_maps="inline:{ slow.test=smtp:[127.0.0.1]:%d d0.test=smtp:[127.0.0.1]:%d dead.test=smtp:[127.0.0.1]:%d %s }" % (
        slow.port, slow.port, dead, " ".join(
            f"{name}.test={'smtp' if name == 'quick' else name}:[127.0.0.1]:{sink.port}"
            for name, sink in sinks.items())),
    rated_destination_rate_delay="1s", each_destination_recipient_limit="1", each_destination_rate_delay="1s",
    busy_destination_concurrency_positive_feedback="1/concurrency",
    busy_destination_concurrency_negative_feedback="1/concurrency",
    busy_destination_concurrency_failed_cohort_limit="100",
    minimal_backoff_time="2s", maximal_backoff_time="4s", smtp_destination_concurrency_limit="10")
v.master_cf += "".join(f"{name} unix - - n - - smtp\n" for name in ("rated", "each", "busy", "spare"))
v.configure()
v.start()


def source(to, count, sessions=5):
    subprocess.run([f"{unpacked('postfix')}/usr/sbin/smtp-source", "-s", str(sessions), "-m", str(count),
                    "-l", "500", "-f", "a@out.test", "-t", to, f"127.0.0.1:{v.port}"],
                   env=postfix_env(), check=True, timeout=60)


def letter(*recipients):
    """How long one takes that goes to quick.test as well."""
    n = len(sinks["quick"].heard)
    began = time.monotonic()
    v.send("a@out.test", ["x@quick.test", *recipients])
    wait_until("the letter at the quick host", lambda: len(sinks["quick"].heard) > n, 20)
    return time.monotonic() - began


def state():
    r = v.run("valija", "-c", v.conf, "top", "-1")
    return r.out


def active():
    return int(re.search(r"active (\d+)", state()).group(1))


def waiting():
    return sum(map(int, re.search(r"active (\d+), deferred (\d+)", state()).groups()))


@test("a slow host with more messages than there is room for")
def _(t):
    source("x@slow.test", MANY)
    t.ok(waiting() > MANY * 0.9, "they wait", state())
    t.ok(active() <= WINDOW * 5 // 8, "most of them not in memory", state())
    for _ in range(5):
        took = letter()
        t.ok(took < 1, "a letter to another host", took)
    took = letter("y@slow.test")
    t.ok(took < 1, "and one to both", took)


@test("a recipient who is to come again does, while the other one waits for room")
def _(t):
    grey, quick = [], sinks["quick"]
    quick.rcpt = lambda line: "450 4.7.1 later" if not grey and not grey.append(line) else "250 2.1.5 Ok"
    began = time.monotonic()
    v.send("a@out.test", ["grey@quick.test", "z@slow.test"])
    wait_until("the second attempt", lambda: any("<grey@" in to[0] for _, to, _ in quick.heard), 20)
    quick.rcpt = "250 2.1.5 Ok"
    t.ok(len(grey) == 1 and 1.9 < time.monotonic() - began < 10, "after its own time", time.monotonic() - began)
    t.ok("z@slow.test" in v.mailq(), "and the other still waits")


@test("after a start")
def _(t):
    v.stop()
    v.start()
    for _ in range(5):
        took = letter()
        t.ok(took < 1, "a letter to another host", took)
    t.ok(waiting() > MANY * 0.5, "they wait again", state())


@test("after a start with 100,000", long=True)
def _(t):
    v.run("postsuper", "-c", v.conf, "-d", "ALL", check=True)
    v.stop()
    v.configure(qmgr_message_active_limit=None)
    owner = os.stat(os.path.join(v.queue, "deferred"))
    filled = v.run(f"{TOP}/build/t/lib/fill_queue", v.queue, "100000", "0", "1000", "1", user=owner.st_uid)
    t.must(filled.returncode == 0, "filled", filled.err)
    v.start()
    end = time.monotonic() + 15
    while time.monotonic() < end:
        took = letter()
        t.ok(took < 1, "a letter to another host", took)
    t.ok(waiting() > 99000, "they wait", state())
    v.stop()
    v.configure(qmgr_message_active_limit=str(WINDOW))
    v.start()


@test("what waits for room is held, released and deleted as other mail is")
def _(t):
    ids = [line.split()[0].rstrip("*!") for line in v.mailq().splitlines() if re.match(r"[0-9A-Z]{6,}", line, re.I)]
    some = "\n".join(ids[-300:]).encode()
    v.run("postsuper", "-c", v.conf, "-h", "-", input=some, check=True)
    v.run("postsuper", "-c", v.conf, "-H", "-", input=some, check=True)
    v.run("postqueue", "-c", v.conf, "-f", check=True)
    took = letter()
    t.ok(took < 1, "a letter meanwhile", took)
    v.run("postsuper", "-c", v.conf, "-d", "ALL", check=True)
    v.wait_empty(20)
    t.ok(letter() < 1, "and one more")


@test("X_destination_rate_delay is kept, and not much more")
def _(t):
    for i in range(3):
        v.send("a@out.test", [f"r{i}@rated.test"])
    sinks["rated"].transactions(3)
    pauses = [b - a for a, b in zip(sinks["rated"].times, sinks["rated"].times[1:])]
    t.ok(all(1 <= p < 1.5 for p in pauses), "a second between two", pauses)


@test("X_destination_recipient_limit = 1: the rate is each recipient's")
def _(t):
    v.send("a@out.test", [f"r{i}@each.test" for i in range(20)])
    v.send("a@out.test", ["r1@each.test"])
    began = time.monotonic()
    sinks["each"].transactions(21)
    t.eq(sorted(len(to) for _, to, _ in sinks["each"].heard), [1] * 21, "one recipient each")
    t.ok(time.monotonic() - began < 4, "twenty at the same time", time.monotonic() - began)
    again = [at for (_, to, _), at in zip(sinks["each"].heard, sinks["each"].times) if "<r1@" in to[0]]
    t.ok(again[1] - again[0] >= 1, "and the one who got two in turn", again)


@test("no more deliveries than master.cf lets a transport have processes")
def _(t):
    source("x@few.test", 30)
    sinks["few"].transactions(30)
    t.eq(sinks["few"].most, 3, "sessions at a time")


@test("nor than default_process_limit, where it says nothing")
def _(t):
    v.configure(default_process_limit="4")
    v.reload()
    source("x@spare.test", 30, sessions=2)
    sinks["spare"].transactions(30)
    t.eq(sinks["spare"].most, 4, "sessions at a time")
    v.configure(default_process_limit=None)
    v.reload()


@test("concurrency falls where a host refuses sessions, and nothing is lost")
def _(t):
    source("x@busy.test", 30)
    sinks["busy"].transactions(30)
    refused = sinks["busy"].refused
    t.ok(0 < refused < 25, "refused, of 30", refused)
    t.ok(re.search(r"refused to talk to me: 421", v.log()), "said so")


@test("a dead host is tried by one")
def _(t):
    for i in range(30):
        v.send("a@out.test", [f"d{i}@dead.test"])
    v.wait_log(r"to=<d29@dead.test>.*status=deferred")
    tried = len(re.findall(r"@dead.test>.*status=deferred \(connect to", v.log()))
    spared = len(re.findall(r"@dead.test>.*status=deferred \(delivery temporarily suspended: connect to", v.log()))
    t.ok(tried <= 10, "tried", tried)
    t.ok(spared >= 20, "spared", spared)
    sink = Sink(port=dead)
    sink.transactions(30)
    t.eq(len({to[0] for _, to, _ in sink.heard}), 30, "each comes once the host does")
    sink.close()


def seconds_between(*times):
    a, b = (sum(int(n) * unit for n, unit in zip(at.split(":"), (3600, 60, 1))) for at in times)
    return (b - a) % 86400


@test("what fails by trouble of our own comes again when anything else would")
def _(t):
    wait = 8
    with Suite(start=False, main_cf={
            "minimal_backoff_time": f"{wait}s", "maximal_backoff_time": f"{wait}s",
            "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "inline:{ x@box.test=x/ }",
            "virtual_uid_maps": "static:nobody", "virtual_gid_maps": "static:5000", "virtual_mailbox_base": "/nowhere",
            "local_recipient_maps": "", "transport_maps": "inline:{ gone.test=nosuch: odd.test=smtp:[odd }",
            "alias_maps": "inline:{ broken={\"oops} }"}) as w:
        w.start()
        to = ["broken@here.test", "x@box.test", "x@gone.test", "x@odd.test"]
        for one in to:
            w.send("a@out.test", [one])
        for one in to:
            first, second = w.wait_log(rf"^\w+ +\d+ (\S+) .*to=<{one}>.*dsn=4\.3\.[05], status=deferred", 2)[:2]
            # the log's times are of whole seconds
            t.ok(seconds_between(first[1], second[1]) >= wait - 1, f"{one} not before", (first[0], second[0]))


main(cleanup=lambda: [slow.close(), *(s.close() for s in sinks.values()), v.close()])
