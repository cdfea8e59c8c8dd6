# SPDX-License-Identifier: ISC
"""generator: smtp-source and smtp-sink of Debian's postfix package, which
know nothing of any server here."""
import os
import re
import subprocess
import threading
import time

from lib.bench.group import Group
from lib.peers import postfix_env, unpacked
from lib.suite import free_port, wait_until

STALL = 60  # seconds in which something must come on
HZ = os.sysconf("SC_CLK_TCK")


def tool(name):
    return os.path.join(unpacked("postfix"), "usr/sbin", name)


def cpu_of_all():
    """Seconds that all processors of this machine were busy."""
    with open("/proc/stat") as f:
        user, nice, system, _idle, _wait, *rest = (int(x) for x in f.readline().split()[1:])
    return (user + nice + system + sum(rest[:2])) / HZ


def own_cpu():
    """Of this process and of what it has waited for: smtp-source."""
    return sum(os.times()[:4])


class Meter:
    """CPU since it was made: of groups, of this process, and of the rest of
    the machine."""

    def __init__(self, *groups):
        self.groups = groups
        self.used = [g.cpu() for g in groups]
        self.start, self.busy, self.own = time.monotonic(), cpu_of_all(), own_cpu()

    def stop(self):
        """(seconds of each group, own seconds, cores that others took)"""
        took = time.monotonic() - self.start
        busy, own = cpu_of_all() - self.busy, own_cpu() - self.own
        used = [g.cpu() - before for g, before in zip(self.groups, self.used)]
        return used, own, max(0, busy - own - sum(used)) / took


def arrival(count, total, pause, is_idle, stall=STALL):
    """Wait until count() is `total`, or no longer when nothing more comes and
    the server has nothing left, or it stands still."""
    last, since = None, time.monotonic()
    while (now := count()) < total:
        idle = time.monotonic() - since
        if now != last:
            last, since = now, time.monotonic()
        elif idle > stall or idle > 2 and is_idle():
            break
        time.sleep(pause)
    if now != total:
        raise RuntimeError(f"{now} messages arrived and not {total}")


def traffic(pid):
    """Bytes that a process has read and written."""
    with open(f"/proc/{pid}/io") as f:
        counts = dict(line.split(": ") for line in f)
    return int(counts["rchar"]) + int(counts["wchar"])


class Watchdog(threading.Thread):
    """Kills a process whose conversation stands still."""

    def __init__(self, process, stall):
        super().__init__(daemon=True)
        self.process, self.stall = process, stall
        self.ended, self.has_killed = threading.Event(), False
        self.start()

    def run(self):
        last, since = None, time.monotonic()
        while not self.ended.wait(0.5):
            now = traffic(self.process.pid)
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > self.stall:
                self.has_killed = True
                self.process.kill()
                return

    def end(self):
        self.ended.set()
        self.join()


class Source:
    """One run of smtp-source; took and cpu are seconds."""

    def __init__(self, case, messages, port, stall=STALL):
        argv = [tool("smtp-source"), *case.options(), "-m", str(messages), f"127.0.0.1:{port}"]
        start = time.monotonic()
        p = subprocess.Popen(argv, env=postfix_env(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        watchdog = Watchdog(p, stall)
        said = p.stderr.read().decode("utf-8", "replace")
        watchdog.end()
        _pid, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        self.took = time.monotonic() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        if watchdog.has_killed:
            raise RuntimeError(f"no byte went to or came from the server for {stall} s")
        if p.returncode:
            raise RuntimeError(f"smtp-source ended with {p.returncode}: {said.strip()[-300:]}")


class Sink:
    """smtp-sink.  It writes its counters into a file in memory, where reading
    them disturbs nobody."""

    def __init__(self):
        self.port = free_port()
        self.out = os.memfd_create("sink")
        argv = [tool("smtp-sink"), "-u", "nobody", "-c", "-m", "1000", f"127.0.0.1:{self.port}", "1000"]
        self.group = Group("sink")
        with self.group:
            self.process = subprocess.Popen(argv, env=postfix_env(), stdin=subprocess.DEVNULL,
                                            stdout=self.out, stderr=subprocess.DEVNULL)
        wait_until("smtp-sink listens", lambda: is_listening(self.port))

    def count(self):
        size = os.fstat(self.out).st_size
        seen = re.findall(rb"mesg=(\d+)\r", os.pread(self.out, 400, max(0, size - 400)))
        return int(seen[-1]) if seen else 0

    def arrival(self, total, is_idle=lambda: True):
        """When that many messages had come in all, to 2 ms."""
        arrival(self.count, total, 0.002, is_idle)
        return time.time()

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.group.close()
        os.close(self.out)


def is_listening(port):
    """Asked without a connection, which would be a session of the server."""
    with open("/proc/net/tcp") as f:
        return f":{port:04X} 00000000:0000 0A" in f.read()
