# SPDX-License-Identifier: ISC
"""badcalls: which calls fail how often, told to badcalls.c from outside."""
import mmap
import os
import struct

KINDS = ("flush", "write", "rename", "close", "append")  # as badcalls.c has them
SIZE = 20  # of its struct call


class BadCalls:
    """Of a suite with badcalls.c preloaded, before its start."""

    def __init__(self, v):
        path = v.path("calls")
        with open(path, "wb") as f:
            f.truncate(4096)
        v.env["BADCALLS"] = path
        self.page = mmap.mmap(os.open(path, os.O_RDWR), 4096)

    def fail(self, kind, every, error, more=2 ** 31):
        """Every so manyth from now on, `more` of them at most; 0: none."""
        struct.pack_into("=I", self.page, KINDS.index(kind) * SIZE + 16, self.failed(kind) + more)
        struct.pack_into("=Ii", self.page, KINDS.index(kind) * SIZE, every, error)

    def failed(self, kind):
        return struct.unpack_from("=I", self.page, KINDS.index(kind) * SIZE + 12)[0]
