# SPDX-License-Identifier: ISC
"""table: rows of runs as a table in Markdown: median [least-most], and
ratios of medians."""
import statistics

HEAD = ("case", "sessions", "bytes", "server", "messages", "accepted/s", "delivered/s",
        "CPU ms a message", "generator, cores", "others, cores")


def line(cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def head(*cells):
    line(cells)
    line(["---"] * len(cells))


def cell(values):
    digits = 0 if statistics.median(values) >= 100 else 1 if statistics.median(values) >= 10 else 2
    low, middle, high = (f"{x:.{digits}f}" for x in (min(values), statistics.median(values), max(values)))
    return f"{middle} [{low}-{high}]"


def medians(rows):
    return [statistics.median(column) for column in zip(*rows)]


def ratio(ours, theirs):
    return f"{ours / theirs:.1f}x" if theirs else ""


def speed(case, servers, counts, rows):
    """rows: {name: [Row]}; what the first server is to each other follows:
    how many times as fast, and by what part of their CPU."""
    have = [s for s in servers if rows[s.name]]
    for s in have:
        line([case, s.name, counts[s.name], *(cell(column) for column in zip(*rows[s.name]))])
    ours = medians(rows[have[0].name])
    for s in have[1:]:
        theirs = medians(rows[s.name])
        cpu = f"1/{theirs[2] / ours[2]:.1f}" if s.is_server and ours[2] else ""
        line([case, f"{have[0].name} to {s.name}", "", ratio(ours[0], theirs[0]), ratio(ours[1], theirs[1]),
              cpu, "", ""])


def rates(case, rows):
    """rows: {name: [(a second, CPU ms each, the generator's, others' cores)]};
    ratios as above.  A second of one core's: what its CPU would make alone."""
    rows = {name: [(rate, 1000 / cpu, cpu, own, others) for rate, cpu, own, others in found]
            for name, found in rows.items() if found}
    for name, found in rows.items():
        line([case, name, *(cell(column) for column in zip(*found))])
    first, *rest = rows
    ours = medians(rows[first])
    for name in rest:
        theirs = medians(rows[name])
        line([case, f"{first} to {name}", ratio(ours[0], theirs[0]), ratio(ours[1], theirs[1]),
              f"1/{theirs[2] / ours[2]:.1f}", "", ""])
