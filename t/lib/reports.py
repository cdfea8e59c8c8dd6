# SPDX-License-Identifier: ISC
"""reports: what a checker says of a program fails the test, whichever program
it is, and wherever its walls stand.  Run by t/run with the sanitizers' build;
the counterpart of all tests that see no report."""
import os
import smtplib
import subprocess

from lib.suite import IS_ROOT, TOP, Suite
from lib.tap import main, test

PROGRAMS = ("master", "smtpd", "pickup", "qmgr", "local", "mda", "smtp", "bounce", "dns", "lookup",
            "keys", "memo", "auth", "pam")
KINDS = {"address": "AddressSanitizer: heap-buffer-overflow", "integer": "runtime error: signed integer overflow"}
BOX_UID = 5000


def report_of(fault, **who):
    """What the suite's end raises when one of its programs is faulty."""
    v = Suite(start=False, main_cf={
        "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
        "virtual_uid_maps": f"static:{BOX_UID}", "virtual_gid_maps": f"static:{BOX_UID}",
        "smtpd_reject_unlisted_recipient": "no", "smtpd_client_event_limit_exceptions": "192.0.2.1",
        "smtpd_sasl_auth_enable": "yes", "smtpd_tls_auth_only": "no", "auth_pam": "yes" if IS_ROOT else "no",
        "transport_maps": "inline:{{gone.test=error:gone, away.test=smtp:[127.0.0.1]:1}}"})
    os.mkdir(v.path("box"))
    if IS_ROOT:
        os.chown(v.path("box"), BOX_UID, BOX_UID)
    v.configure(virtual_mailbox_base=v.path("box"))
    orders = dict(who, FAULTY=fault)
    v.preload("faulty.c", flags=("-fsanitize=address,undefined",), env=orders)
    v.env.update(orders, LD_PRELOAD=v.path("shim.so"))  # for master
    try:
        v.start()
        v.send("a@box.test", ["in@box.test", "x@away.test"])
        v.send("a@box.test", ["y@gone.test"])
        if who.get("FAULTY_PROGRAM") in ("auth", "pam"):
            with v.smtp() as s:
                s.sock.settimeout(3)  # who ends says nothing
                s.login("root", "wrong")
        v.wait_log(r"Sanitizer|runtime error", give_up=5)
    except (OSError, RuntimeError, smtplib.SMTPException):
        pass  # it may end by that before it serves
    v.is_started = True
    try:
        v.close()
    except AssertionError as e:
        return str(e)
    return ""


for program in PROGRAMS:
    @test(f"a report of {program} fails the test in which it was made")
    def _(t, name=program):
        for fault, words in KINDS.items():
            got = report_of(fault, FAULTY_PROGRAM=name)
            t.ok(words in got, fault, got)


@test("a report of a child of mda's, that is a user")
def _(t):
    got = report_of("address", FAULTY_UID=str(BOX_UID))
    t.ok(KINDS["address"] in got, "address", got)


@test("without a fault there is none")
def _(t):
    v = Suite(start=False)
    v.preload("faulty.c", flags=("-fsanitize=address,undefined",))
    v.start()
    v.send("a@out.test", ["postmaster@here.test"])
    v.close()


@test("valgrind sees a value of another task's frame")
def _(t):
    r = subprocess.run(["valgrind", "-q", "--error-exitcode=9", f"{TOP}/build/t/lib/faulty_task"],
                       capture_output=True, text=True)
    t.ok(r.returncode == 9 and "uninitialised" in r.stderr, "a report", r.stderr)


main()
