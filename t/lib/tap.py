# SPDX-License-Identifier: ISC
"""tap: a test file is functions marked @test, run in order, printing TAP.

    from lib.tap import test, main

    @test("mail from one user reaches another")
    def _(t):
        t.ok(condition, "what must hold")

    main()

A test passes when every ok() in it held and nothing was raised.  A test that
cannot find what it needs fails: there is no skip.
"""
import os
import signal
import sys
import traceback

sys.dont_write_bytecode = True
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and all is cleaned up
_tests = []


class Failed(AssertionError):
    pass


class Case:
    def __init__(self, name):
        self.name = name
        self.failures = []

    def ok(self, condition, what, detail=""):
        """Note a failure and go on."""
        if not condition:
            self.failures.append(f"{what}{': ' if detail != '' else ''}{detail}")
        return bool(condition)

    def eq(self, got, want, what):
        return self.ok(got == want, what, f"got {got!r}, want {want!r}")

    def must(self, condition, what, detail=""):
        """Note a failure and end this test."""
        if not self.ok(condition, what, detail):
            raise Failed(what)


def test(name, long=False):
    def register(function):
        if not long or os.environ.get("T_LONG"):
            _tests.append((name, function))
        return function
    return register


def diag(text):
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def main(cleanup=None, evidence=None):
    """Run all; `evidence()` is printed once when something failed."""
    only = sys.argv[1:]
    tests = [t for t in _tests if not only or any(o in t[0] for o in only)]
    bad = []
    print(f"1..{len(tests)}", flush=True)
    try:
        for number, (name, function) in enumerate(tests, 1):
            case = Case(name)
            try:
                function(case)
            except Failed:
                pass
            except Exception:
                case.failures.append(traceback.format_exc())
            word = "not ok" if case.failures else "ok"
            print(f"{word} {number} - {name}", flush=True)
            for failure in case.failures:
                diag(failure)
            if case.failures:
                bad.append(case)
        if bad and evidence is not None:
            diag(evidence())
            for case in bad:  # again, where whoever reads the end finds it
                diag("\n".join([f"failed: {case.name}", *case.failures]))
    finally:
        if cleanup is not None:
            cleanup()
    sys.exit(1 if bad else 0)
