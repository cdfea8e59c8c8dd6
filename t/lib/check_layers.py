# SPDX-License-Identifier: ISC
"""Arrows run one way: programs -> mail -> net, dict -> base.  No program
includes another's files."""
import glob
import re
import sys

BELOW = {
    "base": {"base"},
    "net": {"base", "net"},
    "dict": {"base", "net", "dict"},
    "mail": {"base", "net", "dict", "mail"},
}
bad = 0
for path in sorted(glob.glob("*/*.[ch]") + glob.glob("lib/**/*.[ch]", recursive=True)):
    parts = path.split("/")
    if parts[0] in ("build", "build-san", "build-fuzz", "t"):
        continue
    is_library = parts[0] == "lib"
    layer = parts[1] if is_library else parts[0]
    allowed = BELOW[layer] if is_library else set(BELOW) | {layer}
    with open(path) as f:
        for number, line in enumerate(f, 1):
            m = re.match(r'#include "([a-z0-9_]+)/', line)
            if m and m.group(1) not in allowed:
                print(f"{path}:{number}: {layer} must not include {m.group(1)}/")
                bad = 1
sys.exit(bad)
