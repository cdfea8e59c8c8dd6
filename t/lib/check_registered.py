# SPDX-License-Identifier: ISC
"""Every test file is run by something: a unit test or fuzz target that no
meson.build names would otherwise pass for ever."""
import glob
import os
import sys

bad = 0
for path in sorted(glob.glob("t/unit/*/test_*.c") + glob.glob("t/fuzz/fuzz_*.c")):
    folder, name = os.path.split(path)
    stem = name[:-2].split("_", 1)[1]
    with open(os.path.join(folder, "meson.build")) as f:
        text = f.read()
        if f"'{stem}'" not in text and f"'{name}'" not in text:
            print(f"{path} stands in no meson.build")
            bad = 1
sys.exit(bad)
