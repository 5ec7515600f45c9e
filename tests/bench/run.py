#!/usr/bin/env python3
"""Measures gyre beside its peers and prints tables in markdown; README.md says what each figure means.

    tests/bench/run.py [tasks] [echo] [growth] [--build DIR] [--rounds N] [--only NAME,NAME…] [--quick]

The status is 0 when everything was measured, whether or not the goals are reached, and 1 when a program failed.
"""
import argparse
import os
import signal
import subprocess
import sys

import echo_table
import growth_table
import machine
import tasks_table
from rounds import CORES

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = {"tasks": tasks_table.measure, "echo": echo_table.measure, "growth": growth_table.measure}


class Options(argparse.Namespace):
    def wants(self, name, names, always=()):
        """Whether --only names it, or none of its kind."""
        chosen = [each for each in names if each in self.only]
        return not chosen or name in chosen or name in always


def has_uvloop(python):
    return subprocess.run([python, "-c", "import uvloop"], capture_output=True, check=False).returncode == 0


def find_python():
    """The one that has uvloop, if any does."""
    candidates = [path for path in (sys.executable, "/usr/bin/python3") if os.access(path, os.X_OK)]
    for python in candidates:
        if has_uvloop(python):
            return python, True
    return candidates[0], False


def parse():
    parser = argparse.ArgumentParser(description="Measures gyre beside its peers and prints tables.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="tasks, echo or growth; all, if none is named")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"), help="the directory of the build")
    parser.add_argument("--rounds", type=int, default=None, help="how often everything is measured: 9 times")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], metavar="NAME,NAME…",
                        help="these benchmarks, or these programs; their yardsticks stay")
    parser.add_argument("--quick", action="store_true", help="one round of a tenth: to see that all of it runs")
    parser.add_argument("--write", metavar="DIR", default=".", help="where growth.csv and growth.svg go")
    options = parser.parse_args(namespace=Options())
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error("there is no part called " + ", ".join(sorted(unknown)))
    options.rounds = options.rounds or (1 if options.quick else 9)
    options.build = os.path.abspath(options.build)
    options.python, options.uvloop = find_python()
    return options


def main():
    # So that the servers end with it: no terminal would end them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse()
    print(machine.describe(options.build, options.python, CORES), flush=True)
    failures = []
    for part, measure in PARTS.items():
        if not options.parts or part in options.parts:
            text, failed = measure(options)
            print("\n" + text, flush=True)
            failures += failed
    for failure in failures:
        print("\nFailed:", failure)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
