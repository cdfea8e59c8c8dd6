# SPDX-License-Identifier: ISC
"""disk: a file system on a loop device whose power can be cut.

The cut is the shutdown ioctl of ext4 and xfs with the log not flushed: what
was not on stable storage is gone at the next mount.  The mounts are in a
namespace of this test alone: one that another test has made meanwhile would
hold a copy of them, and the image with it.
"""
import ctypes
import fcntl
import os
import struct
import subprocess
import tempfile

from lib.suite import wait_until

SHUTDOWN = 0x8004587d  # _IOR('X', 125, uint32_t)
NO_LOG_FLUSH = 2
CLONE_NEWNS = 0x20000


def own_mounts(done=[]):
    """Before threads are started: each has a namespace."""
    if done:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) < 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    done.append(True)


MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-i", "8192"],
    "ext4-nojournal": ["mkfs.ext4", "-q", "-F", "-i", "8192", "-O", "^has_journal"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
}


class Disk:
    """In a file below `base`, removed at the end. With `filled` its blocks are
    there from the start, so that no measured write waits for them; `inodes`:
    so many in all (ext4)."""

    def __init__(self, kind, megabytes=600, base="/var/tmp", filled=False, inodes=None):
        own_mounts()
        self.kind = kind
        self.image = tempfile.NamedTemporaryFile(prefix="valija-disk-", dir=base)
        os.truncate(self.image.name, megabytes << 20)
        if filled:
            for _ in range(megabytes):
                self.image.write(bytes(1 << 20))
            self.image.flush()
            os.fsync(self.image.fileno())
        options = ["-N", str(inodes)] if inodes else []
        subprocess.run(MAKE[kind] + options + [self.image.name], check=True, capture_output=True)
        self.path = tempfile.mkdtemp(prefix="valija-mnt-", dir=base)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image.name, self.path], check=True)

    def umount(self):
        """Who was just being born when all were killed may use it still."""
        wait_until(f"nobody uses {self.path}",
                   lambda: subprocess.run(["umount", self.path], capture_output=True).returncode == 0)

    def cut(self):
        """From here on nothing reaches the disk."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def remount(self):
        """Another mount namespace may hold the old mount for a moment more."""
        self.umount()
        wait_until("the image is free", self.is_free)
        self.mount()

    def is_free(self):
        r = subprocess.run(["losetup", "-j", self.image.name], capture_output=True)
        return not r.stdout

    def close(self):
        subprocess.run(["umount", "-l", self.path], capture_output=True)
        os.rmdir(self.path)
        self.image.close()
