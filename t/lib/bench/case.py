# SPDX-License-Identifier: ISC
"""case: what is sent, and where it shall arrive."""
import dataclasses

KINDS = {
    "virtual": "to the virtual Maildirs of one uid",
    "unix": "to the Maildirs of a hundred unix users, in turn",
    "relay": "to smtp-sink, as the next hop",
    "recipients": "50 recipients a message, virtual Maildirs",
    "connection": "one connection a message, virtual Maildirs",
    "large": "100 KiB, virtual Maildirs",
}


@dataclasses.dataclass(frozen=True)
class Case:
    kind: str
    sessions: int
    size: int           # of the body, in bytes
    part: float = 1.0   # of the messages that are asked for

    @property
    def recipients(self):
        """Of a message."""
        return 50 if self.kind == "recipients" else 1

    @property
    def domain(self):
        return f"{self.kind if self.kind in ('unix', 'relay') else 'virtual'}.test"

    def options(self):
        """For smtp-source."""
        argv = ["-s", str(self.sessions), "-l", str(self.size), "-r", str(self.recipients),
                "-f", "from@bench.test", "-t", f"user@{self.domain}"]
        if self.kind == "unix":
            argv.append("-N")  # 1user, 2user, ...
        if self.kind != "connection":
            argv.append("-d")
        return argv

    def __str__(self):
        return f"{self.kind} | {self.sessions} | {self.size}"


def cases(kinds, sessions, sizes):
    """All sessions and sizes for virtual; ten sessions, or what is nearest,
    for the others."""
    middle = min(sessions, key=lambda s: abs(s - 10))
    found = []
    for kind in kinds:
        if kind == "virtual":
            found += [Case(kind, s, size, 0.25 if s == 1 else 1) for size in sizes for s in sessions]
        elif kind == "large":
            found.append(Case(kind, middle, 102400, 0.2))
        else:
            found += [Case(kind, middle, size, 0.05 if kind == "recipients" else 1) for size in sizes]
    return found
