# SPDX-License-Identifier: ISC
"""The queue's tools while no suite runs: root has the queue all the same."""
import json
import os
import re
import socket
import subprocess

from lib.suite import IS_ROOT, Suite, processes_below, program, wait_until
from lib.tap import main, test

v = Suite(main_cf={
    "relay_domains": "relay.example", "relayhost": "[127.0.0.1]:9",
    "minimal_backoff_time": "1h", "maximal_backoff_time": "2h",
})
DOWN = "Connect to the Valija showq service: No such file or directory"


def postqueue(*options, user=None):
    return v.run("postqueue", "-c", v.conf, *options, user=user)


def postsuper(*options, user=None, text=""):
    return v.run("postsuper", "-c", v.conf, *options, user=user, input=text.encode())


def queue_of(queue_id):
    return v.queued().get(queue_id, {}).get("queue_name")


def fill(*recipients):
    """Messages that wait, in a suite that runs; their ids in order."""
    return [v.send_deferred("s@out.test", [r]) for r in recipients]


def blocks(text):
    """A listing without its order, which no one promises."""
    head, rest = text.split("\n", 1)
    return head, sorted(rest.split("\n\n"))


@test("listed: as it was, with what waits in maildrop/; users may not")
def _(t):
    fill("a@relay.example", "b@relay.example")
    up_text, up_rows = blocks(v.mailq()), v.queued()
    v.stop()
    r = postqueue("-p")
    t.eq((r.returncode, blocks(r.out), r.err),
         (0, up_text, f"postqueue: warning: Mail system is down -- accessing queue directly ({DOWN})\n"), "-p")
    t.eq(v.queued(), up_rows, "-j")
    t.eq(blocks(v.run("mailq").out), up_text, "mailq")
    t.eq(blocks(v.run("sendmail", "-bp").out), up_text, "sendmail -bp")
    r = v.run("sendmail", "-f", "drop@here.test", "c@relay.example", input=b"Subject: x\n\ndropped\n")
    t.eq(r.returncode, 0, "sendmail while it is down")
    [name] = os.listdir(os.path.join(v.queue, "maildrop"))
    e = v.queued()[name]
    t.eq((e["queue_name"], e["sender"], e["recipients"]),
         ("maildrop", "drop@here.test", [{"address": "c@relay.example"}]), "it is listed")
    t.ok(re.search(rf"^{name} .* drop@here\.test\n +c@relay\.example\n", postqueue("-p").out, re.M), "by -p as well")
    t.ok(re.search(r"^-- \d+ Kbytes in 3 Requests\.$", postqueue("-p").out, re.M), "and counted")
    if IS_ROOT:
        r = postqueue("-p", user="vt-alice")
        t.eq((r.returncode, r.out, r.err), (69, "", "postqueue: fatal: Queue report unavailable - mail system is "
                                                    f"down ({DOWN})\n"), "a user")
        r = postsuper("-d", "ALL", user="vt-alice")
        t.eq((r.returncode, r.err), (1, "postsuper: fatal: use of this command is reserved for the superuser\n"),
             "nor may he steer")
    for options in (["-f"], ["-i", "x"], ["-s", "relay.example"]):
        r = postqueue(*options)
        t.eq((r.returncode, r.err), (69, "postqueue: fatal: Cannot flush mail queue - mail system is down\n"),
             " ".join(options))
    t.eq(v.valija("status").returncode, 1, "the suite was not started by it")


@test("steered: what a tool said is so when the suite starts")
def _(t):
    v.start()
    v.wait_log(r"to=<c@relay\.example>.*status=deferred")
    held, gone, back, expired, again, stays = fill(*(f"{n}@relay.example" for n in "defghi"))
    postsuper("-h", back)
    v.write("virtual", "h@relay.example vt-alice@here.test\n")
    v.configure(virtual_alias_maps=f"texthash:{v.conf}/virtual")
    v.stop()
    said = {
        "-h": (held, "placed on hold", "Placed on hold"),
        "-d": (gone, "removed", "Deleted"),
        "-H": (back, "released from hold", "Released from hold"),
        "-e": (expired, "expired", "Force-expired"),
        "-r": (again, "requeued", "Requeued"),
    }
    for option, (queue_id, line, summary) in said.items():
        r = postsuper(option, queue_id)
        t.eq((r.returncode, r.err), (0, f"postsuper: {queue_id}: {line}\npostsuper: {summary}: 1 message\n"), option)
    t.eq(postsuper("-d", "NoSuchId").err, "postsuper: Deleted: 0 messages\n", "one that is not there")
    all_rows = v.queued()
    t.eq([all_rows.get(i, {}).get("queue_name") for i in (held, gone, back, again, stays)],
         ["hold", None, "deferred", None, "deferred"], "where they are")
    t.eq(all_rows[expired]["forced_expire"], True, "forced_expire")
    v.start()
    v.wait_log(rf" {expired}: sender non-delivery notification")
    [m] = v.wait_log(rf"(\w+): uid=\d+ from=<s@out\.test> orig_id={again}")
    v.wait_log(rf" {m.group(1)}: to=<vt-alice@here\.test>, .*status=sent")
    wait_until("what was released has been tried", lambda: queue_of(back) == "deferred")
    t.eq([queue_of(i) for i in (held, gone, again)], ["hold", None, None], "and after the start")


@test("after a crash the journal is replayed for a tool as for a suite")
def _(t):
    v.run("postsuper", "-d", "ALL")
    ids = fill(*(f"j{i}@relay.example" for i in range(3)))
    v.run("kill", "-9", *map(str, v.pids()))
    v.is_started = False
    wait_until("nobody listens", lambda: not listens())
    t.eq(set(v.queued()), set(ids), "listed")
    r = postsuper("-d", "ALL")
    t.eq((r.returncode, r.err), (0, "postsuper: Deleted: 3 messages\n"), "-d ALL")
    t.eq(v.mailq(), "Mail queue is empty\n", "and gone")


def listens():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        try:
            s.connect(os.path.join(v.queue, "public", "showq"))
            return True
        except ConnectionRefusedError:
            return False


@test("postsuper deletes what waits in maildrop/, by its id, by its queue, or with all others")
def _(t):
    def drop(*names):
        for name in names:
            r = v.run("sendmail", "-f", f"{name}@here.test", "c@relay.example", input=b"Subject: x\n\ndropped\n")
            t.eq(r.returncode, 0, "sendmail while it is down")
        return [i for i, row in v.queued().items() if row["queue_name"] == "maildrop"]
    [one] = drop("one")
    t.eq(postsuper("-h", one).err, "postsuper: Placed on hold: 0 messages\n", "it cannot be held")
    t.eq(postsuper("-d", one, "deferred").err, "postsuper: Deleted: 0 messages\n", "nor is it in another queue")
    t.eq(postsuper("-d", one).err, f"postsuper: {one}: removed\npostsuper: Deleted: 1 message\n", "-d")
    drop("two", "three")
    for queue in ("defer", "bounce", "trace", "flush", "deferred"):
        t.eq(postsuper("-d", "ALL", queue).err, "postsuper: Deleted: 0 messages\n", f"-d ALL {queue}")
    t.eq(postsuper("-d", "ALL", "maildrop").err, "postsuper: Deleted: 2 messages\n", "-d ALL maildrop")
    drop("four")
    t.eq(postsuper("-d", "ALL").err, "postsuper: Deleted: 1 message\n", "-d ALL")
    t.eq(os.listdir(os.path.join(v.queue, "maildrop")), [], "nothing is left")
    v.start()
    [held] = fill("w@relay.example")
    t.eq(postsuper("-h", held, "-H", held).err,
         f"postsuper: {held}: placed on hold\npostsuper: {held}: released from hold\n"
         "postsuper: Placed on hold: 1 message\npostsuper: Released from hold: 1 message\n", "sums stand at the end")
    postsuper("-d", "ALL")
    v.stop()


@test("one has the queue at a time: a second tool waits, and so does a suite")
def _(t):
    v.start()
    ids = fill("w@relay.example")
    v.stop()

    def waits_behind(*argv):
        """That command, begun while a tool has the queue, which then acts and ends."""
        first = subprocess.Popen([program("postsuper"), "-c", v.conf, "-h", "-"], stdin=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        wait_until("it has the queue", is_locked)
        second = subprocess.Popen([program(argv[0]), "-c", v.conf, *argv[1:]], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        wait_until("the other is there", lambda: second.poll() is not None or
                   len(processes_below(second.pid)) > 1)
        t.eq(second.poll(), None, f"{argv[0]} waits")
        first.communicate(f"{ids[0]}\n".encode())
        t.eq(first.returncode, 0, "the first ends")
        return second
    tool = waits_behind("postqueue", "-j")
    out, _ = tool.communicate()
    t.eq([json.loads(line)["queue_name"] for line in out.splitlines()], ["hold"], "the second sees what it did")
    suite = waits_behind("valija", "start")
    t.eq(suite.wait(), 0, "and a suite starts")
    v.is_started = True
    t.eq(queue_of(ids[0]), "hold", "with all that was done")


def is_locked():
    inode = os.stat(os.path.join(v.queue, "pid", "queue.lock")).st_ino
    with open("/proc/locks") as f:
        return any(line.split()[5].endswith(f":{inode}") for line in f if "->" not in line)


main(cleanup=v.close, evidence=lambda: v.log()[-5000:])
