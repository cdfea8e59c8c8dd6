# SPDX-License-Identifier: ISC
"""A large queue: what it costs to have one, to add to it, to see it and to
steer it.  10,000 messages; a million with T_LONG=1 (8 GB in T_BASE, or in
/var/tmp).  Asserted is what no machine's speed changes: counts, bytes and
system calls a message, the order of the disk; rates are printed."""
import collections
import contextlib
import os
import pwd
import re
import signal
import smtplib
import subprocess
import tempfile
import threading
import time
import zlib

from lib.sink import Sink
from lib.suite import IS_ROOT, PREFIX, Suite, free_port, program, wait_until
from lib.tap import diag, main, test
from lib.terminal import Terminal

LONG = bool(os.environ.get("T_LONG"))
COUNT = 1_000_000 if LONG else 10_000
EVERY = 1 if LONG else 5  # seconds: one message more is due
NEW = 300                 # messages sent to see what one costs
ONE_BY_ONE, ROUNDS = 5, 12  # more, whose system calls are counted
MANY = 100_000            # at most so many are requeued, expired
JOURNAL = (1024 if LONG else 64) << 20
MEMORY_MAX = 300          # bytes a message, which is 286 MiB a million
FILL = os.path.join(os.path.dirname(PREFIX), "t", "lib", "fill_queue")
PATIENCE = 3600 if LONG else 120

sink = Sink()
v = Suite(base=os.environ.get("T_BASE"), main_cf={
    "relayhost": f"[127.0.0.1]:{sink.port}", "queue_journal_size": str(JOURNAL), "mydestination": "localhost",
    "notify_classes": "",  # else the postmaster's copies are counted as well
    "minimal_backoff_time": "1h", "maximal_backoff_time": "10d", "maximal_queue_lifetime": "90d",
})


def qmgr():
    """Its process, which listings fork copies of."""
    return v.pids_of("qmgr")[0]


def fill():
    kwargs = {}
    if IS_ROOT:
        user = pwd.getpwnam("valija-queue")
        kwargs = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    subprocess.run([FILL, v.queue, str(COUNT), str(EVERY * COUNT)], check=True, **kwargs)


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"^RssAnon:\s+(\d+)", f.read(), re.M)[1]) * 1024


def cpu(pid):
    """Seconds of the process and of copies of it that have ended."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(int(n) for n in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def counts():
    """{queue: messages}, as postqueue(1) sees them."""
    found = collections.Counter()
    r = v.run("postqueue", "-j", timeout=PATIENCE, check=True)
    for line in r.stdout.splitlines():
        found[re.search(rb'"queue_name": "(\w+)"', line)[1].decode()] += 1
    return found


@contextlib.contextmanager
def calls(pid):
    """{system call: how often} of a process and all that it forks."""
    with tempfile.NamedTemporaryFile(dir=v.base) as out:
        strace = subprocess.Popen(["strace", "-f", "-c", "-qq", "-p", str(pid), "-o", out.name])
        wait_until("strace is attached", lambda: "TracerPid:\t0\n" not in open(f"/proc/{pid}/status").read())
        found = collections.Counter()
        try:
            yield found
        finally:
            strace.send_signal(signal.SIGINT)
            strace.wait()
        for line in out.read().decode().splitlines():
            m = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
            if m and m[2] != "total":
                found[m[2]] += int(m[1])


def take_new(n):
    """Messages through one session; how long each 250 took."""
    took = []
    with v.smtp() as s:
        for i in range(n):
            start = time.monotonic()
            s.sendmail("s@out.test", [f"new{i}@far.test"], "Subject: new\n\nx\n")
            took.append(time.monotonic() - start)
    return took


def send_new(n=NEW):
    """The same, and all are delivered."""
    before = len(sink.heard)
    took = take_new(n)
    wait_until("new mail arrives", lambda: sum("new" in "".join(to) for _, to, _ in sink.heard[before:]) >= n)
    return took


def for_now(send, n):
    """send(n), or nothing where it is refused for now: a qmgr that has ended, a
    journal that is full for a moment."""
    try:
        return send(n)
    except smtplib.SMTPResponseException as e:
        if e.smtp_code not in (451, 452):
            raise
        return []


def is_taken():
    return len(for_now(send_new, 10)) == 10


def calls_of_new(pid):
    """A message's, with those of the ones that came meanwhile since they were due."""
    with calls(pid) as made:
        for _ in range(ONE_BY_ONE):
            send_new(1)  # none shares a turn of qmgr, however busy the machine is
    return sum(made.values()) / ONE_BY_ONE


def cost_of_new():
    """CPU and system calls of qmgr a message; the CPU is that of those too
    that were due meanwhile."""
    pid = qmgr()
    start, heard = cpu(pid), len(sink.heard)
    send_new()
    spent = (cpu(pid) - start) / (len(sink.heard) - heard)
    # what else the machine does, and what is due, only add
    return spent, min(calls_of_new(pid) for _ in range(ROUNDS))


empty = {}


@test("the queue is empty")
def _(t):
    send_new(10)
    empty["cost"] = cost_of_new()
    empty["memory"] = memory(qmgr())
    v.stop()
    fill()


@test(f"a start with {COUNT} deferred: new mail, what is due, memory")
def _(t):
    before, start = len(sink.heard), time.monotonic()
    v.start()
    with v.smtp() as s:
        s.sendmail("s@out.test", ["first@far.test"], "Subject: first\n\nx\n")
    diag(f"new mail is taken {time.monotonic() - start:.2f} s after the start")
    wait_until("a message that was due arrives", lambda: any(
        "user0@" in "".join(to) for _, to, _ in sink.heard[before:]), 60)
    diag(f"the first that was due arrived {time.monotonic() - start:.2f} s after the start")
    wait_until("all are known", lambda: sum(counts().values()) > COUNT * 0.9, PATIENCE)
    bytes_each = (memory(qmgr()) - empty["memory"]) / COUNT
    diag(f"{bytes_each:.0f} bytes a message, {memory(qmgr()) / 2**20:.1f} MiB in all")
    t.ok(bytes_each < MEMORY_MAX, "memory a message", bytes_each)


@test("a new message costs what it costs in an empty queue")
def _(t):
    spent, made = cost_of_new()
    was, were = empty["cost"]
    diag(f"qmgr, a message taken and delivered: {spent * 1e6:.0f} us of CPU and {made:.1f} system calls; "
         f"in an empty queue {was * 1e6:.0f} us and {were:.1f}")
    t.ok(made < were * 1.25 + 1, "system calls", (were, made))


@test("a listing: all, once each, in the order of the disk, for few system calls")
def _(t):
    pid = qmgr()
    for option in ("-p", "-j"):
        spent, start = cpu(pid), time.monotonic()
        lines = v.run("postqueue", option, timeout=PATIENCE, check=True).stdout.splitlines()
        took = time.monotonic() - start
        wait_until("the copy has ended", lambda: not copies(pid))
        diag(f"postqueue {option}: {COUNT / took:.0f} a second; the copy's CPU {(cpu(pid) - spent) / COUNT * 1e6:.1f} us each")
    ids = [re.search(rb'"queue_id": "(\w+)"', line)[1] for line in lines]
    t.ok(COUNT * 0.99 < len(ids) <= COUNT, "all", len(ids))
    t.eq(len(set(ids)), len(ids), "once each")
    folders = [zlib.crc32(i) % 256 for i in ids]
    changes = sum(a != b for a, b in zip(folders, folders[1:]))
    t.ok(changes <= 300, "directory by directory", changes)
    inodes = {i: os.stat(f"{v.queue}/deferred/{f:02x}/{i.decode()}").st_ino
              for i, f in zip(ids[:2000], folders) if os.path.exists(f"{v.queue}/deferred/{f:02x}/{i.decode()}")}
    rows = [inodes[i] for i in ids[:2000] if i in inodes]
    back = sum(a > b for a, b in zip(rows, rows[1:]))
    t.ok(back <= 2 + 2000 * 256 // COUNT, "in the order of inodes", back)
    if not LONG:
        with calls(pid) as made:
            v.run("postqueue", "-j", timeout=PATIENCE, check=True)
        t.ok(sum(made.values()) < 4.5 * COUNT + 2000, "system calls", made)


def copies(pid):
    """Processes of qmgr's that list the queue."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return f.read().split()


@test("a copy ends with its tool")
def _(t):
    pid = qmgr()
    tool = subprocess.Popen([program("postqueue"), "-c", v.conf, "-j"], stdout=subprocess.PIPE)
    tool.stdout.read(1)  # and no more: the copy waits for room in the pipe
    t.eq(len(copies(pid)), 1, "there is a copy")
    tool.kill()
    tool.wait()
    tool.stdout.close()
    wait_until("it has gone", lambda: not copies(pid), 20)


BAR = re.compile(r"^\[#* *\] \d+ of \d+ messages, \d+/s", re.M)


def ends_without_bar(t, term):
    t.eq(term.ended(), 0, "it ends")
    t.eq(BAR.search(term.screen()), None, "and nothing of it stays")


@test("how far postqueue's listing has come, on the terminal of who writes it elsewhere")
def _(t):
    pipe = v.path("go")
    os.mkfifo(pipe)
    term = Terminal(["/bin/sh", "-c", f"{program('postqueue')} -c {v.conf} -p | "
                     f"(sleep 1; head -c 300000; read x <{pipe}; cat) >/dev/null"], env=v.env)
    try:
        wait_until("it is shown", lambda: BAR.search(term.screen()))
        with open(pipe, "w") as f:
            f.write("\n")
        ends_without_bar(t, term)
    finally:
        term.close()


@test("how far valija top's listing has come, on a terminal")
def _(t):
    pid = qmgr()

    def is_shown():
        """False when the list was there before it could be held up."""
        term = Terminal([program("valija"), "-c", v.conf, "top", "-1"], env=v.env)
        try:
            while not (found := copies(pid)):
                if term.is_over():
                    return False
            copy = int(found[0])
            os.kill(copy, signal.SIGSTOP)
            time.sleep(0.6)  # short work has no bar
            while not BAR.search(term.screen()):
                os.kill(copy, signal.SIGCONT)
                time.sleep(0.003)
                os.kill(copy, signal.SIGSTOP)
            os.kill(copy, signal.SIGCONT)
            ends_without_bar(t, term)
            return True
        except ProcessLookupError:
            return False
        finally:
            term.close()
    wait_until("it is shown", is_shown)


def postsuper(option, done, ids=None):
    """How many it was done to: of all, or of those `ids`."""
    pid = qmgr()
    spent, start = cpu(pid), time.monotonic()
    r = v.run("postsuper", option, "-" if ids else "ALL", timeout=PATIENCE,
              input="".join(f"{i}\n" for i in ids).encode() if ids else None)
    took = time.monotonic() - start
    n = len(ids) if ids else COUNT
    m = re.search(rf"postsuper: {done}: (\d+) messages\n", r.err)
    diag(f"postsuper {option}, {n}: {took:.1f} s, {n / took:.0f} a second; "
         f"qmgr's CPU {(cpu(pid) - spent) / n * 1e6:.0f} us each; load {os.getloadavg()[0]:.1f}")
    assert m and r.returncode == 0, r.err[-500:]
    return int(m[1])


def in_log(pattern):
    """The first group of each line that has it."""
    return re.findall(pattern, v.log())


def listed():
    r = v.run("postqueue", "-j", timeout=PATIENCE, check=True)
    return [i.decode() for i in re.findall(rb'"queue_id": "(\w+)"', r.stdout)]


@test("postsuper -h ALL, -H ALL")
def _(t):
    # nobody there: what is released is tried, and waits again
    v.configure(relayhost=f"[127.0.0.1]:{free_port()}")
    v.reload()
    n = postsuper("-h", "Placed on hold")
    t.ok(n > COUNT * 0.99, "held", n)
    t.ok(counts()["hold"] >= n, "are on hold")
    t.eq(postsuper("-H", "Released from hold"), n, "released")
    wait_until("none is active", lambda: counts() == {"deferred": n}, PATIENCE)


@test("postsuper -r: each once more under a new id, and then no more under the old one")
def _(t):
    before = listed()
    some = before[:MANY]
    t.eq(postsuper("-r", "Requeued", some), len(some), "requeued")
    after = listed()
    t.eq(len(set(after)), len(before), "as many as before")
    t.eq(set(after) & set(some), set(), "none under its old id")
    born = in_log(r"pickup\[\d+\]: (\w+: uid=\d+ from=<[^>]*> orig_id=\w+)")
    t.eq({line.rsplit("=", 1)[1] for line in born}, set(some), "orig_id of each")
    t.eq({line.split(":")[0] for line in born} - set(after), set(), "and its new id is there")


@test("postsuper -e: each sender is told, however many wait to be, and none waits for long")
def _(t):
    some = listed()[:MANY]
    had = memory(qmgr())
    t.eq(postsuper("-e", "Force-expired", some), len(some), "expired")
    # a notification that is not made holds its message, whose content stays
    diag(f"qmgr's memory: {(memory(qmgr()) - had) / len(some):.0f} bytes more for each")
    wait_until("all are told", lambda: len(in_log(r"(sender non-delivery notification)")) >= len(some), PATIENCE)
    told = in_log(r"bounce\[\d+\]: (\w+): sender non-delivery notification")
    t.eq(set(told), set(some), "of each")
    t.eq(len(told), len(some), "once each")
    t.eq(in_log(r"(its notification was not taken)"), [], "none was refused")
    wait_until("they are gone", lambda: not set(some) & set(listed()), PATIENCE)


@test("postsuper -d ALL, and mail is taken and delivered meanwhile")
def _(t):
    v.configure(relayhost=f"[127.0.0.1]:{sink.port}")
    v.reload()
    wait_until("there is room behind so many notifications", is_taken)
    deleted, took, before = [], [], len(sink.heard)
    thread = threading.Thread(target=lambda: deleted.append(postsuper("-d", "Deleted")))
    thread.start()
    while thread.is_alive():
        took += for_now(take_new, 1)  # ALL may be some of them as well
    thread.join()
    slowest = max(took, default=0)
    diag(f"{len(took)} messages sent meanwhile, the slowest 250 after {slowest * 1000:.0f} ms")
    t.ok(slowest < 10, "none waited for the end of it", slowest)
    t.ok(deleted and deleted[0] > COUNT * 0.99, "all", deleted)
    if LONG:
        t.ok(len(sink.heard) > before, "taken and delivered meanwhile")
    wait_until("mail is taken", is_taken)
    wait_until("the queue is empty", lambda: not counts())


def files():
    return sum(len(names) for _, _, names in os.walk(f"{v.queue}/deferred")) + \
        len(os.listdir(f"{v.queue}/hold"))


@test("what was deleted does not come back, and its files go, behind new mail")
def _(t):
    left = files()
    os.kill(qmgr(), signal.SIGKILL)
    wait_until("new mail is taken again", is_taken)
    wait_until("the queue is empty after a crash", lambda: not counts())
    start, n = time.monotonic(), files()
    wait_until("files go", lambda: n == 0 or files() < n, PATIENCE)
    wait_until("all of them, or for a while", lambda: files() == 0 or time.monotonic() - start > (60 if LONG else 2), 90)
    gone, took = n - files(), time.monotonic() - start
    diag(f"{left} files were left when the command had ended; after the crash {gone} went in {took:.1f} s")


def load(until, acked, refused):
    """Messages of 60 KB through one session after the other."""
    text = "Subject: load\n\n" + ("x" * 71 + "\n") * 840
    while time.monotonic() < until:
        try:
            with v.smtp(timeout=120) as s:
                while time.monotonic() < until:
                    s.sendmail("s@out.test", [f"dead{len(acked)}@far.test"], text)
                    acked.append(1)
        except smtplib.SMTPResponseException as e:  # of MAIL, as smtplib has it
            refused.append((e.smtp_code, e.smtp_error))
            time.sleep(0.2)


@test("a dead smarthost at full intake: the journal keeps its size, nothing is lost")
def _(t):
    v.configure(relayhost=f"[127.0.0.1]:{free_port()}")
    v.reload()
    wait_until("the files of before are gone", lambda: files() == 0 or not LONG, PATIENCE)
    acked, refused, before = [], [], files()
    until = time.monotonic() + (60 if LONG else 6)
    threads = [threading.Thread(target=load, args=(until, acked, refused)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    size = sum(os.stat(f"{v.queue}/journal/{n}").st_blocks * 512 for n in os.listdir(f"{v.queue}/journal"))
    there = counts()
    diag(f"{len(acked)} acknowledged, {len(refused)} refused; journal {size >> 20} MiB of {JOURNAL >> 20}, "
         f"{max(0, files() - before)} files more")
    t.ok(size <= JOURNAL + 1024 * 1024, "the journal's size", size)
    t.eq(sum(there.values()), len(acked), f"all that was acknowledged is there; refused: {set(refused)}")
    t.ok(all(code in (452, 451) for code, _ in refused), "refused for now", refused[:3])
    v.stop()
    v.start()
    t.eq(sum(counts().values()), len(acked), "and after a start")


main(cleanup=v.close, evidence=lambda: v.log()[-3000:])
