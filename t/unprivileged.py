# SPDX-License-Identifier: ISC
"""Without root: the whole suite as one ordinary user, into virtual Maildirs
below his folder."""
import os
import pwd
import subprocess
import sys

from lib.suite import IS_ROOT, Suite, processes_below, wait_until
from lib.tap import main, test

if IS_ROOT:  # begin again as somebody else
    me = pwd.getpwnam("vt-carol")
    sys.exit(subprocess.run([sys.executable, *sys.argv], user=me.pw_uid, group=me.pw_gid, extra_groups=[],
                            env=dict(os.environ, HOME=me.pw_dir, USER="vt-carol")).returncode)

uid, gid = os.getuid(), os.getgid()
v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/", "virtual_minimum_uid": "1",
    "virtual_uid_maps": f"static:{uid}", "virtual_gid_maps": f"static:{gid}",
})
os.mkdir(v.path("box"))
v.configure(virtual_mailbox_base=v.path("box"))
v.start()


@test("everything runs as the caller, filtered all the same")
def _(t):
    v.send("a@out.test", ["x@box.test"], "Subject: one\n\nx\n")
    t.ok(b"Subject: one" in v.maildir(v.path("box", "in"))[0], "by SMTP")
    r = v.run("sendmail", "-C", v.conf, "x@box.test", input=b"Subject: two\n\nx\n")
    t.eq(r.returncode, 0, r.err)
    wait_until("by sendmail(1)", lambda: any(b"Subject: two" in m for m in v.maildir(v.path("box", "in"), 2)))
    master = v.master_pid()
    for pid, name in processes_below(master).items():
        with open(f"/proc/{pid}/status") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        t.eq(set(status["Uid"].split()), {str(uid)}, f"{name} is the caller")
        if pid != master:
            t.eq(status["Seccomp"].strip(), "2", f"{name} is filtered")
            t.eq(status["NoNewPrivs"].strip(), "1", f"{name} gets no new privileges")


@test("status says so")
def _(t):
    out = v.valija("status")
    t.eq(out.returncode, 0, out.err)
    t.ok("one user" in out.out + out.err, "one user", out.out + out.err)


@test("stop, and start again")
def _(t):
    v.stop()
    t.ok(v.valija("status").returncode != 0, "stopped")
    v.start()
    v.send("a@out.test", ["x@box.test"], "Subject: again\n\nx\n")
    wait_until("delivered", lambda: any(b"Subject: again" in m for m in v.maildir(v.path("box", "in"), 1)))


main(cleanup=v.close, evidence=lambda: v.log()[-4000:])
