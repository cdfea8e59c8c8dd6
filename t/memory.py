# SPDX-License-Identifier: ISC
"""A thousand idle sessions, and what they cost in all."""
import resource
import socket

from lib.suite import Suite, processes_below, pss, wait_until
from lib.tap import diag, main, test

SESSIONS = 1000
LIMIT_KIB = 48 * 1024
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

v = Suite(main_cf={"smtpd_client_connection_count_limit": "0"})


def hear(s, replies):
    """That many replies, all of them 2yz."""
    data = b""
    while sum(line[3:4] == b" " for line in data.splitlines(True) if line.endswith(b"\n")) < replies:
        got = s.recv(4096)
        assert got, f"closed after {data!r}"
        data += got
    assert all(line[:1] == b"2" for line in data.splitlines()), data


@test(f"{SESSIONS} idle sessions stay below {LIMIT_KIB // 1024} MiB in all")
def _(t):
    before = pss(processes_below(v.master_pid()))
    sessions = []
    for i in range(SESSIONS):
        sessions.append(socket.create_connection(("127.0.0.1", v.port)))
    for say, replies in ((b"", 1), (b"EHLO idle.test\r\n", 1),
                         (b"MAIL FROM:<a@out.test>\r\nRSET\r\n", 2)):
        for s in sessions:
            s.sendall(say)
        for s in sessions:
            hear(s, replies)
    after = wait_until("memory settles", lambda: (
        n := pss(processes_below(v.master_pid()))) < LIMIT_KIB and n, 15)
    diag(f"{before} KiB without sessions, {after} KiB with {SESSIONS}: "
         f"{(after - before) / SESSIONS:.1f} KiB each")
    t.ok(after < LIMIT_KIB, "in all", after)
    for s in sessions:
        s.sendall(b"QUIT\r\n")
        s.close()


main(cleanup=v.close, evidence=lambda: v.log()[-3000:])
