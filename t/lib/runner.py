# SPDX-License-Identifier: ISC
"""runner: build, and run all tests in parallel; t/run installs and calls it.

usage: t/run [--long] [--no-install] [-j N] [-v] [NAME ...]

A test is a program that prints TAP: the unit tests of the build (once plain,
once under ASan and UBSan), every t/*.py, the checks of this file, and a share
of a minute for each fuzz target.  --long adds the long fault, peer and
sanitizer runs.  NAME runs only the tests whose name holds it.  The last line
is "N passed, N failed".
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import time

TOP = os.path.abspath(f"{__file__}/../../..")
FUZZ_SECONDS = 60
USERS = ("vt-alice", "vt-bob", "vt-carol")


def sh(*argv, **kw):
    return subprocess.run(argv, cwd=TOP, check=True, **kw)


class Job:
    def __init__(self, name, argv, env=None, limit=300):
        self.name, self.argv, self.limit = name, argv, limit
        self.env = dict(os.environ, **(env or {}))

    def run(self):
        start = time.monotonic()
        with subprocess.Popen(self.argv, cwd=TOP, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
            try:
                said, late = p.communicate(timeout=self.limit)[0], ""
            except subprocess.TimeoutExpired:
                said, late = self.end(p), f"\n# no end after {self.limit} s"
        out = said.decode("utf-8", "replace") + late
        return self.judge(out, -1 if late else p.returncode), out, time.monotonic() - start

    @staticmethod
    def end(p):
        """It cleans up after itself, if it can."""
        p.terminate()
        try:
            return p.communicate(timeout=30)[0]
        except subprocess.TimeoutExpired:
            p.kill()
            return p.communicate()[0]

    def judge(self, out, code):
        """(passed, failed) by the TAP lines, which must fit plan and exit."""
        passed = len(re.findall(r"^ok\b", out, re.M))
        failed = len(re.findall(r"^not ok\b", out, re.M))
        plan = re.search(r"^1\.\.(\d+)", out, re.M)
        wanted = int(plan.group(1)) if plan else -1
        if passed + failed != wanted or (code != 0 and failed == 0):
            failed += 1
        return passed, failed


class FuzzJob(Job):
    def judge(self, out, code):
        return (1, 0) if code == 0 and "Done " in out else (0, 1)


class CheckJob(Job):
    """A command that is quiet and exits 0 when all is well."""
    def judge(self, out, code):
        return (1, 0) if code == 0 else (0, 1)


def unit_jobs(build, label):
    tests = json.loads(sh("meson", "introspect", "--tests", build,
                          capture_output=True).stdout)
    return [Job(f"{label}/{t['name']}", t["cmd"], env=dict(t["env"], **{
        "ASAN_OPTIONS": "detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}), limit=300)
        for t in tests]


def valgrind_jobs(build):
    """What switches stacks, under a checker that would lose its way."""
    return [Job(f"valgrind/{name}", ["valgrind", "-q", "--error-exitcode=9",
                                     f"{build}/t/unit/base/test_base_{name}"])
            for test in ("io", "sig", "stack", "task")
            for name in (test, f"{test}_ucontext")]


def reports_job():
    """That what the checkers say is seen, of each program."""
    return Job("check/reports", [sys.executable, "t/lib/reports.py"], sanitized_env())


def fuzz_jobs(build):
    """A minute in all, shared."""
    targets = sorted(t for t in glob.glob(f"{TOP}/{build}/t/fuzz/fuzz_*")
                     if os.path.isfile(t) and os.access(t, os.X_OK))
    share = max(1, FUZZ_SECONDS // max(1, len(targets)))
    jobs = []
    for t in targets:
        name = os.path.basename(t)[len("fuzz_"):]
        corpus = f"{TOP}/t/fuzz/corpus/{name}"
        scratch = f"{TOP}/{build}/corpus-{name}"
        os.makedirs(scratch, exist_ok=True)
        jobs.append(FuzzJob(f"fuzz/{name}", [
            t, f"-max_total_time={share}", "-max_len=8192", "-rss_limit_mb=1024",
            "-timeout=10", f"-artifact_prefix={scratch}/", scratch, corpus], limit=share + 120))
    return jobs


def check_jobs():
    checks = [
        ("check/format", ["sh", "-c", "git ls-files '*.c' '*.h' | xargs clang-format-14 --dry-run -Werror"]),
        ("check/manuals", ["sh", "-c",
         "pages=$(git ls-files '*.[1578]' '*.mdoc'); [ -n \"$pages\" ] && mandoc -Tlint -Wwarning $pages"]),
        ("check/registered", [sys.executable, "t/lib/check_registered.py"]),
        ("check/readmes", [sys.executable, "t/lib/check_readmes.py"]),
        ("check/layers", [sys.executable, "t/lib/check_layers.py"]),
        ("check/cleanup", [sys.executable, "t/lib/check_cleanup.py"]),
        ("check/parsers", [sys.executable, "t/lib/check_parsers.py"]),
        ("check/params", [sys.executable, "t/lib/check_params.py"]),
    ]
    return [CheckJob(name, argv) for name, argv in checks]


# Figures of the plain programs that the sanitizers' own memory would drown.
UNSANITIZED = ("figures", "memory", "size")


def script_env(build, **more):
    return {"T_PREFIX": f"{TOP}/{build}/root", "PYTHONPATH": f"{TOP}/t",
            "PYTHONDONTWRITEBYTECODE": "1", **more}


def script_jobs(long):
    env = script_env("build", **({"T_LONG": "1"} if long else {}))
    return [Job("t/" + os.path.basename(p)[:-3], [sys.executable, p], env,
                limit=7200 if long else 400)
            for p in sorted(glob.glob(f"{TOP}/t/*.py"))]


def sanitized_env():
    return script_env("build-san", T_GIVE_UP="90",
                      ASAN_OPTIONS="detect_leaks=0:verify_asan_link_order=0",
                      UBSAN_OPTIONS="print_stacktrace=1")


def sanitized_script_jobs():
    """The same, short, with programs that watch themselves: what one of them
    reports stands in its log and fails the test (lib/suite.py)."""
    env = sanitized_env()
    names = {os.path.basename(p)[:-3]: p for p in sorted(glob.glob(f"{TOP}/t/*.py"))}
    return [Job("san/t/" + n, [sys.executable, p], env, limit=1800)
            for n, p in names.items() if n not in UNSANITIZED]


def make_users():
    if os.geteuid() != 0:
        return
    sh("etc/make-users")
    for user in USERS:
        if subprocess.run(["getent", "passwd", user], capture_output=True).returncode:
            sh("useradd", "--create-home", "--shell", "/bin/sh", user)


def remove_users():
    if os.geteuid() != 0:
        return
    for user in USERS:
        subprocess.run(["userdel", "--remove", user], capture_output=True)


def main():
    p = argparse.ArgumentParser(prog="t/run", description=__doc__.splitlines()[0])
    p.add_argument("--long", action="store_true")
    p.add_argument("-j", type=int, default=max(3, os.cpu_count() or 1))
    p.add_argument("-v", action="store_true")
    p.add_argument("names", nargs="*")
    args = p.parse_args()

    start = time.monotonic()
    sh("etc/build")
    # the plain build has every warning as an error; the sanitizers' own
    # branches cause more
    sh("etc/build", "build-san", "-Db_sanitize=address,undefined")
    sh("etc/build", "build-fuzz", "-Dfuzz=true", env=dict(os.environ, CC="clang-14"))
    print(f"# built in {time.monotonic() - start:.0f} s", flush=True)
    make_users()

    jobs = (script_jobs(args.long) + (sanitized_script_jobs() if args.long else []) +
            unit_jobs("build", "unit") +
            unit_jobs("build-san", "san") + valgrind_jobs("build") + [reports_job()] + check_jobs() + fuzz_jobs("build-fuzz"))
    if args.names:
        jobs = [j for j in jobs if any(n in j.name for n in args.names)]
    passed = failed = 0
    try:
        with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
            running = {pool.submit(j.run): j for j in jobs}
            for done in concurrent.futures.as_completed(running):
                (good, bad), out, took = done.result()
                passed += good
                failed += bad
                word = "FAILED" if bad else "ok"
                print(f"{word:6} {running[done].name} ({good} of {good + bad}, {took:.1f} s)", flush=True)
                if bad or args.v:
                    print("\n".join("    " + line for line in out.splitlines()[-200:]), flush=True)
    finally:
        remove_users()
    print(f"# {time.monotonic() - start:.0f} s in all")
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
