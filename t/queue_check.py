# SPDX-License-Identifier: ISC
"""postsuper -s, -S, -p: what is not as it should be in the queue's directory."""
import os
import shutil
import time

from lib.suite import Suite, wait_until
from lib.tap import main, test

v = Suite(main_cf={
    "relay_domains": "relay.example", "relayhost": "[127.0.0.1]:9",
    "minimal_backoff_time": "1h", "maximal_backoff_time": "2h",
})


def postsuper(*options):
    r = v.run("postsuper", "-c", v.conf, *options)
    return r.returncode, r.err


def rows():
    return {i: row["queue_name"] for i, row in v.queued().items()}


def fill(n):
    """Messages that wait as files in deferred/: {id: path}."""
    known = set(rows())
    for i in range(n):
        v.send("s@out.test", [f"u{i}@relay.example"], f"Subject: {i}\n\nthe body\n")
    wait_until("they wait", lambda: sum(q == "deferred" for q in rows().values()) == len(known) + n)
    new = [i for i in rows() if i not in known]
    for i in new:  # hold/ makes files of them
        v.run("postsuper", "-h", i)
        v.run("postsuper", "-H", i)
    wait_until("they wait again", lambda: all(rows()[i] == "deferred" for i in new) and
               all(place_of(i) for i in new))
    return {i: place_of(i) for i in new}


def place_of(queue_id):
    top = os.path.join(v.queue, "deferred")
    for directory in os.listdir(top):
        path = os.path.join(top, directory, queue_id)
        if os.path.exists(path):
            return path
    return None


def corrupt():
    return set(os.listdir(os.path.join(v.queue, "corrupt")))


files = fill(4)
ids = list(files)


@test("nothing to find")
def _(t):
    t.eq(postsuper("-s"), (0, ""), "-s")
    t.eq(postsuper("-p"), (0, ""), "-p")
    t.eq(postsuper(), (0, ""), "both, as without an option")
    t.eq(postsuper("-S"), (0, "postsuper: Checked: 4 messages\n"), "-S")


@test("a file in the wrong directory is mail again, under another id; a copy goes aside")
def _(t):
    path = files[ids[0]]
    wrong = os.path.join(os.path.dirname(os.path.dirname(path)), "00" if path.split("/")[-2] != "00" else "01", ids[0])
    saved = v.path("saved")
    shutil.copy2(path, saved)

    def restore():
        shutil.copy2(saved, wrong)
        shutil.chown(wrong, *os.stat(os.path.dirname(wrong))[4:6])
    restore()
    t.eq(postsuper("-s"), (0, "postsuper: Put into corrupt/: 1 file\n"), "a copy of what waits")
    t.eq([n.split("-")[0] for n in corrupt()], [ids[0]], "is aside")
    v.run("postsuper", "-d", ids[0])
    known = set(rows())
    restore()
    t.eq(postsuper("-s"), (0, "postsuper: Requeued from a wrong directory: 1 message\n"), "-s, while the suite runs")
    [new] = set(rows()) - known
    v.wait_log(rf"{new}: uid=\d+ from=<s@out\.test> orig_id={ids[0]}")
    v.wait_log(rf"{new}: to=<u\d@relay\.example>, .*status=deferred")
    t.ok(not os.path.exists(wrong) and b"\n\nthe body\n" in v.run("postcat", "-bh", "-q", new).stdout, "with its content")
    v.stop()
    v.run("postsuper", "-d", new)
    restore()
    v.start()
    v.wait_log(rf"deferred/\w\w/{ids[0]} does not belong there: left")
    t.eq((set(rows()), os.path.exists(wrong)), (known, True), "a start leaves it, and says so")
    v.stop()
    t.eq(postsuper("-s"), (0, "postsuper: Requeued from a wrong directory: 1 message\n"), "-s, while it is down")
    v.start()
    [ids[0]] = set(rows()) - known
    v.wait_log(rf"{ids[0]}: to=<u\d@relay\.example>, .*status=deferred")
    with open(wrong, "wb") as f:
        f.write(open(saved, "rb").read()[:-5])
    shutil.chown(wrong, *os.stat(os.path.dirname(wrong))[4:6])
    t.eq(postsuper("-s"), (0, "postsuper: Put into corrupt/: 1 file\n"), "a damaged one")


@test("what is no message stays, and is said")
def _(t):
    strange = os.path.join(v.queue, "hold", "strange.txt")
    with open(strange, "w") as f:
        f.write("x")
    t.eq(postsuper("-s"), (0, "postsuper: warning: 1 file in the queue that is no message: see the log\n"), "-s")
    v.wait_log(r"hold/strange\.txt is no message: left there")
    t.ok(os.path.exists(strange), "it stays")
    os.unlink(strange)


@test("-S finds damage, also far from the front; neighbours stay")
def _(t):
    before = corrupt()
    with open(files[ids[3]], "r+b") as f:
        f.seek(-4, os.SEEK_END)
        f.write(b"!")
    t.eq(postsuper("-s"), (0, ""), "-s does not read")
    t.eq(postsuper("-S"), (0, "postsuper: Put into corrupt/: 1 file\npostsuper: Checked: 4 messages\n"), "-S")
    t.eq(corrupt() - before, {ids[3]}, "aside")
    t.eq(sorted(rows()), sorted(ids[:3]), "the others wait")
    v.wait_log(rf"{ids[3]}: its content is damaged: put into corrupt/")


@test("-p: temporary files that are old and nobody's")
def _(t):
    tmp = os.path.join(v.queue, "tmp")
    names = {"0000Old-00000001": 7200, "0000New-00000001": 60, f"{ids[0]}-00000001": 7200}
    for name, age in names.items():
        path = os.path.join(tmp, name)
        with open(path, "w"):
            pass
        os.utime(path, (time.time() - age,) * 2)
    t.eq(postsuper("-p"), (0, "postsuper: Purged: 1 temporary file\n"), "-p")
    t.eq(set(os.listdir(tmp)), set(names) - {"0000Old-00000001"}, "the others stay")


main(cleanup=v.close, evidence=lambda: v.log()[-3000:])
