"""Growth: what one operation costs while there are few tasks, timers or connections, and while there are many."""
import contextlib
import csv
import os
import resource
import shutil
import subprocess

from echo_table import ask
from rounds import CORES, Failure, Figures, environment, run, short, table
from servers import GYRE, RAW, built, known_servers, start

COUNTS = [10**power for power in range(2, 7)]
CONNECTIONS = [10, 100, 1000, 9000]
LOOPS = ["uv", "selector:epoll"]
OPERATIONS = {
    "step": "a task's step",
    "timer_fired": "timer, started and fired",
    "timer_cancelled": "timer, started and cancelled",
    "wake": "an item for a waiting task",
}
SIZE = 1024
FIELDS = {"accept": "a connection and its first byte (CPU)", "cpu": "a request (CPU)"}

PLOT = """
set terminal svg size 1000,520 font "sans-serif,11" background "white"
set output "{svg}"
set multiplot layout 1,2
set logscale xy
set format "%.0s%c"
set grid ytics lc rgb "#dddddd"
set key below left Left reverse maxcols 2 width -4
set title "ns an operation"
set xlabel "tasks or timers"
set yrange [5:2000]
plot {tasks}
set title "ns of the server's CPU"
set xlabel "connections"
set yrange [2000:200000]
plot {connections}
"""


def measure_tasks(options, figures):
    counts = COUNTS[::2][:2] if options.quick else COUNTS
    program = built(options.build, "bench_growth")

    def measure_one(loop, benchmark):
        printed = run([program, *benchmark], {CORES.server}, environment({"env": {"GYRE_LOOP": loop}}))
        try:
            return float(printed)
        except ValueError as error:
            raise Failure(f"it printed {printed!r}") from error

    benchmarks = [(name, str(count)) for name in OPERATIONS for count in counts]
    figures.measure(options.rounds, benchmarks, LOOPS, measure_one)
    return [(title, loop, count, figures.median(loop, (name, str(count))))
            for name, title in OPERATIONS.items() for loop in LOOPS for count in counts]


def measure_connections(options, figures):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    counts = [count for count in CONNECTIONS if count + 100 < most]
    commands = {name: command for name, command in known_servers(options).items()
                if name in (RAW, *GYRE) and command is not None}
    with contextlib.ExitStack() as running:
        servers = start(commands, figures, running)

        def measure_one(name, count):
            return ask(options, servers[name], f"{count}×{SIZE}", 0.2 if options.quick else 1)

        figures.measure(options.rounds, counts, list(servers), measure_one)
    return [(title, name, count, figures.median(name, count, field))
            for field, title in FIELDS.items() for name in servers for count in counts]


def report(points, unit):
    counts = sorted({count for _, _, count, _ in points})
    lines = list(dict.fromkeys((what, who) for what, who, _, _ in points))
    costs = {(what, who, count): cost for what, who, count, cost in points}
    rows = []
    for what, who in lines:
        along = [costs[what, who, count] for count in counts]
        known = [cost for cost in along if cost is not None]
        rows.append([what, who, *map(short, along), f"{known[-1] / known[0]:.2f}" if known else "–"])
    return table([unit, "", *(f"{count:,}".replace(",", " ") for count in counts), "last / first"], rows)


def write_csv(path, points):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["operation", "who", "count", "ns"])
        writer.writerows((what, who, count, f"{cost:.1f}") for what, who, count, cost in points if cost is not None)


def plot(svg, tasks, connections):
    blocks = []

    def lines(points):
        curves = []
        for what, who in dict.fromkeys((what, who) for what, who, _, _ in points):
            along = [f"{count} {cost}" for one, other, count, cost in points
                     if (one, other) == (what, who) and cost is not None]
            if along:
                blocks.append("\n".join([f"$block{len(blocks)} << end", *along, "end"]))
                curves.append(f'$block{len(blocks) - 1} with lines lw 1.5 title "{what}: {who}"')
        return ", ".join(curves) or "NaN notitle"

    commands = PLOT.format(svg=svg, tasks=lines(tasks), connections=lines(connections))
    done = subprocess.run(["gnuplot"], input="\n".join([*blocks, commands]), capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Failure("gnuplot: " + done.stderr.strip()[-300:])


def measure(options):
    figures = Figures()
    tasks = measure_tasks(options, figures)
    connections = measure_connections(options, figures)
    data, svg = (os.path.join(options.write, name) for name in ("growth.csv", "growth.svg"))
    write_csv(data, tasks + connections)
    text = ["## Growth", "", "ns an operation, by how many tasks or timers there are", "",
            report(tasks, "operation"), "",
            f"ns of the server's CPU, by how many connections of {SIZE} bytes there are", "",
            report(connections, "operation"), ""]
    if shutil.which("gnuplot") is None:
        text.append(f"Written: {data}. The plot is left out, for gnuplot is not here.")
    else:
        try:
            plot(svg, tasks, connections)
            text.append(f"Written: {data} and {svg}.")
        except Failure as failure:
            figures.fail(str(failure))
    return "\n".join(text), figures.failures
