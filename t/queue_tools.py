# SPDX-License-Identifier: ISC
"""postqueue, postsuper, postcat and the like, with a queue that holds mail."""
import json
import os
import re

from lib.suite import Suite, wait_until
from lib.tap import main, test

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


def send(recipient, subject="waits"):
    """A message that waits for `recipient`; its id."""
    known = {r["queue_id"] for r in rows()}
    v.send("s@out.test", [recipient], f"Subject: {subject}\n\nx\n")

    def waits():
        return [r["queue_id"] for r in rows() if r["queue_id"] not in known and r["queue_name"] == "deferred"]
    return wait_until(f"{recipient} waits", waits)[0]


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
    t.eq(postqueue("-f").returncode, 0, "-f")
    tried_again(other, before[other])


main(cleanup=v.close, evidence=lambda: v.log()[-5000:])
