# SPDX-License-Identifier: ISC
"""Every folder with sources has a README of one screen, and every program a
manual page beside it."""
import glob
import os
import sys

bad = 0
folders = {os.path.dirname(p) for p in glob.glob("*/*.c") + glob.glob("lib/*/*.c")}
for folder in sorted(folders | {"etc", "t"}):
    readme = os.path.join(folder, "README.md")
    if not os.path.exists(readme):
        print(f"{folder} has no README.md")
        bad = 1
        continue
    with open(readme) as f:
        lines = len(f.readlines())
    if lines > 70:
        print(f"{readme} is {lines} lines long: more than a screen")
        bad = 1
    if os.path.exists(os.path.join(folder, "main.c")):
        page = os.path.join(folder, f"{folder}.8")
        if not os.path.exists(page):
            print(f"{folder} has no manual page {page}")
            bad = 1
sys.exit(bad)
