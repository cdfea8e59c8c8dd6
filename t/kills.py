# SPDX-License-Identifier: ISC
"""kill -9 of a program at each of its system calls in a message's life, over
every way that mail takes: from the client's first word until the message has arrived
and nothing was called for a while.  The long form tries every call, the short
one a sample, on half of each program's ways.  One message is under way at a time, so that all that comes of a kill
is known: nothing lost, nothing altered, and a second copy only where the
client had to send again, or where another host or a command had taken the message."""
import collections
import os
import smtplib
import subprocess
import tempfile
import time

from lib.load import make_message
from lib.paths import ARRIVES, REPEATS, Paths
from lib.suite import TOP, Suite, kill, wait_until
from lib.tap import diag, main, test

LONG = bool(os.environ.get("T_LONG"))
# Which calls of a program on each way: in the short form those of one residue.
STRIDE = 1 if LONG else 131
LIFE = 1.1  # s: what ends sooner is started again later, as master has it
REST = 0.5 if LONG else 0.1  # s: what a program has to do behind a message that has arrived
MISSES = 3  # calls that did not come: some lives have a few more than others
# Of the way slow: a message that is in a file from the start; one that moves
# into a file when it is refused for the second time.
SLOW = {"large": (300000, 1), "moved": (500, 2)}  # size, refusals
HERE = ("virtual", "unix", "alias", "forward", "refused", "mbox", "command")
WAYS = ("large", *ARRIVES, "moved")
PROGRAMS = {  # program: the ways on which it does something
    "qmgr": WAYS, "smtpd": tuple(ARRIVES), "lookup": ("unix", "alias", "forward", "command"),
    "local": HERE, "child": HERE, "mda": HERE,
    "bounce": ("refused",), "smtp": ("alias", "remote", "refused", "slow"),
}
PAIRS = [(program, way) for program, ways in PROGRAMS.items() for way in ways]
# Of the table of programs and ways the fields of one colour, as of a chess
# board: each program and each way is among them.
SAMPLE = [(program, way) for program, way in PAIRS if (list(PROGRAMS).index(program) + WAYS.index(way)) % 2 == 0]
assert {p for p, _ in SAMPLE} == set(PROGRAMS) and {w for _, w in SAMPLE} == set(WAYS), SAMPLE

folder = tempfile.mkdtemp(prefix="valija-ledger-", dir="/dev/shm")
killcall = os.path.join(folder, "killcall")
subprocess.run(["gcc", "-O2", "-o", killcall, f"{TOP}/t/lib/killcall.c"], check=True)
v = Suite(start=False, main_cf={"maximal_backoff_time": "1s"})
paths = Paths(v)
v.start()


class Point:
    """The next call of a program on one way at which it shall end."""

    def __init__(self, program, way, first):
        self.program, self.way, self.number = program, way, first
        self.missed = 0  # calls that did not come, the last in a row


class Tracer:
    def __init__(self, *argv):
        self.argv = [killcall, *map(str, argv)]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", self.argv
        return self

    def rest(self):
        """Nobody asks the program anything, so that its calls have an end."""
        try:
            self.process.wait(REST)
        except subprocess.TimeoutExpired:
            pass

    def __exit__(self, *_):
        self.process.terminate()
        out = self.process.communicate()[0]
        assert self.process.returncode == 0 and out, (self.argv, self.process.returncode)
        self.has_killed = out.startswith("killed")


class Ledger:
    def __init__(self):
        self.serial = 0
        self.sent = collections.Counter()  # serial: how often its end was sent
        self.acked = {}

    def send(self, way):
        """A message, sent until it is acknowledged."""
        self.serial += 1
        size, paths.refusals = SLOW.get(way, (500, 1))
        to = paths.recipient_of("slow" if way in SLOW else way, self.serial)
        message = make_message(self.serial, size)
        wait_until(f"250 for {to}; {v.log()[-1500:]}", lambda: self.attempt(self.serial, to, message))
        return self.serial

    def attempt(self, serial, to, message):
        try:
            with v.smtp() as s:
                s.ehlo()
                s.mail(paths.sender)
                if s.rcpt(to)[0] != 250 or s.docmd("DATA")[0] != 354:
                    return False
                s.send(message + b".\r\n")
                self.sent[serial] += 1
                if s.getreply()[0] != 250:
                    return False
                self.acked[serial] = to
                return True
        except (OSError, smtplib.SMTPException):
            return serial in self.acked

    def wait_arrived(self, serial):
        def is_there():
            return not paths.judge({serial: self.acked[serial]}).lost
        try:
            wait_until(f"{self.acked[serial]} has what it shall", is_there)
        except TimeoutError as e:
            raise TimeoutError(f"{e}; {v.log()[-2500:]}") from None

    def settle(self, serial):
        self.wait_arrived(serial)
        v.wait_empty()


ledger = Ledger()
killed = collections.Counter()
killed_at = collections.defaultdict(float)


def settled_program(program, way):
    """Its pid, everything that the way needs being there; children are new."""
    while True:
        ledger.settle(ledger.send("remote" if way in ("slow", *SLOW) else way))
        if program in ("mda", "child"):
            kill(v.pids_of("child"))
            wait_until("idle children are gone", lambda: not v.pids_of("child"))
            time.sleep(0.05)  # and qmgr has heard of it
        pids = v.pids_of("mda" if program == "child" else program)
        if pids:
            return pids[0]


def try_at(t, point):
    """False when the message's life had no such call."""
    pid = settled_program(point.program, point.way)
    option = ["-c"] if point.program == "child" else []
    with Tracer(*option, pid, point.number) as tracer:
        serial = ledger.send(point.way)
        ledger.wait_arrived(serial)
        tracer.rest()
    ledger.settle(serial)
    check(t, f"{point.program} at call {point.number} on the way {point.way}", serial, point.program)
    if not tracer.has_killed:
        return False
    killed[point.program] += 1
    killed_at[point.program] = time.monotonic()
    return True


def check(t, name, serial, program):
    verdict = paths.judge(ledger.acked)
    t.eq(verdict.lost, [], f"{name}: none lost")
    t.eq(verdict.altered + verdict.empty, [], f"{name}: none altered")
    t.eq(verdict.early, [], f"{name}: none returned")
    for destination in ARRIVES[paths.way_of(ledger.acked[serial])]:
        may = ledger.sent[serial] + (destination in REPEATS and program in ("qmgr", "smtp", "child"))
        t.ok(verdict.copies[serial, destination] <= may, f"{name}: at most {may} at {destination}",
             (verdict.copies[serial, destination], verdict.ids[serial, destination], v.log()[-3000:]))
    t.eq([k for k in verdict.again if k[1] not in REPEATS], [], f"{name}: no mailbox has one twice")
    t.eq(paths.torn, [], f"{name}: no torn part is left")


def points(pairs):
    """Programs take turns, so that each has lived a while when it is killed."""
    todo = collections.defaultdict(collections.deque)
    for program, way in pairs:
        todo[program].append(Point(program, way, 1 + len(todo[program]) * 7 % STRIDE))
    while any(todo.values()):
        program = min((p for p in todo if todo[p]), key=lambda p: killed_at[p])
        yield todo[program]


def kill_each(t, pairs):
    before = killed.copy()
    ends = {}  # program: a call that did not come on one way, nor hardly will on another
    for todo in points(pairs):
        point = todo.popleft()
        if not LONG and point.number > max(STRIDE, ends.get(point.program, point.number)):
            continue
        time.sleep(max(0, killed_at[point.program] + LIFE - time.monotonic()))
        point.missed = 0 if try_at(t, point) else point.missed + 1
        if point.missed:
            ends[point.program] = min(point.number, ends.get(point.program, point.number))
        point.number += STRIDE
        if point.missed < (MISSES if LONG else 1):
            todo.append(point)
            if sum(killed.values()) % 50 == 0:
                tell_figures()
        if t.failures:
            break
    tell_figures()
    for program in {program for program, _way in pairs}:
        t.ok(killed[program] > before[program], f"{program} was killed", dict(killed))


def tell_figures():
    diag(f"{sum(killed.values())} kills: {dict(killed)}; {len(ledger.acked)} acknowledged, "
         f"{sum(ledger.sent.values()) - len(ledger.acked)} of them sent again; {paths.judge(ledger.acked)}")


if LONG:
    for pair in PAIRS:
        @test("%s killed at every system call on the way %s" % pair)
        def _(t, pair=pair):
            kill_each(t, [pair])
else:
    @test(f"killed at some system calls: {', '.join(PROGRAMS)}")
    def _(t):
        kill_each(t, SAMPLE)


# A start is some thousand calls, most of them the same for each folder.
STARTS = range(3, 6000, 11) if LONG else (5, 400)


@test("qmgr killed, and its next start at some system calls")
def _(t):
    starts = 0
    for number in STARTS:
        time.sleep(LIFE)
        serial = ledger.send("slow")
        v.wait_log(rf"to=<n{serial}@slow\.test>.*status=deferred")
        with Tracer("-n", v.master_pid(), number) as tracer:
            kill(v.pids_of("qmgr"))
            ledger.settle(serial)
        check(t, f"a start of qmgr at call {number}", serial, "qmgr")
        if t.failures or not tracer.has_killed:
            break
        starts += 1
    diag(f"{starts} starts killed")
    t.ok(starts >= 2, "starts were killed", starts)


def clean():
    paths.close()
    v.close()
    subprocess.run(["rm", "-rf", folder])


main(cleanup=clean, evidence=lambda: v.log()[-6000:])
