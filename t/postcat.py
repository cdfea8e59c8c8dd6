# SPDX-License-Identifier: ISC
"""postcat: messages of the queue as text, by id and as files, up and down."""
import os
import re

from lib.suite import IS_ROOT, Suite
from lib.tap import main, test

v = Suite(main_cf={
    "relay_domains": "relay.example", "relayhost": "[127.0.0.1]:9",
    "minimal_backoff_time": "1h", "maximal_backoff_time": "2h",
})


def postcat(*options, user=None, stdin=None):
    return v.run("postcat", "-c", v.conf, *options, user=user, input=stdin)


BODY = b"not a header: this\n\n.dot\n caf\xc3\xa9 \x01\nend\n"
HEAD = b"Subject: x\n folded\nTo: a@relay.example\n\n"
queue_id = v.send_deferred("s@out.test", ["a@relay.example", "vt-alice@here.test", "b@relay.example"],
                           (HEAD + BODY).replace(b"\n", b"\r\n"))
DATE = r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}"


def lines(pattern, text):
    return re.findall(rf"^{pattern}$", text, re.M)


@test("an id: envelope, content, markers")
def _(t):
    r = postcat("-q", queue_id)
    name = re.match(r"\*\*\* ENVELOPE RECORDS (\S+) \*\*\*\n", r.out).group(1)
    t.ok(re.fullmatch(rf"deferred/[0-9a-f]{{2}}/{queue_id}", name), "its name", name)
    t.eq(lines(r"\*\*\* .* \*\*\*", r.out),
         [f"*** {x} {name} ***" for x in ("ENVELOPE RECORDS", "MESSAGE CONTENTS", "HEADER EXTRACTED",
                                          "MESSAGE FILE END")], "markers")
    size = v.queued()[queue_id]["message_size"]
    t.ok(lines(rf"message_size: +{size} +\d+ +3 +0 +{size} +0", r.out), "message_size", r.out)
    t.eq(len(lines(rf"(?:message_arrival_time|create_time): {DATE}", r.out)), 2, "times")
    t.eq(lines("sender: (.*)", r.out), ["s@out.test"], "sender")
    t.eq(lines("original_recipient: (.*)", r.out),
         ["a@relay.example", "vt-alice@here.test", "b@relay.example"], "original_recipient")
    t.eq((lines("recipient: (.*)", r.out), lines("done_recipient: (.*)", r.out)),
         (["a@relay.example", "b@relay.example"], ["vt-alice@here.test"]), "recipient, done_recipient")
    for pair in ("log_ident=" + queue_id, "rewrite_context=remote", "log_client_address=127.0.0.1",
                 "log_helo_name=client.test", "log_protocol_name=ESMTP"):
        t.ok(lines("named_attribute: " + re.escape(pair), r.out), pair)
    t.eq((r.returncode, r.err), (0, ""), "no complaint")


@test("-b, -h, -e: parts")
def _(t):
    head, body, both = (postcat(o, "-q", queue_id).stdout for o in ("-h", "-b", "-bh"))
    t.eq(both, head + body, "-bh is both")
    t.eq(body, b"\n" + BODY, "-b: from the first line that is no header, byte by byte")
    t.ok(head.startswith(b"Received: from client.test") and HEAD[:-1] in head and b"\n\n" not in head, "-h", head)
    envelope = postcat("-e", "-q", queue_id).out
    t.ok("sender: s@out.test" in envelope and "Subject" not in envelope and
         envelope.endswith("***\n"), "-e", envelope)
    t.eq(len(both), v.queued()[queue_id]["message_size"], "as many bytes as it has")


@test("-o, -d, -s: where records stand, of what type")
def _(t):
    numbered = [re.fullmatch(r" *(\d+) +(\d+) (.*)", line).groups()
                for line in postcat("-od", "-q", queue_id).stdout.decode().split("\n")[1:-1]]
    offsets = [int(o) for o, _, _ in numbered]
    t.eq(offsets, sorted(set(offsets)), "offsets grow")
    kinds = {name.split(":")[0]: int(kind) for _, kind, name in numbered}
    t.eq([kinds[k] for k in ("message_size", "message_arrival_time", "sender", "recipient", "done_recipient",
                             "Subject")], [ord(c) for c in "CTSRDN"], "types")
    [at] = [int(o) for o, _, name in numbered if name.startswith("*** MESSAGE CONTENTS")]
    t.eq(int(re.search(r"message_size: +\d+ +(\d+)", postcat("-q", queue_id).out).group(1)), at + 2,
         "message_size knows where the content is")
    t.ok(postcat("-s", str(at), "-q", queue_id).out.startswith("*** MESSAGE CONTENTS"), "-s")
    t.ok("\nregular_text: Subject: x\n" in postcat("-v", "-q", queue_id).out, "-v")


@test("who may, and what cannot be shown")
def _(t):
    r = postcat("-q", "NoSuchId")
    t.eq((r.returncode, r.out, r.err),
         (1, "", "postcat: fatal: open queue file NoSuchId: No such file or directory\n"), "no such id")
    r = postcat("-q", "../x")
    t.eq((r.returncode, r.err), (1, "postcat: fatal: bad mail queue ID: ../x\n"), "no id")
    r = postcat(v.path("nosuch"))
    t.eq((r.returncode, r.err), (1, f"postcat: fatal: open {v.path('nosuch')}: No such file or directory\n"), "no file")
    r = postcat(v.path("etc", "main.cf"))
    t.eq((r.returncode, r.err), (0, f"postcat: warning: {v.path('etc', 'main.cf')}: input is not a valid queue "
                                    "file\n"), "another file")
    t.eq(postcat("-x").returncode, 1, "usage")
    for options in ((), ("-q",)):
        r = postcat(*options, stdin=b"")
        t.eq((r.returncode, r.out, r.err), (0, "", ""), f"{options}, nothing on standard input")
        r = postcat(*options, stdin=b"x\n")
        t.eq((r.returncode, r.err), (0, "postcat: warning: stdin: input is not a valid queue file\n"), f"{options}, something else")
    if IS_ROOT:
        r = postcat("-q", queue_id, user="vt-alice")
        t.eq((r.returncode, r.out, r.err), (1, "", f"postcat: fatal: open queue file {queue_id}: Permission denied\n"),
             "a user")


@test("while the suite is down; files; maildrop/")
def _(t):
    held = v.send_deferred("s@out.test", ["h@relay.example"], "Subject: held\r\n\r\nx\r\n")
    v.run("postsuper", "-h", held)
    up = postcat("-q", queue_id).stdout
    v.stop()
    t.eq(postcat("-q", queue_id).stdout, up, "the same as before")
    path = os.path.join(v.queue, "hold", held)
    by_name = postcat(path)
    t.ok(by_name.out.startswith(f"*** ENVELOPE RECORDS {path} ***") and "\nSubject: held\n" in by_name.out and "\n\nx\n" in by_name.out,
         "a file by its name", by_name.out + by_name.err)
    with open(path, "rb") as f:
        data = f.read()
    t.eq(postcat(stdin=data).out, by_name.out.replace(path, "stdin"), "the same on standard input")
    damaged = v.path("damaged")
    with open(damaged, "wb") as f:
        f.write(data[:-3] + b"???")
    r = postcat(damaged)
    t.eq((r.returncode, r.out), (0, ""), "a damaged one is not shown")
    t.ok("is not a valid queue file" in r.err, "and said to be so", r.err)
    v.run("sendmail", "-F", "Full Name", "-f", "drop@here.test", "c@relay.example", input=b"Subject: d\n\ndropped\n")
    [name] = os.listdir(os.path.join(v.queue, "maildrop"))
    for argv in (["-q", name], [os.path.join(v.queue, "maildrop", name)]):
        out = postcat(*argv).out
        t.ok("\nsender_fullname: Full Name\n" in out and "\nsender: drop@here.test\n" in out and
             "\nrecipient: c@relay.example\n" in out and "\nSubject: d\n\ndropped\n" in out, f"maildrop {argv}", out)
    if IS_ROOT:
        t.eq(postcat("-q", queue_id, user="vt-alice").err, "postcat: fatal: open queue file "
             f"{queue_id}: Permission denied\n", "a user, still not")


main(cleanup=v.close, evidence=lambda: v.log()[-3000:])
