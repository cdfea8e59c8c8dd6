# SPDX-License-Identifier: ISC
"""memory: what lies in a process."""


def memory_with(pid, needles):
    """Which of the needles lie in the writable memory of a process; for root."""
    found = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, mode = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if not mode.startswith("rw") or end - start > 1 << 32:  # a sanitizer's shadow
                continue
            for at in range(start, end, 1 << 24):
                try:
                    mem.seek(at)
                    block = mem.read(min(1 << 24, end - at))
                except OSError:
                    continue
                found |= {n for n in needles if n in block}
    return sorted(found)
