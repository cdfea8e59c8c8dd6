# SPDX-License-Identifier: ISC
"""What rots on the disk: a bit that flips in the journal or in a queue file
costs the one message that it is of, which ends in corrupt/ with a line in the
log; a journal or a file of a version to come is refused and left as it is; a
message that was in hand at two crashes is put on hold."""
import hashlib
import os
import random
import re
import zlib

from lib.suite import Suite, wait_until
from lib.tap import diag, main, test

ROUNDS = 60 if os.environ.get("T_LONG") else 6
MESSAGES = 8

v = Suite(start=False, main_cf={"relayhost": "[127.0.0.1]:1", "minimal_backoff_time": "1h", "alias_maps": ""})
rng = random.Random(4)


def send(n, text="x\n"):
    v.send("a@out.test", [f"n{n}@far.test"], f"Subject: n{n}\nX-Mark: <mark-{n}>\n\n{text}")


def listed():
    return set(re.findall(r"n(\d+)@far\.test", v.mailq()))


def attempted(n):
    v.wait_log(rf"to=<n{n}@far\.test>.*status=deferred")


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1 << rng.randrange(8)]))


def places(folder, mark):
    """Where the mark stands in the files below: (path, offset)."""
    found = []
    for base, _dirs, files in os.walk(os.path.join(v.queue, folder)):
        for name in files:
            path = os.path.join(base, name)
            with open(path, "rb") as f:
                found += [(path, m.start()) for m in re.finditer(mark.encode(), f.read())]
    return found


def one_is_lost(t, victim, present, where):
    """After a flip: all others are there, it is in corrupt/ and the log says so."""
    before, lines = len(os.listdir(os.path.join(v.queue, "corrupt"))), v.log().count("corrupt/")
    v.start()
    if where == "deferred":  # a file is looked into when it is due
        v.run("postqueue", "-c", v.conf, "-f", check=True)
    wait_until(f"it is put aside; {v.log()[-800:]}", lambda: v.log().count("corrupt/") > lines)
    wait_until("it is no longer in the queue", lambda: victim not in listed(), 5)
    t.eq(listed(), present - {victim}, f"all but n{victim} live")
    t.ok(len(os.listdir(os.path.join(v.queue, "corrupt"))) > before, "it is in corrupt/")


@test(f"{ROUNDS} bits of messages in the journal, and as many in files")
def _(t):
    v.start()
    number = 0
    for where in ("journal", "deferred"):
        for _round in range(ROUNDS):
            for _ in range(MESSAGES - len(listed())):
                send(number, "x\n" if where == "journal" else "large\n" * 50000)
                attempted(number)
                number += 1
            present = listed()
            v.stop()
            other = "deferred" if where == "journal" else "journal"
            there = [n for n in sorted(present) if places(where, f"<mark-{n}>") and not places(other, f"<mark-{n}>")]
            t.must(there, f"messages are in {where}/")
            victim = rng.choice(there)
            # Of several in the journal one counts; a file's content is not
            # looked at before it is sent, its envelope is.
            mark = f"<mark-{victim}>" if where == "journal" else f"n{victim}@far.test"
            for path, at in places(where, mark):
                flip(path, at + rng.randrange(-20, 20))
            one_is_lost(t, victim, present, where)
            if t.failures:
                return
    diag(f"{2 * ROUNDS} bits, {number} messages")


@test("in hand at two crashes: on hold, and the others go on")
def _(t):
    present = listed()
    v.stop()
    victim = sorted(present)[0]
    qid = re.findall(rf"(\w+): to=<n{victim}@far\.test>", v.log())[-1]
    with open(os.path.join(v.queue, "journal", "inhand"), "r+b") as f:
        f.write(qid.encode().ljust(40, b"\0") * 2 + b"\1")
    v.start()
    v.wait_log(rf"{qid}: .*in hand at two crashes")
    wait_until("it is on hold", lambda: f"{qid}!" in v.mailq())
    t.eq(listed(), present, "all are there")


def digest():
    found = {}
    for base, _dirs, files in os.walk(v.queue):
        for name in files:
            path = os.path.join(base, name)
            with open(path, "rb") as f:
                found[path] = hashlib.sha256(f.read()).hexdigest()
    return {p: d for p, d in found.items() if "/pid/" not in p}


@test("a queue file of a version to come stays where it is; a journal of one ends the start, with nothing written")
def _(t):
    v.stop()
    path = next(os.path.join(b, f) for b, _d, files in os.walk(os.path.join(v.queue, "deferred")) for f in files)
    with open(path, "r+b") as f:
        head = bytearray(f.read(44))
        head[8] += 1
        head[40:44] = zlib.crc32(bytes(head[:40])).to_bytes(4, "little")
        f.seek(0)
        f.write(head)
        f.seek(0)
        before = f.read()
    v.start()
    v.run("postqueue", "-c", v.conf, "-f", check=True)
    v.wait_log(r"left where it is")
    with open(path, "rb") as f:
        t.ok(f.read() == before, "the file is untouched")
    v.stop()
    for name in os.listdir(os.path.join(v.queue, "journal")):
        if name != "inhand":
            for at in (8, 4096 + 8):
                with open(os.path.join(v.queue, "journal", name), "r+b") as f:
                    f.seek(at)
                    byte = f.read(1)[0]
                    f.seek(at)
                    f.write(bytes([byte ^ 2]))
    before = digest()
    r = v.valija("start")
    t.ok(r.returncode != 0, "the start ends", r.out + r.err)
    t.ok(re.search(r"qmgr\[\d+\]: .*journal/\d+.*version", v.log()), "and says why", v.log()[-800:])
    t.eq({p for p, d in digest().items() if before.get(p) != d}, set(), "nothing was written")


main(cleanup=v.close, evidence=lambda: v.log()[-4000:])
