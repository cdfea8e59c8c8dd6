# SPDX-License-Identifier: ISC
"""A parameter that works is read by some program, and none reads one that
param.def says has no effect."""
import glob
import re
import sys

# Read by other values ($name), or by conf_transport() as a transport's own.
BY_VALUES = {
    "compatibility_level", "default_delivery_status_filter", "fallback_relay",
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
print("\n".join(sorted(bad)))
sys.exit(1 if bad else 0)
