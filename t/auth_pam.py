# SPDX-License-Identifier: ISC
"""Login passwords of users of the system, by PAM, with passwords for mail
beside them; as root, since nobody else may ask about others' passwords."""
import base64
import os
import pwd
import signal
import socket
import subprocess
import threading
import unicodedata

from lib.suite import IS_ROOT, Suite
from lib.tap import main, test

assert IS_ROOT, "nobody else may ask about others' passwords"

USER, PASSWORD = f"vt-pam{os.getpid() % 100000}", "für den Anmeldeschirm"
subprocess.run(["useradd", "-M", "-s", "/bin/sh", USER], check=True)
subprocess.run(["chpasswd"], input=f"{USER}:{PASSWORD}\n".encode(), check=True)
v = Suite(main_cf={"auth_pam": "yes", "auth_failure_delay": "0"})


def says(user, password, address="", hello=None):
    hello = [] if hello is None else hello
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(os.path.join(v.queue, "private", "valija-auth"))
    f = s.makefile("rb")
    while (line := f.readline()) not in (b"DONE\n", b""):
        hello.append(line)
    plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    s.sendall(f"VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tservice=smtp\trip={address}\tresp={plain}\n".encode())
    word = f.readline().decode().rstrip("\n").split("\t")
    s.close()
    return word[0] + (" temp" if "temp" in word else "")


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


@test("right, wrong, nobody, root, users of the system itself")
def _(t):
    t.eq(v.pids_of("pam"), [], "nobody has asked yet")
    t.eq(says(USER, PASSWORD), "OK", "right")
    for user, password in ((USER, "wrong"), (USER, ""), ("nobody-at-all", PASSWORD), ("root", PASSWORD), ("daemon", ""),
                           (f"{USER}@here.test", PASSWORD), (f"{USER}/", PASSWORD)):
        t.eq(says(user, password), "FAIL", f"{user}, {password!r}")
    t.eq(says(USER, unicodedata.normalize("NFD", PASSWORD)), "OK", "its letters written in two")
    v.wait_log(rf"passwd-file\({USER}\): Password mismatch \(SASL PLAIN\)")
    t.ok(PASSWORD not in v.log(), "no password in the log")


@test("pam runs as a user of its own, with shadow's group and no right more")
def _(t):
    s = status(v.pids_of("pam")[0])
    t.eq({int(u) for u in s["Uid"].split()}, {pwd.getpwnam("valija-pam").pw_uid}, "its user")
    t.eq([int(s[c], 16) for c in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")], [0] * 5, "no capability")
    t.eq((s["NoNewPrivs"].strip(), s["Seccomp"].strip()), ("1", "2"), "none to come, filtered")


@test("an account that is locked or has ended is refused")
def _(t):
    for lock, unlock in ((["usermod", "-L"], ["usermod", "-U"]),
                         (["usermod", "-e", "2020-01-01"], ["usermod", "-e", ""])):
        subprocess.run([*lock, USER], check=True)
        t.eq(says(USER, PASSWORD), "FAIL", " ".join(lock))
        subprocess.run([*unlock, USER], check=True)
        t.eq(says(USER, PASSWORD), "OK", "as before")


@test("a password for mail beside it; no SCRAM, which could not be had by all")
def _(t):
    v.valija("user", "add", "--stdin", USER, input=b"for mail\n", check=True)
    t.eq([says(USER, p) for p in ("for mail", PASSWORD, "wrong")], ["OK", "OK", "FAIL"], "both are good")
    hello = []
    says(USER, PASSWORD, hello=hello)
    t.eq([line.split(b"\t")[1] for line in hello if line.startswith(b"MECH")], [b"PLAIN", b"LOGIN"], "mechanisms")
    v.valija("user", "del", USER, check=True)


@test("many at once; who has a password for mail does not wait for pam; pam killed is no wrong password")
def _(t):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(says(USER, PASSWORD))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    t.eq(answers, ["OK"] * 30, "all are let in")
    old = v.pids_of("pam")[0]
    os.kill(old, signal.SIGSTOP)
    waiting = threading.Thread(target=lambda: answers.append(says(USER, PASSWORD)))
    waiting.start()
    v.valija("user", "add", "--stdin", "other", input=b"others\n", check=True)
    t.eq(says("other", "others"), "OK", "who has a password for mail does not wait for pam")
    os.kill(old, signal.SIGKILL)
    waiting.join()
    t.eq(answers[-1], "FAIL temp", "not now")
    t.eq(says(USER, PASSWORD), "OK", "another is started")


@test("a minimum uid above his: not him")
def _(t):
    v.configure(auth_pam_minimum_uid=str(pwd.getpwnam(USER).pw_uid + 1))
    v.reload()
    t.eq(says(USER, PASSWORD), "FAIL", "refused")
    v.configure(auth_pam_minimum_uid=None, auth_pam="no")
    v.reload()
    t.eq(says(USER, PASSWORD), "FAIL", "without auth_pam as well")


def close():
    v.close()
    subprocess.run(["userdel", USER], check=True)


main(cleanup=close, evidence=lambda: v.log()[-3000:])
