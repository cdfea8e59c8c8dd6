# SPDX-License-Identifier: ISC
"""t/bench, run short and without peers: its tables have their form, and a
server that stands still ends it."""
import os
import re
import socket
import subprocess
import tempfile

from lib.bench.case import Case
from lib.bench.generator import Source, arrival
from lib.suite import TOP
from lib.tap import main, test

HEAD = ["case", "sessions", "bytes", "server", "messages", "accepted/s", "delivered/s", "CPU ms a message",
        "generator, cores", "others, cores"]
RANGE = r"\d+(\.\d+)? \[\d+(\.\d+)?-\d+(\.\d+)?\]"


def bench(*argv):
    return subprocess.run([f"{TOP}/t/bench", *argv], capture_output=True, text=True, timeout=200)


def tables(text):
    """Each a list of rows, its head first, without the line below it."""
    found = [[]]
    for line in text.splitlines():
        if line.startswith("| ---"):
            continue
        if line.startswith("| "):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [t for t in found if t]


@test("the tables of a short run")
def _(t):
    r = bench("--peer", "none", "--case", "virtual,unix,relay,strace,memory", "-r", "2", "-m", "40", "-s", "1,5",
              "-l", "1024")
    t.must(r.returncode == 0, "exit code", r.stdout + r.stderr)
    t.ok(re.match(rf"{os.cpu_count()} cores, \S+; \w+.* \(.*\)\n2 runs, 40 messages\n", r.stdout), "what was measured", r.stdout)
    t.must(len(tables(r.stdout)) == 3, "three tables", r.stdout)
    speed, calls, memory = tables(r.stdout)
    t.eq(speed[0], HEAD, "the head")
    t.eq([row[:4] for row in speed[1:]], [
        [kind, sessions, "1024", name]
        for kind, sessions in (("virtual", "1"), ("virtual", "5"), ("unix", "5"), ("relay", "5"))
        for name in ("valija", "smtp-sink", "valija to smtp-sink")], "the rows")
    for row in speed[1:]:
        if row[3].startswith("valija to"):
            t.ok(row[4] == "" and all(re.fullmatch(r"\d+\.\dx", cell) for cell in row[5:7]), "ratios", row)
        else:
            t.ok(20 <= int(row[4]) <= 40 and all(re.fullmatch(RANGE, cell) for cell in row[5:]), "figures", row)
    t.eq(calls[0], ["case", "sessions", "bytes", "server", "system calls a message", "flushes a message", "most"], "the head")
    t.eq({(row[0], row[3]) for row in calls[1:]}, {(kind, "valija") for kind in ("virtual", "unix", "relay")}, "the rows")
    for row in calls[1:]:
        t.ok(1 < float(row[4]) < 1000 and 0 < float(row[5]) < 10 and re.fullmatch(r"(\w+ \d+\.\d(, )?)+", row[6]), "figures", row)
    t.eq(memory[0], ["server", "KiB without sessions", "KiB with 1000 idle", "KiB a session"], "the head")
    t.eq([row[0] for row in memory[1:]], ["valija"], "the rows")
    # what the runs before took makes the difference small
    t.ok(int(memory[1][1]) > 0 and int(memory[1][2]) > 0 and re.fullmatch(r"-?\d+\.\d", memory[1][3]), "figures", memory)


@test("a folder that others cannot enter, or that is none")
def _(t):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as outer:
        inner = os.path.join(outer, "inner")
        os.mkdir(inner)
        os.chmod(inner, 0o755)
        os.chmod(outer, 0o700)
        r = bench("--dir", inner)
        t.eq((r.returncode, r.stdout, r.stderr), (1, "", f"t/bench: other users cannot enter {outer}: name a --dir that "
                                                  "they can\n"), "closed")
        r = bench("--dir", f"{inner}/none")
        t.eq((r.returncode, r.stderr), (1, f"t/bench: {inner}/none is not a folder\n"), "none")


def failure(function):
    try:
        function()
    except RuntimeError as e:
        return str(e)
    return ""


@test("a server that stands still")
def _(t):
    with socket.create_server(("127.0.0.1", 0)) as s:
        said = failure(lambda: Source(Case("virtual", 2, 1024), 10, s.getsockname()[1], stall=1))
    t.eq(said, "no byte went to or came from the server for 1 s", "no greeting")
    said = failure(lambda: arrival(lambda: 3, 5, 0.01, lambda: False, stall=1))
    t.eq(said, "3 messages arrived and not 5", "nothing arrives any more")


main()
