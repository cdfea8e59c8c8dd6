# SPDX-License-Identifier: ISC
"""Nothing that was acknowledged is lost, on whatever way (lib/paths.py): kill
-9 of each kind of process, of master, of all at once; power cuts on ext4 and
xfs; and the same with flushes that do nothing, which must be seen."""
import collections
import os
import random
import tempfile
import time

from lib.disk import Disk
from lib.paths import ARRIVES, REPEATS, Paths, Suites
from lib.submission import Submission
from lib.suite import gone, kill, wait_until
from lib.tap import diag, main, test

LONG = bool(os.environ.get("T_LONG"))
KILLS = int(os.environ.get("T_KILLS", "200")) if LONG else 4  # of each kind
CUTS = int(os.environ.get("T_CUTS", "20")) if LONG else 3
KINDS = ("smtpd", "qmgr", "local", "child", "mda", "smtp", "bounce", "dns", "lookup", "pickup", "keys", "auth", "memo", "pam",
         "master", "all")
LOGIN = ("keys", "auth", "memo", "pam")  # have their part in a login
AWAY = 2.0 if LONG else 5.0  # s: without logins, after one of those was killed
# what takes work of this process is the lesser part
MIX = ("virtual", "unix", "virtual") * 4 + tuple(ARRIVES)

suites = Suites()


def make_suite(base=None, flushes=True, submits=False):
    v = suites.add(MIX, base=base)
    v.submission = Submission(v) if submits else None
    if base:  # the log is not what the power is cut under
        v.log_path = tempfile.mkstemp(prefix="log-", dir=suites.folder)[1]
        v.configure(maillog_file=v.log_path, maillog_file_prefixes="/dev")
    if not flushes:
        v.preload("nosync.c")
    v.start()
    return v


def by_way(acked):
    return dict(collections.Counter(map(Paths.way_of, acked.values())))


def victims(v, kind):
    """Pids of one kind of process, below this suite's master."""
    if kind == "master":
        return [v.master_pid()]
    return list(v.pids()) if kind == "all" else v.pids_of(kind)


def agree(t, verdict, log):
    """What must be so after any crash.  It can repeat what was in flight: taken
    by another host, or a command, and not yet recorded; each such is one that qmgr
    took up again.  A Maildir recognises what it has, a mailbox file what
    no other message stands behind."""
    t.eq(len(verdict.lost), 0, "none lost")
    t.eq(len(verdict.empty), 0, "none empty")
    t.eq(len(verdict.altered), 0, "none altered")
    t.eq(len(verdict.early), 0, "none returned that need not be")
    repeats = (*REPEATS, "box/file")
    t.eq([k for k in verdict.again if k[1] not in repeats][:5], [], "none twice in a Maildir by our doing")
    t.eq(verdict.untraced(log), {}, "each duplicate is an attempt that was interrupted")


class Loads:
    """Of the test of kills: in the clear; by users who log in; under TLS, by
    whom nobody knows."""

    def __init__(self, v):
        self.plain = suites.load(v, "kills")
        self.users, self.servers = (
            v.submission.load(port, v.paths.recipient, v.path(name), first=first, sender=v.paths.sender, sessions=4, pace=0.01)
            for port, name, first in ((v.submission.port, "users", 10 ** 8), (v.port, "servers", 2 * 10 ** 8)))
        self.all = self.plain, self.users, self.servers

    def acked(self):
        return {serial: to for load in self.all for serial, to in load.acked.items()}

    def stop(self):
        for load in self.all:
            load.stop()


def until_login(v):
    """How long nobody can log in, from now on."""
    began = time.monotonic()
    wait_until("a login", lambda: v.submission.works() is None, 60)
    return time.monotonic() - began


@test(f"{KILLS} kills of each of {', '.join(KINDS)}")
def _(t):
    v = make_suite(submits=True)
    try:
        kill_each(t, v)
    finally:
        v.submission.close()


def kill_each(t, v):
    loads = Loads(v)
    load = loads.plain
    rng = random.Random(1)
    killed, away = collections.Counter(), {kind: [] for kind in LOGIN}
    for _round in range(KILLS):
        for kind in KINDS:
            # anywhere in a message's life, and in a round of mail
            wanted = len(load.acked) + rng.randint(20, 200)
            wait_until(f"mail is taken before {kind} is killed", lambda: len(load.acked) > wanted, 60)
            if kind in LOGIN:
                by_users = len(loads.users.acked)
                wait_until(f"users' mail before {kind} is killed", lambda: len(loads.users.acked) > by_users + 5, 60)
            time.sleep(rng.random() * 0.02)
            pids = wait_until(f"{kind} runs", lambda: victims(v, kind), 60)
            if kind not in ("master", "all") and pids:
                pids = [rng.choice(pids)]
            everyone = list(v.pids()) if kind in ("master", "all") else []
            kill(pids)
            killed[kind] += bool(pids)
            if kind in LOGIN:
                away[kind].append(until_login(v))
            if everyone:
                wait_until("all are gone", gone(everyone), 30)
                v.start()
    loads.stop()
    v.wait_empty(120)
    acked = loads.acked()
    verdict = v.paths.judge(acked)
    diag(f"{len(acked)} acknowledged ({len(loads.users.acked)} of users, {len(loads.servers.acked)} under TLS), "
         f"{load.rate():.0f}/s in the clear through {dict(killed)}: {verdict}; {by_way(acked)}")
    diag("; ".join(f"no login after {kind} for {sorted(s)[len(s) // 2]:.2f} s, {max(s):.2f} at most" for kind, s in away.items()))
    for kind in KINDS:
        t.ok(killed[kind] >= KILLS - 2, f"{kind} was there to be killed", dict(killed))
    for kind in LOGIN:
        t.ok(max(away[kind]) <= AWAY, f"logins are back within {AWAY:.0f} s after {kind}", away[kind])
    t.ok(len(loads.users.acked) > 5 * KILLS * len(LOGIN) and len(loads.servers.acked) > 0, "all loads have their part")
    t.eq(loads.users.denied, [], "a right password is never called wrong")
    if LONG:  # else the machine is that of all other tests as well
        t.ok(load.rate() >= 200, "200 a second or more, restarts included", f"{load.rate():.0f}/s")
    log = v.log()
    agree(t, verdict, log)
    t.ok("panic" not in log and "Assertion" not in log, "no process failed by itself")
    suites.remove(v)


def power_cuts(t, kind, cuts, flushes=True):
    """(acknowledged, verdict, log) after so many cuts under load."""
    disk = Disk(kind, 600 + 8 * cuts)  # what arrived stays
    v = None
    acked, first, busy, n = {}, 1, 0, 0
    try:
        v = make_suite(base=disk.path, flushes=flushes)
        os.sync()  # what this test itself wrote is not what is tried
        for n in range(cuts):
            load = suites.load(v, f"{kind}-{flushes}-{n}", first=first)
            wait_until("mail is taken", lambda: len(load.acked) > 300, 60)
            time.sleep(random.random() * 0.2)
            everyone = list(v.pids())
            promised = dict(load.acked)  # before the cut: no later word counts
            busy += time.monotonic() - load.began
            disk.cut()
            kill(everyone)
            load.stop()
            acked.update(promised)
            first = load.serial + 1
            wait_until("all are gone", gone(everyone), 30)
            disk.remount()
            v.start()
        v.wait_empty(120)
        verdict = v.paths.judge(acked)
        rate = len(acked) / busy
        diag(f"{kind}, flushes {flushes}: {len(acked)} acknowledged, {rate:.0f}/s, over {cuts} power cuts: {verdict}; "
             f"{by_way(acked)}")
        if LONG:
            t.ok(rate >= 200, "at 200 a second or more", f"{rate:.0f}/s")
        v.stop()
        log = v.log()
    except Exception:
        diag(f"after {n} cuts: {v and v.log()[-6000:]}")
        raise
    finally:
        if v:
            if v.is_started:
                v.valija("stop")
            suites.open.remove(v)
        disk.close()
    return acked, verdict, log


for fs in ("ext4", "xfs"):
    @test(f"{CUTS} power cuts on {fs}")
    def _(t, fs=fs):
        _acked, verdict, log = power_cuts(t, fs, CUTS)
        agree(t, verdict, log)


@test("with flushes that do nothing, power cuts are seen to lose mail")
def _(t):
    harm = 0
    for attempt in range(3):
        _acked, verdict, _log = power_cuts(t, "ext4", 2, flushes=False)
        harm = len(verdict.lost) + len(verdict.empty) + len(verdict.altered)
        if harm:
            break
    t.ok(harm > 0, "the test sees a disk that lies")


main(cleanup=suites.close, evidence=suites.evidence)
