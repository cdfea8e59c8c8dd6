# SPDX-License-Identifier: ISC
"""valija export and import: a queue's messages as files, and into the queue of
another host; nothing lost, nothing twice that can be known."""
import glob
import hashlib
import os
import re
import subprocess
import time

from lib.peers import SmtpSink
from lib.suite import IS_ROOT, Suite, connects, free_port, program, wait_until
from lib.tap import main, test

assert IS_ROOT, "these tests need root: only root exports and imports"

port = free_port()
SETTINGS = {
    "minimal_backoff_time": "1h", "maximal_backoff_time": "2h",
    "transport_maps": "inline:{ { later.test = smtp:[127.0.0.1]:%d } }" % port,
}
here = Suite(main_cf=SETTINGS)
there = Suite(main_cf=dict(SETTINGS, myhostname="mx.there.test"))
sinks = []
out = here.path("out")
os.mkdir(out)


def ids(v, mark="!?"):
    return re.findall(r"^(\w{12,})%s +\d" % mark, v.mailq(), re.M)


def export(*args, v=here, **kw):
    return v.valija("export", "-d", out, *args, **kw)


def deferred(count):
    """So many messages that wait, of which each went to two recipients."""
    done = len(re.findall(r"status=deferred", here.log()))
    for i in range(count):
        here.send("s@here.test", [f"x{i}@later.test", "vt-alice@here.test"],
                  (f"Subject: {i}\n\n" + "body \u00e4\n" * (1 + i * 20000)).encode())
    here.wait_log(r"status=deferred", done + count)
    wait_until("all wait", lambda: not ids(here, r"\*"))


def files():
    return sorted(glob.glob(os.path.join(out, "*.valija")))


def parts(path):
    """(lines in front, head, content, what stands behind)."""
    with open(path, "rb") as f:
        data = f.read()
    m = re.match(rb"Valija export 1\nhead=(\d+) sha256=(\w{64})\ncontent=(\d+) sha256=(\w{64})\n", data)
    head = data[m.end():m.end() + int(m[1])]
    rest = data[m.end() + int(m[1]):]
    content, marks = rest[:int(m[3])], rest[int(m[3]):]
    assert hashlib.sha256(head).hexdigest() == m[2].decode()
    assert hashlib.sha256(content).hexdigest() == m[4].decode()
    return m.group(0), head.decode(), content, marks.decode()


@test("messages leave the queue as files, and are delivered by another host")
def _(t):
    deferred(3)
    names = ids(here)
    r = export()
    t.eq((r.returncode, r.err), (0, "Exported: 3 messages\n"), "exit code")
    t.eq(sorted(r.out.split()), files(), "the names of the files")
    t.eq(sorted(os.path.basename(f) for f in files()), sorted(f"{i}.valija" for i in names), "named by queue id")
    t.eq(here.mailq(), "Mail queue is empty\n", "the queue is empty")
    for f in files():
        t.eq(os.stat(f).st_mode & 0o777, 0o600, "for its owner only")
        _, head, content, marks = parts(f)
        t.ok(re.search(r"^host=mx\.here\.test$", head, re.M), "where it comes from", head)
        t.eq(re.findall(r"^\t*address=(.*)$", head, re.M), [head_recipient(head)], "without the recipient that is done")
        t.ok(re.search(r"^\tarrival=\d{19}$", head, re.M), "its time", head)
        t.ok(re.search(rb"^Subject: \d$", content, re.M), "its content")
        t.eq(marks, "", "nothing behind it")
    r = there.valija("import", *files())
    t.eq((r.returncode, r.err), (0, ""), "exit code")
    got = dict(re.findall(r"^(\S+): queued as (\w+)$", r.out, re.M))
    t.eq(sorted(got), files(), "each is queued")
    for f in files():
        old = os.path.basename(f)[:-7]
        t.ok(re.search(rf"{got[f]}: uid=0 from=<s@here\.test> orig_id={old}$", there.log(), re.M), "its line in the log")
        t.ok(re.search(rf"^imported as={got[f]} host=mx\.there\.test at=\d+$", parts(f)[3], re.M), "noted in the file")
    sinks.append(SmtpSink(there.base, "-h", "later.test", port=port))
    wait_until("the sink listens", lambda: connects(port))
    there.run("postqueue", "-c", there.conf, "-f")
    bodies = sinks[0].messages(3)
    for f in files():
        content = parts(f)[2].replace(b"\n", b"\r\n")
        t.ok(any(content.split(b"\r\n\r\n", 1)[1].strip() in b.replace(b"\n", b"\r\n").replace(b"\r\r\n", b"\r\n")
                 for b in bodies), "byte for byte")
    there.wait_log(r"to=<x\d@later.test>.*status=sent", 3)
    t.eq(len(re.findall(r"to=<vt-alice", there.log())), 0, "who had it is not bothered")
    sinks.pop().close()


def head_recipient(head):
    return re.search(r"address=(x\d@later\.test)", head).group(1)


@test("what is on hold comes back on hold; filters; ids")
def _(t):
    clear()
    deferred(2)
    here.send("other@here.test", ["y@nowhere.test"])
    here.wait_log(r"to=<y@nowhere.test>.*status=deferred")
    wait_until("all wait", lambda: len(ids(here, "")) == 3)
    export("--to", "x0@later.test")  # and back, on hold
    _, head, content, _ = parts(files()[0])
    with open(files()[0], "wb") as f:
        head = head.replace("attempts=", "held=1\nattempts=")
        f.write(b"Valija export 1\nhead=%d sha256=%s\ncontent=%d sha256=%s\n" % (
            len(head), hashlib.sha256(head.encode()).hexdigest().encode(), len(content),
            hashlib.sha256(content).hexdigest().encode()) + head.encode() + content)
    r = here.valija("import", "-r", files()[0])
    first = r.out.split()[-1]
    wait_until("on hold", lambda: ids(here, "!") == [first])
    for args, count in ((["--from", "nobody@here.test"], 0), (["--domain", "else.test"], 0), (["--age", "1h"], 0),
                        (["--queue", "hold", "--from", "third@here.test"], 0), (["--reason", "no such"], 0),
                        (["--to", "y@nowhere.test", "--from", "other@here.test"], 1)):
        r = export(*args)
        t.eq((r.returncode, r.err), (0, f"Exported: {count} message{'s' * (count != 1)}\n"), f"{args}")
    r = export("--queue", "hold")
    t.eq([os.path.basename(x) for x in r.out.split()], [f"{first}.valija"], "what is on hold")
    r = there.valija("import", os.path.join(out, f"{first}.valija"))
    t.eq(r.returncode, 0, r.err)
    new = r.out.split()[-1]
    wait_until("on hold there", lambda: new in ids(there, "!"))
    last = [i for i in ids(here) if i != first]
    r = export("NOSUCHID00000000", *last)
    t.eq((r.returncode, r.err), (0, "Exported: 1 message\n"), "by id")
    r = here.valija("export", out)
    t.eq((r.returncode, r.err), (64, f"valija: error: {out}: not a queue id; -d names the directory\n"), "a directory is no id")
    clear()


def clear():
    for v in (here, there):
        wait_until("nothing is under way", lambda: not ids(v, r"\*"))
        export(v=v)
    for f in files():
        os.unlink(f)


@test("who may: root; a directory that is full: what cannot be written stays")
def _(t):
    deferred(2)
    before = sorted(ids(here))
    os.chmod(out, 0o777)
    r = export(user="vt-alice")
    t.ok(r.returncode != 0 and "not for this user" in r.err, "not others", (r.returncode, r.err))
    t.eq((sorted(ids(here, "")), files()), (before, []), "nothing was done")
    small = here.path("small")
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=True)
    try:
        here.send("s@here.test", ["big@later.test"], "Subject: big\n\n" + "x" * 900 + "\n" + ("y" * 900 + "\n") * 200)
        here.wait_log(r"to=<big@later.test>.*status=deferred")
        wait_until("it waits", lambda: len(ids(here, "")) == 3)
        r = here.valija("export", "-d", small, "--to", "big@later.test")
        t.eq((r.returncode, r.out), (74, ""), "a full disk")
        t.ok("No space left" in r.err, "says so", r.err)
        t.eq(os.listdir(small), [], "nothing half written")
        wait_until("all are back", lambda: len(ids(here, "")) == 3)
    finally:
        subprocess.run(["umount", small])
    clear()


@test("killed at any moment: a copy at least, in the queue or in a file")
def _(t):
    deferred(1)
    for i in range(300):
        here.send(f"s{i}@here.test", [f"k{i}@later.test"], f"Subject: k{i}\n\nx\n")
    here.wait_log(r"to=<k299@later.test>.*status=deferred")
    wait_until("all wait", lambda: len(ids(here, "")) == 301)
    all_ids = set(ids(here))
    pause = 0.002
    while True:
        p = subprocess.Popen([program("valija"), "-c", here.conf, "export", "-d", out], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        time.sleep(pause)
        p.kill()
        ended = p.wait() == 0
        in_files = {os.path.basename(f)[:-7] for f in files()}
        queued = set(ids(here))
        t.eq(all_ids - in_files - queued, set(), "none is nowhere")
        for f in files():
            parts(f)  # each is whole
        if ended or not queued or pause > 5:
            break
        pause *= 1.3
    r = export()
    t.eq(r.returncode, 0, r.err)
    t.eq((ids(here), len(files())), ([], 301), "another run takes the rest")
    left = [f for f in os.listdir(out) if not f.endswith(".valija")]
    t.ok(len(left) <= 40, "what was being written has a name of its own", left)
    for f in left:
        os.unlink(os.path.join(out, f))
    clear()


@test("with both suites stopped the queues have owners all the same; users may not")
def _(t):
    there.valija("export", "-d", there.path("etc"))
    deferred(2)
    here.stop()
    there.stop()
    for command in (["export"], ["import", here.path("out")]):
        r = there.valija(*command, user="vt-alice")
        t.eq((r.returncode, r.out), (69, ""), command)
        t.ok("the queue cannot be asked: Permission denied" in r.err, "says so", r.err)
    r = export()
    t.eq((r.returncode, r.err, len(files())), (0, "Exported: 2 messages\n", 2), "exported")
    r = there.valija("import", *files())
    t.eq((r.returncode, r.err), (0, ""), "imported")
    t.eq((here.mailq(), len(ids(there, ""))), ("Mail queue is empty\n", 2), "from here to there")
    there.start()
    t.eq(len(ids(there, r"\*?")), 2, "and there they are")


main(cleanup=lambda: ([s.close() for s in sinks], here.close(), there.close()),
     evidence=lambda: here.log()[-3000:] + there.log()[-2000:])
