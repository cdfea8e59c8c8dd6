# SPDX-License-Identifier: ISC
"""What each process is, and what it cannot do: asserted from /proc of a
running suite, and by trying."""
import contextlib
import os
import pwd
import re
import subprocess

from lib.suite import IS_ROOT, TOP, Suite, processes_below, wait_until
from lib.tap import main, test

assert IS_ROOT, "users and capabilities are root's to give"

v = Suite(main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "virtual_mailbox_base": "/nonexistent", "relayhost": "[127.0.0.1]:1",
    "smtpd_reject_unlisted_recipient": "no", "smtpd_client_event_limit_exceptions": "192.0.2.1",
    "transport_maps": "inline:{{gone.test=error:gone}}",
}, start=False)
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)
BOX, ALICE, BOB = 5000, pwd.getpwnam("vt-alice").pw_uid, pwd.getpwnam("vt-bob").pw_uid
FORWARD = os.path.join(pwd.getpwnam("vt-bob").pw_dir, ".forward")
with open(FORWARD, "w") as forward:
    forward.write('"|exec sleep 30"\n')
os.chown(FORWARD, BOB, -1)
v.configure(virtual_mailbox_base=box)
v.start()

# program: user, chrooted, effective capabilities
CAP_SETGID, CAP_SETUID, CAP_IPC_LOCK = 1 << 6, 1 << 7, 1 << 14
PROGRAMS = {
    "smtpd": ("valija-smtpd", True, 0),
    "pickup": ("valija-pickup", True, 0),
    "qmgr": ("valija-queue", None, 0),
    "local": ("valija-local", True, 0),
    "mda": ("valija-mda", None, CAP_SETUID | CAP_SETGID),
    "smtp": ("valija-smtp", True, 0),
    "bounce": ("valija-bounce", True, 0),
    "dns": ("valija-dns", True, 0),
    "lookup": ("valija-lookup", False, 0),
    "keys": ("valija-keys", True, CAP_IPC_LOCK),
    "auth": ("valija-auth", True, 0),
    "memo": ("valija-memo", True, 0),
}


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def all_at_work():
    """{pid: program}, of all programs and of mda's children of each kind: for
    a Maildir, a mailbox, a .forward, a command."""
    v.send("vt-alice@here.test", ["vt-bob@here.test"])
    v.send("vt-alice@here.test", ["a@box.test", "x@relayed.example", "vt-alice@here.test"])
    v.send("vt-alice@here.test", ["y@gone.test"])

    def found():
        now = running()
        users = {status_uid(pid) for pid in now}
        all_there = set(PROGRAMS) == set(now.values()) and {BOX, ALICE, BOB} <= users
        # a new child is no user for a moment
        return now if all_there and any(map(is_command, now)) and sum(map(is_flusher, now)) == 1 else None
    return wait_until("all are at work", found)


def is_child(pid):
    """Of mda's, that is a user."""
    return status_uid(pid) in (BOX, ALICE, BOB)


def is_flusher(pid):
    """The child of mda's that is no user."""
    return not is_child(pid) and running().get(int(status(pid)["PPid"])) == "mda"


def is_command(pid):
    """The child that runs a user's command, alone with the user's rights."""
    return is_child(pid) and "sleep" in processes_below(pid).values()


def running():
    return {pid: name for pid, name in processes_below(v.master_pid()).items() if name in PROGRAMS}


@test("every program runs as its own user, without capabilities, filtered")
def _(t):
    found = all_at_work()
    for pid, name in found.items():
        user, chrooted, caps = PROGRAMS[name]
        s = status(pid)
        uid = {int(u) for u in s["Uid"].split()}
        who = f"{name}[{pid}]"
        child, flusher = is_child(pid), is_flusher(pid)
        if flusher:
            caps = 0
        if child:
            t.eq(len(uid), 1, f"{who} has one user's identity")
            t.eq(int(s["CapEff"], 16), 0, f"{who}, a user's child, has no capability")
            t.eq(int(s["CapPrm"], 16), 0, f"{who} cannot get one")
        else:
            t.eq(uid, {pwd.getpwnam(user).pw_uid}, f"{who}'s user")
            t.eq(int(s["CapEff"], 16), caps, f"{who}'s capabilities")
            t.eq(int(s["CapPrm"], 16), caps, f"{who}'s permitted capabilities")
            t.eq(int(s["CapInh"], 16), 0, f"{who}'s inheritable capabilities")
        t.ok(int(s["CapBnd"], 16) & ~(CAP_SETUID | CAP_SETGID | CAP_IPC_LOCK) == 0, f"{who}'s bounding set", s["CapBnd"])
        t.eq(s["Seccomp"].strip(), "2", f"{who} is filtered")
        if name != "mda" or flusher or child and not is_command(pid):
            t.eq(s["NoNewPrivs"].strip(), "1", f"{who} gets no new privileges")
        if chrooted and not child:
            root = os.readlink(f"/proc/{pid}/root")
            t.ok(root != "/" and os.listdir(f"/proc/{pid}/root") == [], f"{who} sees an empty directory", root)
        limits = open(f"/proc/{pid}/limits").read()
        if not is_command(pid):
            t.ok(re.search(r"Max core file size\s+0\s", limits), f"{who} leaves no core")
    for pid, name in processes_below(v.master_pid()).items():
        if name == "sleep":
            s = status(pid)
            t.eq({int(u) for u in s["Uid"].split()}, {BOB}, "a user's command is the user")
            t.eq([int(s[c], 16) for c in ("CapEff", "CapPrm", "CapInh", "CapAmb")], [0] * 4, "without a capability")
            t.eq(s["Seccomp"].strip(), "2", "and filtered")


@test("no two programs share a user, none is root")
def _(t):
    users = {}
    for pid, name in running().items():
        uid = int(status(pid)["Uid"].split()[0])
        if not is_child(pid):
            users.setdefault(uid, set()).add(name)
    for uid, names in users.items():
        t.eq(len(names), 1, f"uid {uid} is one program's: {names}")
        t.ok(uid != 0, f"{names} is not root")


@test("master keeps the capabilities it needs and no more")
def _(t):
    s = status(v.master_pid())
    bounding = int(s["CapBnd"], 16)
    needed = sum(1 << c for c in (0, 1, 2, 3, 5, 6, 7, 8, 10, 14, 18, 21))
    t.ok(bounding & ~needed == 0, "bounding set", s["CapBnd"])


# What a program is for; everything else that inject tries is refused.
MAY = {
    "dns": {"socket-inet"},
    "smtp": {"socket-inet"},
    # modules of the name service
    "lookup": {"open-passwd", "socket-inet", "socket-netlink", "connect-unix", "mmap-exec"},
    # Users' commands inherit its filter; what it never may is become root, or
    # one of the suite, or touch what is theirs.
    "mda": {"open-passwd", "create-tmp", "socket-inet", "socket-netlink", "connect-unix",
            "mmap-exec"},
    # the root is its queue, where it has a folder of this name
    "qmgr": {"create-tmp"},
}


@test("each running program, made to try what it must not, is refused")
def _(t):
    inject = v.path("inject")
    subprocess.run(["gcc", "-O1", "-o", inject, f"{TOP}/t/lib/inject.c"], check=True)
    journal = os.path.join(v.queue, "journal")
    queue_file = os.path.join(journal, sorted(os.listdir(journal))[0])
    pickup = os.path.join(v.queue, "public", "pickup")
    before = all_at_work()
    flushers = {pid for pid in before if is_flusher(pid)}  # while there are children
    t.eq(len(flushers), 1, "one process flushes for all children")
    for pid, name in before.items():
        other = next(p for p, n in before.items() if n != name)
        # mda may execute programs, and would be gone
        is_shut = is_flusher(pid) or is_child(pid) and not is_command(pid)
        is_open = name == "mda" and not is_shut
        program = "/nonexistent" if is_open else "/bin/true"
        r = subprocess.run([inject, str(pid), queue_file, pickup, str(other), program],
                           capture_output=True, text=True, timeout=30)
        results = dict(line.split() for line in r.stdout.splitlines())
        t.ok(r.returncode == 0 and len(results) >= 18, f"{name} was made to try", r.stdout + r.stderr)
        # a child of mda's that delivers, reads or flushes is shut in
        may = set() if is_shut else MAY.get(name, set())
        for attempt, result in results.items():
            if attempt not in may:
                t.ok(int(result) < 0, f"{name} is refused {attempt}", result)
        if name in ("dns", "smtp"):
            t.ok(int(results["socket-inet"]) >= 0, f"{name} can do its job", results["socket-inet"])
    lasting = {p: n for p, n in before.items() if not is_child(p) and p not in flushers}
    t.ok(lasting.items() <= running().items(), "and all live on", running())
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/tmp/valija-sandbox-probe")  # mda's, who may
    v.send("vt-alice@here.test", ["after@box.test"])
    v.wait_log(r"to=<after@box\.test>, .*status=sent")


def status_uid(pid):
    try:
        return int(status(pid)["Uid"].split()[0])
    except OSError:
        return BOX  # it was a child, which has ended


@test("a stranger on this host reaches no socket but those for everyone")
def _(t):
    reached = []
    for folder, _dirs, files in os.walk(v.queue):
        for f in files:
            path = os.path.join(folder, f)
            if not os.path.exists(path) or not subprocess.run(["test", "-S", path]).returncode == 0:
                continue
            code = ("import socket,sys\ns=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
                    "try:\n s.connect(sys.argv[1])\nexcept OSError: sys.exit(1)")
            if subprocess.run(["python3", "-c", code, path], user="nobody", group="nogroup",
                              extra_groups=[]).returncode == 0:
                reached.append(os.path.relpath(path, v.queue))
    t.eq(sorted(reached), ["public/pickup", "public/showq"], "sockets a stranger can connect to")


@test("nothing of a message is for other users to read")
def _(t):
    for folder, dirs, files in os.walk(v.queue):
        for d in dirs:
            s = os.lstat(os.path.join(folder, d))
            if d in ("journal", "deferred", "hold", "corrupt"):
                t.eq(s.st_mode & 0o077, 0, f"{d} is closed to others")
        for f in files:
            s = os.lstat(os.path.join(folder, f))
            if folder.endswith("journal"):
                t.eq(s.st_mode & 0o077, 0, f"{f} is closed to others")
                t.eq(s.st_uid, pwd.getpwnam("valija-queue").pw_uid, f"{f} is the queue's")


def clean():
    os.unlink(FORWARD)
    v.close()


main(cleanup=clean, evidence=lambda: v.log()[-4000:])
