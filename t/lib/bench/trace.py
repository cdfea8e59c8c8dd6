# SPDX-License-Identifier: ISC
"""trace: system calls of a server, counted by strace."""
import glob
import signal
import subprocess
import tempfile

from lib.suite import wait_until

# what waits for a disk; sync_file_range only begins to write
FLUSHES = ("fsync", "fdatasync", "syncfs", "sync", "msync")


def is_traced(pid):
    """Every thread of it; also when it has ended meanwhile."""
    for path in glob.glob(f"/proc/{pid}/task/*/status"):
        try:
            with open(path) as f:
                if "\nTracerPid:\t0\n" in f.read():
                    return False
        except OSError:
            pass
    return True


def system_calls(server, case, messages, sink):
    """(calls, flushes, the five most frequent) a message, all processes."""
    with tempfile.NamedTemporaryFile(mode="r", prefix="strace-") as out:
        pids = server.group.pids()
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-c", "-U", "calls,name", "-o", out.name,
                                   *(arg for p in pids for arg in ("-p", str(p)))], stderr=subprocess.DEVNULL)
        try:
            wait_until("strace has all", lambda: all(is_traced(p) for p in pids))
            server.send(case, messages, sink)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
        counts = {}
        for words in map(str.split, out):
            if len(words) == 2 and words[0].isdigit() and words[1] != "total":
                counts[words[1]] = int(words[0]) / messages
    most = sorted(counts, key=counts.get, reverse=True)[:5]
    return (sum(counts.values()), sum(counts.get(name, 0) for name in FLUSHES),
            ", ".join(f"{name} {counts[name]:.1f}" for name in most))
