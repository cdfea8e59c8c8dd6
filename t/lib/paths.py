# SPDX-License-Identifier: ISC
"""paths: a suite in which mail takes every way that there is, and what must
come of each message.

    p = Paths(Suite(start=False))
    load = p.load(ledger)
    ...
    verdict = p.judge(load.acked)

A destination is a Maildir, a mailbox file, or the sink, which stands for other
hosts and remembers in this process; ARRIVES says which ones each way leads to.
"""
import collections
import os
import re
import shutil
import tempfile
import threading

from lib.load import Load, Verdict, attempts_in, files_in, parse_arrived
from lib.sink import Sink
from lib.suite import Suite
from lib.tap import diag

ARRIVES = {
    "virtual": ("box/virtual",),
    "unix": ("mail/vt-bob",),
    "alias": ("box/one", "box/two", "sink"),
    "forward": ("box/forward", "mail/vt-alice"),  # .forward, and a copy
    "remote": ("sink",),
    "refused": ("box/back",),                     # a notification
    "slow": ("sink",),                            # refused once for now
    "mbox": ("box/file",),
    "command": ("box/command",),                  # which makes a file
}
DOMAINS = {
    "virtual": "virtual@box.test", "unix": "vt-bob@here.test", "alias": "team@here.test",
    "forward": "vt-alice@here.test", "remote": "far.test", "refused": "refused.test", "slow": "slow.test",
    "mbox": "file@box.test", "command": "command@here.test",
}
BOXES = ("virtual", "one", "two", "forward", "back")
# What makes a message twice when it is interrupted and done again.
REPEATS = ("sink", "box/command")
COMMAND = """#!/bin/sh
name=$(mktemp -p "$1/tmp" XXXXXXXXXXXX) && cat >"$name" && sync "$name" &&
mv "$name" "$1/new" && sync "$1/new" || exit 75
"""


class Paths:
    """Of a suite that is not started yet.  `ways`: which of ARRIVES."""

    sender = "back@box.test"

    def __init__(self, v, ways=tuple(ARRIVES)):
        self.v, self.ways = v, ways
        self.seen = collections.Counter()  # RCPT lines of what is refused for now
        self.refusals = 1   # of each of those
        self.known = set()  # paths that were judged
        self.taken = 0      # of the sink, likewise
        self.torn = []      # what stands in a mailbox file and is no message
        self.verdict = PathsVerdict()
        self.lock = threading.Lock()
        self.sink = Sink(rcpt=self.answer)
        box, forwards = v.path("box"), v.path("forwards")
        os.mkdir(box)
        os.chown(box, 5000, 5000)
        os.mkdir(forwards)
        with open(os.path.join(forwards, "vt-alice"), "w") as f:
            f.write("forward@box.test, \\vt-alice\n")
        command = self.make_command(os.path.join(box, "command"))
        v.write("aliases.txt", "team: one@box.test, two@box.test, team@far.test\npostmaster: /dev/null\n"
                f"command: \"|{command}\"\n")
        v.configure(
            virtual_mailbox_domains="box.test", virtual_mailbox_base=box,
            virtual_mailbox_maps="inline:{ " + " ".join(f"{b}@box.test={b}/" for b in BOXES) +
            " file@box.test=file }",
            virtual_uid_maps="static:5000", virtual_gid_maps="static:5000",
            mail_spool_directory=v.mail + "/", forward_path=forwards + "/$user",
            relayhost=f"[127.0.0.1]:{self.sink.port}", notify_classes="",
            minimal_backoff_time="1s", maximal_backoff_time="3s", queue_run_delay="1s",
            smtpd_client_connection_count_limit="0", smtpd_error_sleep_time="0s",
            smtpd_hard_error_limit="1000000", virtual_mailbox_limit="0")

    def make_command(self, folder):
        """Of an alias: a message into a folder like a Maildir, by anybody."""
        for path in (folder, f"{folder}/tmp", f"{folder}/new"):
            os.mkdir(path)
            os.chmod(path, 0o777)
        self.v.write("command", COMMAND)
        os.chmod(self.v.path("etc/command"), 0o755)
        return f"{self.v.path('etc/command')} {folder}"

    def answer(self, line):
        """Of the sink, to RCPT."""
        if "@refused.test" in line:
            return "550 5.1.1 no such user"
        if "@slow.test" in line:
            with self.lock:
                self.seen[line] += 1
                return "450 4.2.1 come again" if self.seen[line] <= self.refusals else "250 2.1.5 Ok"
        return "250 2.1.5 Ok"

    def recipient(self, serial):
        return self.recipient_of(self.ways[serial % len(self.ways)], serial)

    @staticmethod
    def recipient_of(way, serial):
        to = DOMAINS[way]
        return to if "@" in to else f"n{serial}@{to}"

    @staticmethod
    def way_of(recipient):
        return next(w for w, to in DOMAINS.items() if to in (recipient, recipient.partition("@")[2]))

    def load(self, ledger, **kw):
        return Load(self.v.port, self.recipient, ledger, sender=self.sender, **kw).start()

    def destinations(self):
        return sorted({d for way in self.ways for d in ARRIVES[way]} | {"box/back"})

    def contents(self, destination):
        """(where, bytes with LF) of all that arrived there since the last time."""
        if destination == "sink":
            heard = self.sink.heard[self.taken:]
            for i, (_mail, _to, content) in enumerate(heard):
                yield f"sink {self.taken + i}", content.replace(b"\r\n", b"\n")
            self.taken += len(heard)
            return
        if destination == "box/file":
            yield from self.new_parts(self.v.path(destination))
            return
        for path in files_in(self.v.path(destination)):
            if path in self.known:
                continue
            self.known.add(path)
            with open(path, "rb") as f:
                yield path, f.read()

    def new_parts(self, path):
        """Of a mailbox file.  What stands last may be under way."""
        self.torn = []
        if not os.path.exists(path):
            return
        with open(path, "rb") as f:
            parts = re.split(rb"(?:\A|(?<=\n\n))From back@box\.test .{24}\n", f.read())
        if parts[0]:
            self.torn.append(parts[0])
        for i, part in enumerate(parts[1:]):
            if (path, i) in self.known:
                continue
            if i == len(parts) - 2 and parse_arrived(part[:-1]) is None:
                self.torn.append(part)
                break
            self.known.add((path, i))
            yield f"{path} {i}", part[:-1]

    def judge(self, acked):
        """The ledger {serial: recipient} against all that arrived."""
        v = self.verdict
        v.acked = acked
        for destination in self.destinations():
            for where, data in self.contents(destination):
                v.look_at(destination, where, data)
        v.lost = sorted((s, d) for s, to in acked.items() for d in ARRIVES[self.way_of(to)]
                        if (s, d) not in v.copies)
        v.early = sorted(s for s, d in v.copies
                         if d == "box/back" and s in acked and self.way_of(acked[s]) != "refused")
        return v

    def judged(self, t, acked, give_up=60):
        """The same once the queue is empty, and all but what came twice is as
        it must be."""
        self.v.wait_empty(give_up)
        verdict = self.judge(acked)
        diag(f"{len(acked)} acknowledged: {verdict}")
        t.eq((verdict.lost[:5], verdict.altered[:5], verdict.empty[:5], verdict.early[:5]), ([], [], [], []),
             "all as it must be")
        return verdict

    def close(self):
        self.sink.close()


class Suites:
    """Those of a test file, each with .paths, and a folder for ledgers that is
    on no disk under test."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="valija-ledger-", dir="/dev/shm")
        self.open = []

    def add(self, ways=tuple(ARRIVES), base=None, **settings):
        """One more, which is not started."""
        v = Suite(base=base, start=False)
        v.paths = Paths(v, ways)
        v.configure(**settings)
        self.open.append(v)
        return v

    def load(self, v, name, **kw):
        return v.paths.load(os.path.join(self.folder, name), **kw)

    def remove(self, v):
        v.close()
        v.paths.close()
        self.open.remove(v)

    def close(self):
        for v in list(self.open):
            self.remove(v)
        shutil.rmtree(self.folder, ignore_errors=True)

    def evidence(self):
        return "\n".join(v.log()[-4000:] for v in self.open)


class PathsVerdict(Verdict):
    """Its keys are (serial, destination)."""

    def __init__(self):
        super().__init__()
        self.early = []  # serials that were returned, and should not have been
        self.again = []  # where one queue id stands twice: made twice by us

    def untraced(self, log):
        """As for other mail; but what a message became has an id of its own,
        which the log may lack: a crash can come before the line."""
        attempts = attempts_in(log)
        children = collections.defaultdict(set)
        for parent, child in re.findall(r": (\w+): to=<.*\(forwarded as (\w+)\)", log):
            children[parent].add(child)

        def traced(serial, ids):
            became = {c for i in ids for c in children[i]}
            is_silent = not became and self.acked.get(serial) == DOMAINS["alias"]
            return sum(attempts[i] for i in ids | became) + is_silent
        return {k: n for k, n in self.duplicates().items() if n > traced(k[0], self.ids[k])}

    def look_at(self, destination, where, data):
        if not data:
            self.empty.append(where)
            return
        if destination == "box/back":
            data = data.partition(b"Content-Type: message/rfc822\n")[2].partition(b"\n\n")[2]
            boundary = b"\n\n--"
            data = data[:data.rfind(boundary)] if boundary in data else data
        arrived = parse_arrived(data, (b"", b"\n"))
        if arrived is None:
            self.altered.append(where)
            return
        serial, ids = arrived
        key = serial, destination
        if key in self.copies and ids and ids[-1] in self.ids[key]:
            self.again.append(key)
        self.count(key, ids)

    def __str__(self):
        return (f"{len(self.copies)} arrived, {len(self.lost)} lost, {len(self.empty)} empty, {len(self.altered)} "
                f"altered, {len(self.early)} returned early, {len(self.duplicates())} twice, {len(self.again)} of them "
                f"made twice; lost {self.lost[:5]}, altered {self.altered[:3]}, again {self.again[:5]}")
