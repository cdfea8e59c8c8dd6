# SPDX-License-Identifier: ISC
"""reference: what stands beside the servers and is none: how fast the
generator is when nothing is behind it, and how fast the disk.

They run a case as a Server does.
"""
import os
import tempfile
import threading
import time

from lib.bench.generator import Meter, Source
from lib.bench.server import Row


class Ceiling:
    """smtp-source straight into smtp-sink: no server can be measured faster."""
    name, is_server = "smtp-sink", False

    def run(self, case, messages, sink):
        meter = Meter(sink.group)
        start, want = time.time(), sink.count() + messages
        source = Source(case, messages, sink.port)
        took = sink.arrival(want) - start
        [used], _own, others = meter.stop()
        return Row(messages / source.took, messages * case.recipients / took, used * 1000 / messages,
                   source.cpu / source.took, others)


class BareLoop:
    """As many threads as the case has sessions, each doing no more than
    write a file of the message's size and flush it."""
    name, is_server = "bare loop", False

    def __init__(self, folder):
        self.folder = folder

    def run(self, case, messages, _sink):
        data = os.urandom(case.size)
        folder = tempfile.mkdtemp(dir=self.folder)  # stays: as Server.empty()

        def loop(first):
            for n in range(first, messages, case.sessions):
                fd = os.open(os.path.join(folder, str(n)), os.O_WRONLY | os.O_CREAT)
                os.write(fd, data)
                os.fsync(fd)
                os.close(fd)
        threads = [threading.Thread(target=loop, args=(n,)) for n in range(case.sessions)]
        os.sync()
        meter = Meter()
        start = time.monotonic()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        took = time.monotonic() - start
        _, used, others = meter.stop()
        rate = messages / took
        return Row(rate, rate, used * 1000 / messages, 0, others)
