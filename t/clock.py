# SPDX-License-Identifier: ISC
"""A wall clock that jumps by an hour or by ten years, forward and back, under
load, and one that is wrong at a start: mail is taken and delivered all the
while, and what waits is neither returned nor forgotten."""
import mmap
import os
import re
import struct
import subprocess
import tempfile
import time

from lib.load import make_message
from lib.paths import Paths
from lib.suite import Suite, wait_until
from lib.tap import main, test

HOUR, YEAR = 3600, 365 * 86400
JUMPS = (HOUR, 0, 10 * YEAR, 0, -HOUR, 0, -10 * YEAR, 0) if os.environ.get("T_LONG") else (HOUR, 10 * YEAR, -10 * YEAR)
WAITING = 5  # messages to a host that takes none for now
FIRST = 10 ** 6  # their serial

folder = tempfile.mkdtemp(prefix="valija-ledger-", dir="/dev/shm")
v = Suite(start=False, main_cf={"delay_warning_time": "0"})
paths = Paths(v)
v.configure(maximal_backoff_time="1s")
is_open = False
slow = paths.sink.rcpt


def answer(line):
    if "@shut.test" in line and not is_open:
        return "450 4.2.1 not now"
    return slow(line)


paths.sink.rcpt = answer
v.preload("badclock.c")
v.env["BADCLOCK"] = v.path("clock")
with open(v.env["BADCLOCK"], "wb") as f:
    f.truncate(4096)
page = mmap.mmap(os.open(v.env["BADCLOCK"], os.O_RDWR), 4096)
v.start()


def set_clock(seconds):
    struct.pack_into("=q", page, 0, seconds)


def attempts():
    return len(re.findall(r"to=<shut\d+@shut\.test>.*status=deferred", v.log()))


def attempted_again(what):
    before = attempts()
    wait_until(f"{what}: what waits is attempted; {v.log()[-1500:]}", lambda: attempts() >= before + WAITING)


@test("jumps of an hour and of ten years, forward and back, under load")
def _(t):
    global is_open
    for i in range(WAITING):
        v.send(paths.sender, [f"shut{i}@shut.test"], make_message(FIRST + i, 500))
    wait_until("so many attempts that it may expire", lambda: attempts() >= 3 * WAITING, 60)
    load = paths.load(os.path.join(folder, "load"), sessions=3, pace=0.02)
    for jump in JUMPS:
        set_clock(jump)
        before = len(load.acked)
        wait_until(f"mail is taken at {jump:+d} s", lambda: len(load.acked) > before + 20)
        attempted_again(f"at {jump:+d} s")
    set_clock(10 * YEAR)
    v.stop()
    v.start()
    attempted_again("after a start ten years ahead")
    v.stop()
    set_clock(0)
    v.start()
    attempted_again("after a start with the clock set right")
    load.stop()
    t.ok("status=bounced" not in re.sub(r"@refused\.test.*", "", v.log()), "nothing was returned",
         [line for line in v.log().splitlines() if "shut" in line and "status=" in line][-3:])
    is_open = True
    verdict = paths.judged(t, load.acked)
    t.eq(verdict.duplicates(), {}, "once")
    t.eq(sum((FIRST + i, "sink") in verdict.copies for i in range(WAITING)), WAITING, "what waited went out")


@test("a suite at rest does not spin when its clock jumps")
def _(t):
    def cpu():
        total = 0
        for pid in v.pids():
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")
    before = cpu()
    for jump in (10 * YEAR, -10 * YEAR, 0):
        set_clock(jump)
        time.sleep(1)
    t.ok(cpu() - before < 0.15, "less than 5 % of a core", cpu() - before)


def clean():
    paths.close()
    v.close()
    subprocess.run(["rm", "-rf", folder])


main(cleanup=clean, evidence=lambda: v.log()[-5000:])
