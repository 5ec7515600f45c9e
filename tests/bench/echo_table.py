"""Echo: CPU of the server a request, beside epoll by hand, libuv, Asio and others."""
import contextlib

import system_view
from rounds import CORES, Failure, Figures, environment, run, short, short_ratio, table, verdict
from servers import GYRE, RAW, built, known_servers, start

LOADS = {  # connections × bytes: the goals of the ratio, by protocols and by streams
    "10×64": (1.05, 1.08),
    "10×1024": (1.05, 1.08),
    "10×10240": (1.05, 1.08),
    "100×1024": (1.05, 1.08),
    "1000×1024": (1.10, 1.10),
    "10×102400": (1.10, 1.10),
}
CLOSER = "100×1024"  # the load whose user time and system calls are looked at
WARM_UP = 0.3  # seconds; some compile what runs often
USER_GOAL = 0.30
CALLS_GOAL = 2.2


def ask(options, server, load, seconds):
    connections, size = load.split("×")
    client = built(options.build, "bench_echo_client")
    if server.ended():
        raise Failure(f"the server ended with status {server.process.returncode}")
    printed = run([client, str(server.port), connections, size, str(seconds), str(server.pid)],
                  {CORES.client}, environment({}), timeout=60 + 5 * seconds)
    server.idle()
    words = printed.split()
    return {name: float(value) for name, value in zip(words[::2], words[1::2])}


def measure(options):
    commands = known_servers(options)
    wanted = [name for name in commands if options.wants(name, commands, always=(RAW,))]
    left_out = [name for name in wanted if commands[name] is None]
    loads = [load for load in LOADS if options.wants(load, LOADS)]
    # Short, so that what is compared is measured close together.
    seconds = 0.2 if options.quick else 0.4
    figures = Figures()
    with contextlib.ExitStack() as running:
        servers = start({name: commands[name] for name in wanted if commands[name] is not None}, figures, running)
        for name in list(servers):
            try:
                ask(options, servers[name], CLOSER, WARM_UP)
            except Failure as failure:
                figures.fail(f"{name}: {failure}")
                del servers[name]
        figures.measure(options.rounds, loads, list(servers),
                        lambda name, load: ask(options, servers[name], load, seconds))
        closer = look_closer(options, servers, 5 * seconds, figures) if CLOSER in loads else ""
    text = report(figures, list(servers), loads) + closer
    if left_out:
        text += "\n\nLeft out, for they are not here: " + ", ".join(left_out) + "."
    return text, figures.failures


def look_closer(options, servers, seconds, figures):
    count, how = system_view.counter_of_calls()
    sampled = system_view.can_sample()
    rows = []
    for name, server in servers.items():
        calls = user = None
        try:
            if count is not None:
                asked, calls = count(server.pid, lambda: ask(options, server, CLOSER, seconds))
                calls = None if calls is None else calls / asked["all"]
            if sampled:
                _, share = system_view.share_of_user_time(server.pid, lambda: ask(options, server, CLOSER, seconds))
                cpu = figures.median(name, CLOSER, "cpu")
                user = share * cpu / 1e3 if share is not None and cpu is not None else None
        except Failure as failure:
            figures.fail(f"{name}, {CLOSER} under {how}: {failure}")
        ours = name in GYRE
        rows.append([name, short(user), verdict([user], USER_GOAL) if ours else "",
                     "–" if calls is None else f"{calls:.2f}", verdict([calls], CALLS_GOAL) if ours else ""])
    text = [f"\n\nuser time, µs, and system calls a request, {CLOSER}", "",
            table(["server", "user µs", f"≤ {USER_GOAL}", "calls", f"≤ {CALLS_GOAL}"], rows), ""]
    text.append(f"System calls are counted by {how}." if count else f"System calls are left out: {how}.")
    text.append("The share of user time is that of perf's samples." if sampled
                else "User time is left out: perf is not here.")
    return "\n".join(text)


def report(figures, names, loads):
    def rows(cell):
        return [[name, *(cell(name, load) for load in loads)] for name in names]

    def with_ratio(name, load, field, scale):
        value = figures.median(name, load, field)
        ratio = figures.ratio((name, load, field), (RAW, load, field))
        if value is None or ratio is None:
            return "–"
        judged = ""
        if field == "cpu" and name in GYRE:
            judged = " " + verdict([ratio], LOADS[load][GYRE[name][1] == "streams"])
        return f"{short(value / scale)} ({short_ratio(ratio)}{judged})"

    def latency(name, load):
        return " / ".join(short(figures.median(name, load, field)) for field in ("p50", "p99", "p999"))

    goals = [[f"goal, {api}", *(f"≤ {LOADS[load][index]:.2f}" for load in loads)]
             for index, api in enumerate(("protocol", "streams"))]
    header = ["server", *loads]
    return "\n".join([
        "## Echo", "",
        "connections × bytes; CPU of the server, µs a request (ratio to raw epoll)", "",
        table(header, rows(lambda name, load: with_ratio(name, load, "cpu", 1e3)) + goals), "",
        "thousand requests a second (ratio to raw epoll)", "",
        table(header, rows(lambda name, load: with_ratio(name, load, "rate", 1e3))), "",
        "latency, µs: median / 99 % / 99.9 %", "",
        table(header, rows(latency)),
    ])
