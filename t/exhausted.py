# SPDX-License-Identifier: ISC
"""What runs out loses nothing: the store below a file system, so that writes
fail when they are flushed; inodes; a user's own room; descriptors; memory."""
import contextlib
import errno
import fcntl
import glob
import mailbox
import os
import shutil
import socket
import subprocess
import tempfile
import time

from lib.disk import Disk, own_mounts
from lib.load import make_message, parse_arrived
from lib.paths import Suites
from lib.suite import IS_SANITIZED, gone, kill, wait_until
from lib.tap import diag, main, test

LONG = bool(os.environ.get("T_LONG"))

SEGMENT = 16 << 20

suites = Suites()


def suite_on(disk):
    """Its queue is there; other hosts take nothing while it .is_shut, so that
    mail stays."""
    v = suites.add(("remote",))
    os.chmod(disk.path, 0o755)
    v.queue = os.path.join(disk.path, "queue")
    v.configure(queue_directory=v.queue)
    v.is_shut = True
    v.paths.sink.rcpt = lambda line: "450 4.2.1 not now" if v.is_shut else v.paths.answer(line)
    return v


def judged(t, v, acked):
    verdict = v.paths.judged(t, acked, 120)
    t.eq(verdict.untraced(v.log()), {}, "each duplicate is an attempt that was interrupted")
    t.ok("Assertion" not in v.log() and "panic" not in v.log(), "no process fails by itself")


def fill(store):
    """All but a MiB.  False: others, who write there as well, were faster, or
    have taken of it what they wrote before."""
    def left():
        s = os.statvfs(store)
        return s.f_bavail * s.f_bsize
    with open(os.path.join(store, "ballast"), "wb") as f:
        try:
            os.posix_fallocate(f.fileno(), 0, left() - (1 << 20))
        except OSError as e:
            if e.errno != errno.ENOSPC:
                raise
            return False
    os.sync()
    return left() > 900 << 10


def segments(v):
    """The sizes of the journal's: one in use, one that is next, two spare."""
    return [os.stat(path).st_size for path in glob.glob(os.path.join(v.queue, "journal", "0*"))]


def full_store(t, kind):
    """The queue is on a file system whose own store fills up: its writes are
    taken, and fail when they are flushed.  They are of a page each: of a larger
    one that fits in part the loop device says that it was written."""
    own_mounts()
    store = tempfile.mkdtemp(prefix="valija-store-", dir="/var/tmp")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=250m", "none", store], check=True)
    disk = Disk(kind, 400, base=store)
    os.chmod(store, 0o755)
    v = suite_on(disk)
    try:
        v.start()
        v.send(v.paths.sender, ["first@far.test"], make_message(10 ** 6, 500))
        wait_until("the journal's spare segments are made", lambda: segments(v) == [SEGMENT] * 4)
        os.sync()
        # What was written with zeros has no store any more, and soon there is
        # none to be had.
        subprocess.run(["fallocate", "--dig-holes", disk.image.name], check=True)
        wait_until("the store is full but for a little", lambda: fill(store))
        load = suites.load(v, f"store-{kind}", size=1000, sessions=1)
        v.wait_log(r"the queue's disk fails: no mail is taken", give_up=60)
        wait_until("mail is refused", lambda: " 452 4.3.2 System not accepting" in v.log())
        load.stop()
        promised = dict(load.acked)
        t.ok(len(promised) > 20, "mail was acknowledged before", len(promised))
        everyone = list(v.pids())
        kill(everyone)
        wait_until("all are gone", gone(everyone))
        os.unlink(os.path.join(store, "ballast"))
        disk.remount()
        v.is_shut = False
        v.start()
        judged(t, v, promised)
    finally:
        suites.remove(v)
        disk.close()
        subprocess.run(["umount", "-l", store], capture_output=True)
        os.rmdir(store)


for kind in ("ext4", "ext4-nojournal", "xfs") if LONG else ("ext4",):
    @test(f"the store below {kind} is full: what is taken is flushed, or refused")
    def _(t, kind=kind):
        full_store(t, kind)


@test("no inodes: 452; what waits goes out; and mail is taken when there are some")
def _(t):
    disk = Disk("ext4", 300, inodes=1500)
    v = suite_on(disk)
    try:
        v.start()
        load = suites.load(v, "inodes", size=5000)
        wait_until("mail is taken", lambda: len(load.acked) > 100)
        ballast = os.path.join(disk.path, "ballast")
        os.mkdir(ballast)
        n = 0
        try:
            while True:
                open(os.path.join(ballast, str(n)), "x").close()
                n += 1
        except OSError:
            pass
        wait_until("452 at MAIL", v.refuses)
        v.is_shut = False
        wait_until("it drains", lambda: len(v.paths.sink.heard) > len(load.acked) // 2, 60)
        load.stop()
        shutil.rmtree(ballast)
        wait_until("mail is taken again", lambda: not v.refuses())
        judged(t, v, load.acked)
    finally:
        suites.remove(v)
        disk.close()


@test("a disk that stands still: no 250 before it moves, sessions up to DATA, and nothing is lost")
def _(t):
    disk = Disk("ext4", 300)
    v = suite_on(disk)
    try:
        v.start()
        load = suites.load(v, "still", size=2000, sessions=5)
        wait_until("mail is taken", lambda: len(load.acked) > 200)
        subprocess.run(["fsfreeze", "-f", disk.path], check=True)
        with socket.create_connection(("127.0.0.1", v.port), timeout=30) as s, s.makefile("rb") as replies:
            codes = [replies.readline()[:3]]
            for line in (b"HELO still.test", b"MAIL FROM:<a@out.test>", b"RCPT TO:<b@far.test>", b"DATA"):
                s.sendall(line + b"\r\n")
                codes.append(replies.readline()[:3])
            t.eq(codes, [b"220", b"250", b"250", b"250", b"354"], "a session meanwhile")
        r = v.valija("status")
        t.ok(r.returncode == 0 and "qmgr" in r.out, "status tells of all programs", r.out + r.err)

        def is_still():
            n = len(load.acked)
            time.sleep(0.5)
            return len(load.acked) == n
        wait_until("replies that were on their way have come", is_still)
        before = len(load.acked)
        time.sleep(3)
        t.eq(len(load.acked), before, "none is acknowledged")
        subprocess.run(["fsfreeze", "-u", disk.path], check=True)
        wait_until("mail is taken again", lambda: len(load.acked) > before + 100)
        load.stop()
        v.is_shut = False
        judged(t, v, load.acked)
    finally:
        subprocess.run(["fsfreeze", "-u", disk.path], capture_output=True)
        suites.remove(v)
        disk.close()


@test("a user without room: his mail waits, nobody else's does; it comes when there is room")
def _(t):
    own_mounts()
    v = suites.add(("virtual", "unix"))
    room = v.path("box/virtual")
    os.mkdir(room)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,uid=5000,mode=700", "none", room], check=True)
    v.start()
    try:
        load = suites.load(v, "room", size=4000, pace=0.02, sessions=3)
        v.wait_log(r"to=<virtual@box\.test>.*dsn=4\.3\.1, status=deferred \(.*No space left", 3)
        arrived = len(v.maildir(v.path("mail/vt-bob")))
        v.maildir(v.path("mail/vt-bob"), arrived + 20)
        load.stop()
        subprocess.run(["mount", "-o", "remount,size=64m", room], check=True)
        judged(t, v, load.acked)
    finally:
        v.stop()
        subprocess.run(["umount", "-l", room], check=True)


def btrfs(*argv):
    subprocess.run(["btrfs", *argv], check=True, stdout=subprocess.DEVNULL)


def disk_with_quota():
    """The kernels of small machines have no other: a limit of a folder."""
    disk = Disk("btrfs", 1000)
    os.chmod(disk.path, 0o755)
    btrfs("quota", "enable", disk.path)
    return disk


def limit(folder, size):
    btrfs("qgroup", "limit", size, folder)


@test("a user's quota is used up: his mail waits, nobody else's on that file system does; it comes when there is more")
def _(t):
    disk = disk_with_quota()
    v = suites.add(base=disk.path)
    his = v.path("box/virtual")
    btrfs("subvolume", "create", his)
    os.chown(his, 5000, 5000)
    limit(his, "400K")
    v.start()
    try:
        load = suites.load(v, "quota", size=20000, pace=0.02, sessions=5)
        v.wait_log(r"to=<virtual@box\.test>.*dsn=4\.2\.2, status=deferred \(.*Disk quota exceeded\)", 3)
        enough = len(load.acked) + 100
        wait_until("mail is taken", lambda: len(load.acked) > enough)
        load.stop()
        wait_until("nobody else's waits", lambda: {
            r["address"] for row in v.queued().values() for r in row["recipients"]} == {"virtual@box.test"})
        diag(f"{len(v.queued())} wait")
        limit(his, "none")
        judged(t, v, load.acked)
    finally:
        suites.remove(v)
        disk.close()


@test("a quota met by an mbox: what it holds is whole, the rest waits and comes when there is more")
def _(t):
    disk = disk_with_quota()
    spool = os.path.join(disk.path, "spool")
    btrfs("subvolume", "create", spool)
    shutil.chown(spool, "root", "mail")
    os.chmod(spool, 0o2775)
    v = suites.add(mail_spool_directory=spool)
    file = os.path.join(spool, "vt-carol")

    def arrived():
        """Serials of what is in the mbox, all of it whole."""
        with open(file, "r+b") as f:
            fcntl.lockf(f, fcntl.LOCK_EX)  # nobody is writing
            with contextlib.closing(mailbox.mbox(file)) as box:
                found = [parse_arrived(box.get_bytes(key), (b"", b"\n")) for key in box.keys()]
        t.ok(None not in found, "whole", found)
        return sorted(serial for serial, _ids in filter(None, found))
    v.start()
    try:
        v.send(v.paths.sender, ["vt-carol@here.test"], make_message(1, 20000))
        v.wait_empty()
        limit(spool, "400K")
        for serial in range(2, 41):
            v.send(v.paths.sender, ["vt-carol@here.test"], make_message(serial, 20000))
        v.wait_log(r"to=<vt-carol@here\.test>.*dsn=4\.2\.2, status=deferred \(.*Disk quota exceeded\)", 3)
        some = arrived()
        t.ok(0 < len(some) < 40, "some are there", len(some))
        limit(spool, "none")
        v.wait_empty()
        t.eq(arrived(), list(range(1, 41)), "all are there, once")
    finally:
        suites.remove(v)
        disk.close()


@test("few descriptors: who comes then waits or is told so, and mail goes on")
def _(t):
    v = suites.add(("virtual", "alias", "remote", "unix"))
    v.wrap(lambda name: "" if name == "master" else "ulimit -n 90")
    v.start()
    load = suites.load(v, "descriptors", sessions=100, pace=0.01)
    wait_until("mail is taken", lambda: len(load.acked) > (2000 if LONG else 300), 120)
    load.stop()
    judged(t, v, load.acked)


def no_memory(t):
    v = suites.add(("virtual", "unix", "alias", "forward", "remote", "refused"))
    v.start()
    for way in v.paths.ways:
        v.send(v.paths.sender, [v.paths.recipient_of(way, 10 ** 6)], make_message(10 ** 6, 500))
    v.wait_empty()
    peak = {}
    for pid, name in v.pids().items():
        with open(f"/proc/{pid}/status") as f:
            kib = [int(line.split()[1]) for line in f if line.startswith("VmPeak:")]
        peak[name] = max([*kib, peak.get(name, 0)])  # none: a child that has just ended
    v.stop()
    # What one message needs there is, and little more; a start of qmgr reads
    # the journal by its segments.
    room = {"master": 10 ** 6, "qmgr": 40000}
    v.wrap(lambda name: f"ulimit -v {peak[name] + room.get(name, 1500)}" if name in peak else "")
    v.start()
    load = suites.load(v, "memory", sessions=5, size=30000, pace=0.01)
    for n in range(20 if LONG else 3):
        before = len(load.acked)
        wait_until(f"mail is taken; {v.log()[-1000:]}", lambda: len(load.acked) > before + 20)
        crowd = []
        wait_until(f"a crowd that there is no memory for {n}", lambda: (
            crowd.append(socket.create_connection(("127.0.0.1", v.port))),
            v.log().count("Cannot allocate memory") > n)[1])
        for s in crowd:
            s.close()
    load.stop()
    judged(t, v, load.acked)


if not IS_SANITIZED:
    test("no memory: a program that gets none ends, is started again, and nothing is lost")(no_memory)

main(cleanup=suites.close, evidence=suites.evidence)
