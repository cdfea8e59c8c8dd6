# SPDX-License-Identifier: ISC
"""What cleans itself up is born clean: a *_CLEANUP variable has an initialiser,
so that a return before its init frees nothing that was never there."""
import glob
import re
import sys

bad = 0
for path in sorted(glob.glob("**/*.[ch]", recursive=True)):
    if path.startswith("build"):
        continue
    with open(path) as f:
        for number, line in enumerate(f, 1):
            m = re.match(r"\s+\S*_CLEANUP (?:struct )?\w+ ([^(]*);$", line)
            suffix = re.match(r"\s+\w.* \w+_CLEANUP\b", line)
            if suffix or m and any("=" not in v for v in m.group(1).split(",")):
                print(f"{path}:{number}: not initialised: {line.strip()}")
                bad = 1
sys.exit(bad)
