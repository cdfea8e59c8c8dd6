# SPDX-License-Identifier: ISC
"""valija import: messages of another host's queue, from files; nothing that is
not whole, nothing twice that can be known."""
import hashlib
import os
import re

from lib.peers import SmtpSink
from lib.suite import IS_ROOT, Suite, connects, free_port, wait_until
from lib.tap import main, test

assert IS_ROOT, "these tests need root: only root imports"

port = free_port()
v = Suite(main_cf={"minimal_backoff_time": "1h", "maximal_backoff_time": "2h",
                   "transport_maps": "inline:{ { later.test = smtp:[127.0.0.1]:%d } }" % port})
sink = SmtpSink(v.base, "-h", "later.test", port=port)
wait_until("the sink listens", lambda: connects(port))
OLD = "4Zk2lD1nB7zKpQ9xy"
CONTENT = "Subject: x\nMessage-ID: <x@y>\n\nbody \u00e4\n".encode()
HEAD = f"""\
id={OLD}
host=mx.there.test
exported=1764000000000000000
attempts=2
envelope
\tid={OLD}
\tsender=s@here.test
\tarrival=1764000000000000000
\tsize=%d
\tclient=local
\tbody_8bit=1
\thops=1
\trecipients
\t\taddress=x0@later.test
\t\toriginal=o@later.test
"""


def make(content=CONTENT, head=None, version=1, marks=b""):
    """A file, as tools/export_file.h has it."""
    head = (HEAD % len(CONTENT) if head is None else head).encode()
    return (b"Valija export %d\nhead=%d sha256=%s\ncontent=%d sha256=%s\n"
            % (version, len(head), hashlib.sha256(head).hexdigest().encode(), len(content),
               hashlib.sha256(content).hexdigest().encode())) + head + content + marks


def file(data, name="file"):
    path = v.path(name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def ids(mark=""):
    return re.findall(r"^(\w{12,})%s +\d" % mark, v.mailq(), re.M)


@test("a message is queued with its times, delivered byte for byte, and noted in its file")
def _(t):
    path = file(make())
    r = v.valija("import", path)
    t.eq((r.returncode, r.err), (0, ""), "exit code")
    new = re.match(rf"{re.escape(path)}: queued as (\w+)\n$", r.out).group(1)
    t.ok(new != OLD, "under an id of this queue")
    v.wait_log(rf"pickup\[\d+\]: {new}: uid=0 from=<s@here\.test> orig_id={OLD}$")
    line = v.wait_log(rf"{new}: to=<x0@later\.test>, orig_to=<o@later\.test>.* delay=(\d+),.*status=sent")[0]
    t.ok(int(line.group(1)) > 86400 * 7, "it is as old as it was", line.group(0))
    t.ok(CONTENT.split(b"\n\n", 1)[1] in sink.messages(1)[0].replace(b"\r\n", b"\n"), "byte for byte")
    with open(path, "rb") as f:
        marks = f.read()[len(make()):].decode()
    t.ok(re.fullmatch(rf"importing host=mx\.here\.test at=\d+\nimported as={new} host=mx\.here\.test at=\d+\n", marks),
         "noted in the file", marks)
    r = v.valija("import", path)
    t.eq((r.returncode, r.out), (65, ""), "not a second time")
    t.ok(f"not again: imported as={new}" in r.err, "says as what", r.err)
    r = v.valija("import", "-f", "-r", path)
    t.eq((r.returncode, r.err), (0, ""), "but with -f")
    t.ok(not os.path.exists(path), "and removed with -r")
    v.wait_log(r"to=<x0@later\.test>.*status=sent", 2)


@test("what was on hold is on hold; a large one; several at a time")
def _(t):
    content = b"Subject: large\n\n" + b"0123456789abcde\n" * 65536
    held = (HEAD % len(CONTENT)).replace("attempts=2", "held=1")
    r = v.valija("import", file(make(head=held), "held"), v.path("none"),
                 file(make(content, HEAD.replace("x0@", "large@") % len(content)), "large"))
    t.eq(r.returncode, 66, "the first that failed")
    queued = re.findall(r"queued as (\w+)", r.out)
    t.eq(len(queued), 2, "the others are queued")
    wait_until("on hold", lambda: queued[0] in ids("!"))
    v.wait_log(r"to=<large@later\.test>.*status=sent")
    t.ok(any(m.count(b"0123456789abcde") == 65536 for m in sink.messages(3)), "all of it")
    v.stop()
    v.start()
    wait_until("still on hold", lambda: queued[0] in ids("!"))


@test("an import that was cut off is for a person to decide")
def _(t):
    path = file(make(marks=b"importing host=mx.here.test at=1\n"))
    r = v.valija("import", path)
    t.eq((r.returncode, r.out), (65, ""), "not by itself")
    t.ok(f"see the log for orig_id={OLD}" in r.err, "says where to look", r.err)
    t.eq(v.valija("import", file(make(marks=b"impor"))).returncode, 65, "also when that was cut off")
    t.eq(v.valija("import", "-f", path).returncode, 0, "with -f")


@test("one whose id lives in this queue")
def _(t):
    [mine] = ids("!")
    path = file(make(head=(HEAD % len(CONTENT)).replace(OLD, mine)))
    r = v.valija("import", path)
    t.eq((r.returncode, r.out), (65, ""), "exit code")
    t.ok("this queue has it already" in r.err, "says so", r.err)
    with open(path, "rb") as f:
        t.ok(f.read().endswith(CONTENT), "and the file is as it was")


@test("files that are not whole, not ours, or of users that are others here")
def _(t):
    def try_bytes(data, text):
        before = v.log().count("orig_id=")
        r = v.valija("import", file(data))
        t.eq((r.returncode, r.out), (65, ""), text)
        t.ok(text in r.err, f"says {text}", r.err)
        t.eq(v.log().count("orig_id="), before, "nothing came of it")

    head = HEAD % len(CONTENT)
    whole = make()
    try_bytes(whole[:-1], "cut short")
    try_bytes(whole[:-1] + b"?", "its content is damaged")
    try_bytes(whole.replace(b"later", b"laten", 1), "its envelope is damaged")
    try_bytes(whole + b"x", "something else stands behind it")
    try_bytes(make(version=2), "a version that this one does not know")
    try_bytes(make(head=head + "colour=red\n"), 'unknown field "colour"')
    try_bytes(make(head=head.replace("x0@later.test", "x0%0Alater.test")), "out of its bounds")
    try_bytes(make(CONTENT + b"more"), "its envelope is not its content's")
    try_bytes(make(head=head[:head.index("\trecipients")]), "its envelope is not its content's")
    try_bytes(b"From: x\n\nx\n", "not an exported message")
    try_bytes(b"", "not an exported message")
    action = "\t\taction\n\t\t\tkind=4\n\t\t\tuid=%d\n\t\t\tgid=%d\n\t\t\tuser=%s\n\t\t\tpath=id\n"
    for who in ((0, 0, "vt-alice"), (4242, 4242, "nobody-here"), (0, 0, "")):
        try_bytes(make(head=head.replace("\trecipients\n", "\trecipients\n" + action % who)),
                  "that user is not one here")
    t.eq(v.valija("import", v.base).returncode, 65, "a directory")


@test("who may, and when")
def _(t):
    path = file(make())
    os.chmod(path, 0o666)
    r = v.valija("import", path, user="vt-alice")
    t.eq((r.returncode, r.out), (77, ""), "not others")
    t.ok("not for this user" in r.err, "says so", r.err)
    with open(path, "rb") as f:
        t.eq(f.read(), make(), "and the file is as it was")
    for args in ([], ["-x", path], ["-r"]):
        t.eq(v.valija("import", *args).returncode, 64, f"usage: {args}")
    v.stop()
    r = v.valija("import", path)
    t.eq((r.returncode, r.err), (0, ""), "with the suite stopped")
    t.ok(re.fullmatch(rf"{path}: queued as \w+\n", r.out), "it is queued", r.out)


main(cleanup=lambda: (sink.close(), v.close()), evidence=lambda: v.log()[-5000:])
