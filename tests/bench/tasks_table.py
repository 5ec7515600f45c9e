"""Tasks: ns an operation, beside the floor, libuv, Asio and Python."""
import os
import shutil
import subprocess

from rounds import CORES, Failure, Figures, environment, run, short, short_ratio, table, verdict

HERE = os.path.dirname(os.path.abspath(__file__))
GYRE = ["gyre uv", "gyre selector:epoll"]
BYTES = "sleep_bytes"  # the one that is no time; its goal is a number of bytes

# name: title, what it is compared with, the goal of that ratio
FLOOR = "floor"
ROWS = {
    "spawn": ("spawn and join", (FLOOR, "spawn"), 2.5),
    "spawn_group": ("the same in a TaskGroup", (FLOOR, "spawn"), 2.5),
    "spawn_gather": ("the same by gather", (FLOOR, "spawn"), 2.5),
    "yield": ("yield, 100 tasks", (FLOOR, "yield"), 2.5),
    "yield_one": ("yield, one task", (FLOOR, "yield_one"), 4),
    "chain": ("chain of ten awaits", (FLOOR, "chain"), 1.3),
    "leaf": ("await of a finished leaf", (FLOOR, "leaf"), 1.3),
    "fib": ("fib(27), a coroutine of it", (FLOOR, "fib"), 1.3),
    "ping_pong": ("queue ping-pong", (FLOOR, "ping_pong"), 2.5),
    "bounded": ("bounded queue of 128", (FLOOR, "bounded"), 3),
    "lock_contended": ("lock held over a yield, 100 tasks", (FLOOR, "lock_contended"), 3),
    "lock_alone": ("lock without a rival", (FLOOR, "lock_alone"), None),
    "sleep": ("a million sleeps, half cancelled (CPU)", (FLOOR, "sleep"), 2),
    BYTES: ("bytes of a sleeping task", (FLOOR, BYTES), 256),
    "post": ("post from another thread", (FLOOR, "post"), 2.5),
    "call_soon": ("call_soon", ("libuv", "call_soon"), 1),
    "call_soon_chain": ("call_soon, each from the one before", ("libuv", "call_soon_chain"), 1),
    "call_later": ("call_later, fired (CPU)", ("libuv", "call_later"), 1),
    "call_later_cancelled": ("call_later, cancelled", ("libuv", "call_later_cancelled"), 1),
}
TWO_CORES = {"post"}


def known_programs(build, python):
    """name: the commands that have its benchmarks, and its environment."""
    def built(name):
        return [os.path.join(build, "tests", "bench", name)]

    def on_loop(loop):
        return {"commands": [built("bench_tasks"), built("bench_calls")], "env": {"GYRE_LOOP": loop}}

    def of_python(kind):
        return {"commands": [[python, os.path.join(HERE, "tasks_python.py"), kind]]}

    return {
        FLOOR: {"commands": [built("bench_floor")]},
        "libuv": {"commands": [built("bench_uv_calls")]},
        "gyre uv": on_loop("uv"),
        "gyre selector:epoll": on_loop("selector:epoll"),
        "Asio": {"commands": [built("bench_asio_tasks")], "optional": True},
        "asyncio": of_python("asyncio"),
        "uvloop": of_python("uvloop"),
    }


def find(programs, uvloop):
    """Those that are here, each with the command of each benchmark; and why others are not."""
    found, left_out = {}, []
    for name, program in programs.items():
        if program.get("optional") and not os.path.exists(program["commands"][0][0]):
            left_out.append(f"{name} (it was not built)")
        elif name == "uvloop" and not uvloop:
            left_out.append(f"{name} (not installed)")
        else:
            found[name] = {**program, "of": commands_by_benchmark(program)}
    return found, left_out


def commands_by_benchmark(program):
    by_name = {}
    for command in program["commands"]:
        if shutil.which(command[0]) is None:
            raise SystemExit(f"{command[0]} is not there: build it first")
        listed = subprocess.run([*command, "--list"], capture_output=True, text=True, check=True)
        by_name.update({name: command for name in listed.stdout.split()})
    return by_name


def measure(options):
    programs, left_out = find(known_programs(options.build, options.python), options.uvloop)
    benchmarks = [name for name in ROWS if options.wants(name, ROWS)]
    names = [name for name in programs if options.wants(name, programs, always=(FLOOR, "libuv"))]
    divisor = "10" if options.quick else "1"

    def measure_one(name, benchmark):
        program = programs[name]
        command = program["of"].get(benchmark)
        if command is None:
            return None
        cores = CORES.both if benchmark in TWO_CORES else {CORES.server}
        printed = run([*command, benchmark, divisor], cores, environment(program))
        try:
            return float(printed)
        except ValueError as error:
            raise Failure(f"it printed {printed!r}") from error

    figures = Figures()
    figures.measure(options.rounds, benchmarks, names, measure_one)
    return report(figures, benchmarks, names, left_out), figures.failures


def report(figures, benchmarks, names, left_out):
    rows = []
    for benchmark in benchmarks:
        title, yardstick, goal = ROWS[benchmark]
        cells = []
        for name in names:
            value = short(figures.median(name, benchmark))
            ratio = figures.ratio((name, benchmark), yardstick)
            cells.append(value if ratio is None or name == yardstick[0] else f"{value} ({short_ratio(ratio)})")
        reached = [figures.median(name, benchmark) if benchmark == BYTES
                   else figures.ratio((name, benchmark), yardstick) for name in GYRE]
        end = ["–", "–"] if goal is None else [f"≤ {goal:g}", verdict(reached, goal)]
        rows.append([title, *cells, *end])
    text = ["## Tasks", "",
            "ns an operation, but for the bytes; in brackets the ratio to the floor, or to libuv where the floor has none.",
            "", table(["", *names, "goal", ""], rows)]
    if left_out:
        text += ["", "Left out: " + ", ".join(left_out) + "."]
    return "\n".join(text)
