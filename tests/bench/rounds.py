"""Rounds: every program once in each, in an order drawn anew, so that what else the machine does falls on all alike."""
import os
import random
import resource
import statistics
import subprocess
import sys


class Cores:
    """The cores for what is measured and for who asks it; the same one where there is but one."""

    def __init__(self):
        allowed = sorted(os.sched_getaffinity(0))
        self.server, self.client = allowed[0], allowed[1 % len(allowed)]
        self.both = {self.server, self.client}

    def __str__(self):
        if self.server == self.client:
            return f"all on core {self.server}, for there is no other"
        return f"measured on core {self.server}, asked from core {self.client}"


CORES = Cores()


def prepare(cores):
    """For a child before it starts: its cores, the first place in line, as many descriptors as may be."""
    def in_child():
        os.sched_setaffinity(0, cores)
        os.setsid()
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -20)
            # Where Linux shares the time between autogroups first, this is what counts.
            with open("/proc/self/autogroup", "w", encoding="ascii") as file:
                file.write("-20")
        except OSError:
            pass
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return in_child


def environment(program):
    return {**os.environ, **program.get("env", {})}


def run(command, cores, env, timeout=120):
    """What it prints; raises Failure."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=env, check=False,
                              preexec_fn=prepare(cores))
    except (subprocess.TimeoutExpired, OSError) as error:
        raise Failure(str(error)) from error
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


class Failure(Exception):
    pass


class Figures:
    """What was measured: a value, or several with names, of each program for each benchmark and round."""

    def __init__(self):
        self.values = {}
        self.failures = []

    def measure(self, rounds, benchmarks, programs, measure_one):
        """`measure_one(program, benchmark)` gives None for what a program does not have."""
        broken = set()
        for round_number in range(rounds):
            for benchmark in benchmarks:
                for program in random.sample(programs, len(programs)):
                    value = None
                    if (program, benchmark) not in broken:
                        try:
                            value = measure_one(program, benchmark)
                        except Failure as failure:
                            broken.add((program, benchmark))
                            self.fail(f"{program}, {benchmark}: {failure}")
                    self.values.setdefault((program, benchmark), []).append(value)
            print(f"round {round_number + 1} of {rounds} is done", file=sys.stderr, flush=True)

    def fail(self, text):
        self.failures.append(text)
        print("failed:", text, file=sys.stderr, flush=True)

    def of(self, program, benchmark, name=None):
        """One for each round; None where there is none."""
        values = self.values.get((program, benchmark), [])
        return [value if value is None or name is None else value[name] for value in values]

    def median(self, program, benchmark, name=None):
        values = [value for value in self.of(program, benchmark, name) if value is not None]
        return statistics.median(values) if values else None

    def ratio(self, mine, theirs):
        """The median of the rounds' ratios; each of the two: (program, benchmark[, name])."""
        pairs = zip(self.of(*mine), self.of(*theirs))
        ratios = [one / other for one, other in pairs if one is not None and other]
        return statistics.median(ratios) if ratios else None


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def short(value):
    """Three figures."""
    return "–" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def short_ratio(ratio):
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.2f}"


def verdict(values, goal):
    """Whether all that there is stays within the goal, as it is printed there: to two places."""
    known = [value for value in values if value is not None]
    return "–" if not known else "ok" if all(round(value, 2) <= goal for value in known) else "over"
