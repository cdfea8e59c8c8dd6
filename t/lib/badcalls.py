# SPDX-License-Identifier: ISC
"""badcalls: which calls fail how often, told to badcalls.c from outside."""
import mmap
import os
import struct

KINDS = ("flush", "write", "rename", "close")  # as badcalls.c has them


class BadCalls:
    """Of a suite with badcalls.c preloaded, before its start."""

    def __init__(self, v):
        path = v.path("calls")
        with open(path, "wb") as f:
            f.truncate(4096)
        v.env["BADCALLS"] = path
        self.page = mmap.mmap(os.open(path, os.O_RDWR), 4096)

    def fail(self, kind, every, error):
        struct.pack_into("=Ii", self.page, KINDS.index(kind) * 16, every, error)

    def failed(self, kind):
        return struct.unpack_from("=I", self.page, KINDS.index(kind) * 16 + 12)[0]
