# SPDX-License-Identifier: ISC
"""A parameter that works is read by some program, and none reads one that
param.def says has no effect; the README counts both as they are."""
import glob
import re
import sys

# Read by other values ($name), or by conf_transport() as a transport's own.
BY_VALUES = {
    "cleanup_service_name", "compatibility_level", "default_delivery_status_filter", "fallback_relay",
    "local_destination_concurrency_limit", "local_destination_recipient_limit", "mail_version", "service_name",
    "smtpd_client_connection_limit_exceptions", "stress", "virtual_maps",
}

with open("lib/mail/param.def") as f:
    rows = dict((name, kind) for kind, name in re.findall(r"^(PARAM|GONE|MOOT)\((\w+),", f.read(), re.M))
read = set()
for path in glob.glob("*/*.c") + glob.glob("lib/**/*.c", recursive=True):
    if path != "lib/mail/param.c":
        with open(path) as f:
            read |= set(re.findall(r"\bPARAM_(\w+)", f.read()))
bad = [f"{name} has a row as if it worked, and nothing reads it"
       for name, kind in rows.items() if kind == "PARAM" and name not in read | BY_VALUES]
bad += [f"{name} is read, and its row says that it has no effect"
        for name in sorted(read) if rows.get(name, "PARAM") != "PARAM"]
with open("t/data/postconf-names.txt") as f:
    names = [line.strip() for line in f]
works, moot = (sum(rows.get(name) == kind for name in names) for kind in ("PARAM", "MOOT"))
with open("README.md") as f:
    said = re.search(r"prints (\d+) work, (\d+) more have\s+no effect", f.read())
if said is None or (int(said[1]), int(said[2])) != (works, moot):
    bad.append(f"README.md: of postconf -d's names {works} work, {moot} more have no effect to miss")
print("\n".join(sorted(bad)))
sys.exit(1 if bad else 0)
