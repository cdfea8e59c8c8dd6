# SPDX-License-Identifier: ISC
"""group: all processes of one server, whatever they fork and whoever waits
for them, as a cgroup (v2): their CPU is exact, and their end certain.

    with group:          # what is started here belongs to it
        start()

t/bench has mounted the cgroups on ROOT, for itself alone.
"""
import os

from lib.suite import wait_until

ROOT = "/sys/fs/cgroup"


def own():
    """The folder of the group that this process is in."""
    with open("/proc/self/cgroup") as f:
        [path] = [line[3:].strip() for line in f if line.startswith("0::")]
    return ROOT + path


class Group:
    def __init__(self, name):
        self.outer = own()
        self.path = os.path.join(self.outer, f"valija-bench-{os.getpid()}-{name}")
        os.mkdir(self.path)

    def write(self, folder, name, text):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)

    def __enter__(self):
        self.write(self.path, "cgroup.procs", str(os.getpid()))

    def __exit__(self, *_):
        self.write(self.outer, "cgroup.procs", str(os.getpid()))

    def pids(self):
        with open(os.path.join(self.path, "cgroup.procs")) as f:
            return [int(line) for line in f]

    def cpu(self):
        """User and system seconds."""
        with open(os.path.join(self.path, "cpu.stat")) as f:
            return int(dict(map(str.split, f))["usage_usec"]) / 1e6

    def close(self):
        """Kill what is left."""
        self.write(self.path, "cgroup.kill", "1")
        wait_until(f"{self.path} is empty", lambda: not self.pids())
        os.rmdir(self.path)
