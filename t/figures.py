# SPDX-License-Identifier: ISC
"""t/bench works: its smallest run, Valija alone.  No figure is judged."""
import os
import shutil
import subprocess
import tempfile

from lib.suite import IS_ROOT, TOP
from lib.tap import diag, main, test

assert IS_ROOT, "t/bench needs root: chroots, mounts, a hundred users"

KINDS = ["virtual", "unix", "relay", "recipients", "connection", "large"]
folder = tempfile.mkdtemp(prefix="valija-t-figures-", dir="/var/tmp")


def bench(*options, before=()):
    return subprocess.run([*before, os.path.join(TOP, "t", "bench"), *options], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200)


def tables(text):
    """A list of tables, each a list of rows, each a list of cells."""
    found = [[]]
    for line in text.splitlines():
        if line.startswith("| "):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [t[2:] for t in found if t]


def mounts():
    with open("/proc/mounts") as f:
        return [line for line in f if folder in line]


@test("every case, twenty messages, nothing left behind", long=True)
def _(t):
    r = bench("--peer", "none", "-m", "20", "-r", "1", "-s", "1,10", "-l", "1024",
              "--case", ",".join([*KINDS, "strace"]), "--dir", folder)
    t.must(r.returncode == 0, "t/bench ends well", r.stdout)
    diag(r.stdout.splitlines()[0])
    t.ok("tmpfs" not in r.stdout, "a file system that flushes", r.stdout)
    speed, strace = tables(r.stdout)
    for who, kinds in (("valija", KINDS), ("smtp-sink", KINDS), ("bare loop", ["large"])):
        rows = [row for row in speed if row[3] == who]
        t.eq({row[0] for row in rows}, set(kinds), f"cases of {who}")
        for row in rows:
            accepted, delivered = (float(cell.split()[0]) for cell in row[5:7])
            t.ok(accepted > 0 and delivered > 0, "rates", row)
    t.eq([row[1] for row in speed if row[:1] + row[3:4] == ["virtual", "valija"]], ["1", "10"], "sessions")
    t.eq([row[0] for row in strace], KINDS, "cases under strace")
    for row in strace:
        t.ok(float(row[4]) > 1 and float(row[5]) > 0, "system calls and flushes", row)
    t.eq(os.listdir(folder), [], "left in the folder")
    t.eq(mounts(), [], "left mounted")


@test("a tmpfs is refused", long=True)
def _(t):
    r = bench("--peer", "none", "--dir", folder, before=(
        "unshare", "--mount", "sh", "-c", f"mount -t tmpfs none {folder} && exec \"$@\"", "sh"))
    t.ok(r.returncode == 1 and "is a tmpfs" in r.stdout, "refused", r.stdout)


@test("what is no case and no peer is said")
def _(t):
    r = bench("--case", "virtual,imaginary")
    t.ok(r.returncode == 2 and "imaginary" in r.stdout, "a case that is none", r.stdout)
    r = bench("--peer", "imaginary")
    t.ok(r.returncode == 2 and "imaginary" in r.stdout, "a peer that is none", r.stdout)


main(cleanup=lambda: shutil.rmtree(folder))
