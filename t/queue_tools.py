# SPDX-License-Identifier: ISC
"""postqueue, postsuper and the like, with a queue that holds mail."""
import json
import os
import re

from lib.suite import Suite, program, wait_until
from lib.tap import main, test
from lib.terminal import Terminal

v = Suite(main_cf={
    "relay_domains": "relay.example", "relayhost": "[127.0.0.1]:9",
    "authorized_mailq_users": "!vt-bob, static:anyone",
    "authorized_flush_users": "!vt-bob, static:anyone",
    "minimal_backoff_time": "1h", "maximal_backoff_time": "2h",
})


def postqueue(*options, user=None):
    return v.run("postqueue", "-c", v.conf, *options, user=user)


def rows(*options):
    return [json.loads(line) for line in postqueue("-j", *options).out.splitlines()]


def send(recipient):
    """A message that waits for `recipient`; its id."""
    return v.send_deferred("s@out.test", [recipient])


def attempts(queue_id):
    return len(re.findall(rf" {queue_id}: to=", v.log()))


def tried_again(queue_id, before):
    wait_until(f"{queue_id} is tried again", lambda: attempts(queue_id) > before)


@test("who may list, who may flush")
def _(t):
    send("a@relay.example")
    t.eq(postqueue("-p", user="vt-alice").returncode, 0, "a user lists")
    r = postqueue("-p", user="vt-bob")
    t.ok(re.fullmatch(r"postqueue: fatal: User vt-bob\(\d+\) is not allowed to view the mail queue\n", r.err) and
         (r.returncode, r.out) == (69, ""), "one who may not", (r.returncode, r.err))
    r = postqueue("-f", user="vt-bob")
    t.ok(re.fullmatch(r"postqueue: fatal: User vt-bob\(\d+\) is not allowed to flush the mail queue\n", r.err) and
         r.returncode == 69, "nor flush", (r.returncode, r.err))
    t.eq(postqueue("-f", user="vt-alice").returncode, 0, "another flushes")


@test("-f, -i, -s try again what waits")
def _(t):
    one, two = send("b@relay.example"), send("c@sub.relay.example")
    other = send("d@elsewhere.example")
    before = {i: attempts(i) for i in (one, two, other)}
    t.eq(postqueue("-i", one).returncode, 0, "-i")
    tried_again(one, before[one])
    t.eq(attempts(other), before[other], "no other is")
    before[one] = attempts(one)
    t.eq(postqueue("-i", "NoSuchId").returncode, 0, "-i, an id that is not there")
    r = postqueue("-s", "relay.example", user="vt-alice")
    t.eq((r.returncode, r.out, r.err), (0, "", ""), "-s")
    tried_again(one, before[one])
    t.eq((attempts(two), attempts(other)), (before[two], before[other]), "no other is")
    t.eq(postqueue("-s", "sub.relay.example").returncode, 0, "-s of a domain below")
    tried_again(two, before[two])
    r = postqueue("-s", "elsewhere.example")
    t.eq((r.returncode, r.err), (69, "postqueue: fatal: Flush service is not configured for destination "
                                     "\"elsewhere.example\"\n"), "-s of another")
    before = {i: attempts(i) for i in (one, two, other)}
    for bad in ("", "../x"):
        r = postqueue("-i", bad)
        t.eq((r.returncode, r.err), (69, f'postqueue: fatal: Cannot flush queue ID - invalid name: "{bad}"\n'),
             f"-i '{bad}'")
    for bad in ("", "bad..name", "[x"):
        r = postqueue("-s", bad)
        t.eq((r.returncode, r.err), (69, "postqueue: fatal: Cannot flush mail queue - invalid destination: "
                                         f'"{bad}"\n'), f"-s '{bad}'")
    t.eq({i: attempts(i) for i in (one, two, other)}, before, "and nothing is tried for them")
    t.eq(postqueue("-f").returncode, 0, "-f")
    tried_again(other, before[other])


def postsuper(*options, user=None, text=""):
    return v.run("postsuper", "-c", v.conf, *options, user=user, input=text.encode())


def queue_of(queue_id):
    return v.queued().get(queue_id, {}).get("queue_name")


@test("postsuper is for root, and knows what an id is")
def _(t):
    one = send("root@relay.example")
    r = postsuper("-d", one, user="vt-alice")
    t.eq((r.returncode, r.err), (1, "postsuper: fatal: use of this command is reserved for the superuser\n"),
         "a user")
    t.eq(queue_of(one), "deferred", "it is still there")
    r = postsuper("-d", "../x")
    t.eq((r.returncode, r.err), (0, "postsuper: warning: invalid mail queue id: ../x\npostsuper: Deleted: 0 messages\n"), "a bad id")
    for option, done in (("-d", "Deleted"), ("-h", "Placed on hold"), ("-H", "Released from hold"), ("-r", "Requeued"),
                         ("-e", "Force-expired")):
        r = postsuper(option, "NoSuchId")
        t.eq((r.returncode, r.err), (0, f"postsuper: {done}: 0 messages\n"), f"{option}, one that is not there")
    r = postsuper("-f", "NoSuchId")
    t.eq((r.returncode, r.err), (0, "postsuper: Force-expired: 0 messages\npostsuper: Released from hold: 0 messages\n"), "-f")
    r = postsuper("-d", "-", text="\nx y\n")
    t.eq((r.returncode, r.err), (0, "postsuper: warning: invalid mail queue id: \npostsuper: warning: invalid mail queue id: x y\n"
                                    "postsuper: Deleted: 0 messages\n"), "lines that are none")
    t.eq(postsuper("-d", "ALL", "nosuch").returncode, 1, "a bad queue")


@test("held, released, deleted; each over a crash")
def _(t):
    one, two = send("one@relay.example"), send("two@relay.example")
    r = postsuper("-h", one)
    t.eq((r.returncode, r.err), (0, f"postsuper: {one}: placed on hold\npostsuper: Placed on hold: 1 message\n"), "-h")
    t.eq(queue_of(one), "hold", "it is in hold")
    t.ok(f"{one}! " in v.mailq(), "mailq shows it", v.mailq())
    before = attempts(one)
    postqueue("-f")
    tried_again(two, attempts(two) - 1)
    t.eq(attempts(one), before, "it is not tried")
    t.eq(postsuper("-d", two).err, f"postsuper: {two}: removed\npostsuper: Deleted: 1 message\n", "-d")
    v.run("kill", "-9", *map(str, v.pids()))
    v.start()
    t.eq((queue_of(one), queue_of(two)), ("hold", None), "so it is after a crash")
    r = postsuper("-H", "-", text=f"{one}\n")
    t.eq(r.err, f"postsuper: {one}: released from hold\npostsuper: Released from hold: 1 message\n", "-H -")
    tried_again(one, before)


@test("returned to the sender")
def _(t):
    one, two = send("e1@relay.example"), send("e2@relay.example")
    t.eq(postsuper("-e", one).err, f"postsuper: {one}: expired\npostsuper: Force-expired: 1 message\n", "-e")
    v.wait_log(rf" {one}: from=<s@out\.test>, status=force-expired, returned to sender")
    v.wait_log(rf" {one}: sender non-delivery notification")
    wait_until("it is gone", lambda: queue_of(one) is None)
    three = send("e3@relay.example")
    postsuper("-h", two, "-h", three)
    postsuper("-e", two)
    t.ok(f"{two}" in v.mailq() and queue_of(two) == "hold", "a held one stays", v.mailq())
    t.eq(v.queued()[two]["forced_expire"], True, "forced_expire")
    t.eq(postsuper("-e", two).err, "postsuper: Force-expired: 0 messages\n", "it is so already")
    for expired, queue_id in (0, two), (1, three):
        lines = [f"{queue_id}: expired"] * expired + [f"{queue_id}: released from hold"]
        lines += ["Force-expired: 1 message" if expired else "Force-expired: 0 messages", "Released from hold: 1 message"]
        t.eq(postsuper("-f", queue_id).err, "".join(f"postsuper: {line}\n" for line in lines), "-f, a held one")
        v.wait_log(rf" {queue_id}: sender non-delivery notification")
    four, five, six = (send(f"e{i}@relay.example") for i in (4, 5, 6))
    r = postsuper("-h", four, "-f", five, "-d", six)
    t.eq([line.split(": ", 1)[1] for line in r.err.splitlines()[3:]],
         ["Deleted: 1 message", "Force-expired: 1 message", "Placed on hold: 1 message", "Released from hold: 0 messages"],
         "the order of sums")


@test("requeued: another id, aliases asked anew, once")
def _(t):
    one = send("r@relay.example")
    v.write("virtual", "r@relay.example vt-alice@here.test\n")
    v.configure(virtual_alias_maps=f"texthash:{v.conf}/virtual")
    v.reload()
    r = postsuper("-r", one)
    t.eq(r.err, f"postsuper: {one}: requeued\npostsuper: Requeued: 1 message\n", "-r")
    [m] = v.wait_log(rf"postfix/pickup\[\d+\]: (\w+): uid=\d+ from=<s@out\.test> orig_id={one}")
    v.wait_log(rf" {m.group(1)}: to=<vt-alice@here\.test>, .*status=sent")
    t.eq(queue_of(one), None, "the old one is gone")


@test("ALL, in queues that are named and in all")
def _(t):
    keep, others = send("k@relay.example"), [send(f"a{i}@relay.example") for i in range(3)]
    postsuper("-h", keep)
    r = postsuper("-d", "ALL", "deferred")
    t.ok(re.fullmatch(r"postsuper: Deleted: \d+ messages\n", r.err), "-d ALL deferred", r.err)
    t.eq(([queue_of(i) for i in others], queue_of(keep)), ([None] * 3, "hold"), "what is left")
    r = postsuper("-d", "ALL")
    t.ok(re.fullmatch(r"postsuper: Deleted: \d+ messages?\n", r.err), "-d ALL", r.err)
    t.eq(v.mailq(), "Mail queue is empty\n", "nothing is")


@test("postkick and postlog")
def _(t):
    one = send("kick@relay.example")
    before = attempts(one)
    t.eq(v.run("postkick", "-c", v.conf, "public", "qmgr", "D").returncode, 0, "postkick")
    tried_again(one, before)
    for what in (("public", "nosuch"), ("private", "qmgr"), ("public", "bounce"), ("private", "flush"), ("x", "y")):
        r = v.run("postkick", "-c", v.conf, *what, "D")
        t.eq((r.returncode, r.err), (1, "postkick: warning: unable to look up %s/%s: No such file or directory\n"
                                        "postkick: warning: Cannot contact class %s service %s - perhaps the mail system "
                                        "is down\n" % (what * 2)), " ".join(what))
    for service in ("bounce", "smtp"):
        r = v.run("postkick", "-c", v.conf, "private", service, "D")
        t.eq((r.returncode, r.err), (0, ""), f"private {service}")
    for service in ("pickup", "cleanup", "flush", "showq"):
        t.eq(v.run("postkick", "-c", v.conf, "public", service, "W").returncode, 0, service)
    t.eq(v.run("postlog", "-c", v.conf, "-t", "xx", "-p", "warn", "hello", "you").returncode, 0, "postlog")
    v.wait_log(r" xx\[\d+\]: warning: hello you$")
    v.run("postlog", "-c", v.conf, input=b"first\nsecond\n")
    v.wait_log(r" postfix/postlog\[\d+\]: second$")
    r = v.run("postlog", "-c", v.conf, "-p", "nosuch", "x")
    t.eq((r.returncode, r.err), (1, "postlog: fatal: bad severity: nosuch\n"), "a bad priority")


@test("which messages are shown")
def _(t):
    postsuper("-d", "ALL")
    one, two = send("f1@relay.example"), send("f2@other.example")

    def ids(*options):
        return {r["queue_id"] for r in rows(*options)}
    t.eq(ids("--to", "F1@relay.example"), {one}, "--to")
    t.eq(ids("--domain", "other.example"), {two}, "--domain")
    t.eq(ids("--from", "s@out.test"), {one, two}, "--from")
    t.eq(ids("--from", "<>"), set(), "--from <>")
    t.eq(ids("--age", "1h"), set(), "--age")
    t.eq(ids("--age", "0", "--domain", "relay.example", "--reason", "refused"), {one}, "all of them", )
    t.eq(ids("--reason", "nosuchreason"), set(), "--reason")
    t.eq(postqueue("--json", "--to", "nobody@x.example").out, "", "--json")
    t.eq(postqueue("-p", "--age", "soon").returncode, 69, "no time")


@test("how far long work has come, on a terminal")
def _(t):
    pipe = v.path("ids")
    os.mkfifo(pipe)
    term = Terminal(["/bin/sh", "-c", f"exec {program('postsuper')} -c {v.conf} -d - <{pipe}"], env=v.env)
    try:
        with open(pipe, "w") as f:
            def more():
                f.writelines(f"NoSuch{i}\n" for i in range(1000))
                f.flush()
                return re.search(r"^\d+ messages, \d+/s$", term.screen(), re.M)
            wait_until("it is shown", more)
        t.eq(term.ended(), 0, "it ends")
        t.eq(term.screen().strip(), "postsuper: Deleted: 0 messages", "and nothing of it stays")
    finally:
        term.close()
    r = v.run("sh", "-c", f"seq 5000 | {program('postsuper')} -c {v.conf} -d -")
    t.eq((r.returncode, r.err), (0, "postsuper: Deleted: 0 messages\n"), "nothing where there is none")


main(cleanup=v.close, evidence=lambda: v.log()[-5000:])
