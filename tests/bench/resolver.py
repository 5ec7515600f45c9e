#!/usr/bin/env python3
"""Ten thousand names from a local dnsmasq: c-ares on a loop, getaddrinfo in threads, Python's loop.getaddrinfo.

    resolver.py BENCH_PROGRAM [ROUNDS]

Every way is run once in each round, so that what else the machine does falls on all alike; the server
has one core and who asks another; the table shows medians. All of it, with a resolv.conf of its own, lives in a private network and mount
namespace; where that, or dnsmasq, is not to be had, the status is 77.
"""
import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

COUNT = 10_000
AT_A_TIME = "100"
WAYS = [
    ("gyre cares, uv, 100 at a time", ["uv", "inet", AT_A_TIME]),
    ("gyre cares, selector, 100 at a time", ["selector", "inet", AT_A_TIME]),
    ("gyre cares, uv, all at once", ["uv", "inet"]),
    ("gyre cares, selector, all at once", ["selector", "inet"]),
    ("getaddrinfo, 1 thread", ["1", "inet"]),
    ("getaddrinfo, 4 threads", ["4", "inet"]),
    ("getaddrinfo, 64 threads", ["64", "inet"]),
    ("Python's loop.getaddrinfo", ["python", "inet"]),
    ("gyre cares, uv, A and AAAA", ["uv", "any", AT_A_TIME]),
    ("getaddrinfo, 4 threads, A and AAAA", ["4", "any"]),
]
YARDSTICK = {"inet": "getaddrinfo, 4 threads", "any": "getaddrinfo, 4 threads, A and AAAA"}


async def look_up_all(family):
    loop = asyncio.get_running_loop()

    async def one(number):
        try:
            await loop.getaddrinfo(f"h{number}.bench.test", 80, family=family, type=socket.SOCK_STREAM)
        except OSError:
            return 1
        return 0

    return sum(await asyncio.gather(*[one(number) for number in range(COUNT)]))


def python_way(family):
    start, cpu = time.perf_counter(), time.process_time()
    failures = asyncio.run(look_up_all({"inet": socket.AF_INET, "any": 0}[family]))
    print(time.perf_counter() - start, time.process_time() - cpu, failures)


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def enter_namespace(argv):
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        skip("there is no unshare or no ip here")
    command = ["unshare", "--net", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        command.append("--map-root-user")
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        skip("no namespace of our own is allowed here")
    os.execvp("unshare", [*command, sys.executable, *argv, "--inside"])


def start_server(folder, dnsmasq):
    def write(name, text):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    hosts = write("hosts", "".join(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255} h{i}.bench.test\n"
                                   for i in range(COUNT)))
    resolv_conf = write("resolv.conf", "nameserver 127.0.0.1\n")
    nsswitch = write("nsswitch.conf", "hosts: files dns\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "--bind", resolv_conf, "/etc/resolv.conf"], check=True)
    subprocess.run(["mount", "--bind", nsswitch, "/etc/nsswitch.conf"], check=True)
    os.chmod(folder, 0o755)
    return subprocess.Popen(
        [dnsmasq, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
         "--addn-hosts=" + hosts, "--listen-address=127.0.0.1", "--bind-interfaces",
         "--local=/bench.test/", "--user=root", "--pid-file=", "--cache-size=20000",
         "--log-facility=/dev/null"])


def pin(process, core):
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process, {cores[core % len(cores)]})


def measure(program, way, family, *at_a_time):
    command = ([sys.executable, __file__, "--python", family] if way == "python"
               else [program, way, str(COUNT), family, *at_a_time])
    done = subprocess.run(command, check=True, capture_output=True, text=True,
                          preexec_fn=lambda: pin(0, 1))
    words = done.stdout.split()
    return float(words[0]), float(words[1]), int(words[2])


def main():
    if sys.argv[1:2] == ["--python"]:
        python_way(sys.argv[2])
        return
    dnsmasq = shutil.which("dnsmasq", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if dnsmasq is None:
        skip("there is no dnsmasq here")
    inside = sys.argv[-1] == "--inside"
    if not inside:
        enter_namespace(sys.argv)
    arguments = sys.argv[1:-1]
    rounds = int(arguments[1]) if len(arguments) > 1 else 3
    times = {name: [] for name, _ in WAYS}
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.nice(-20)  # other programs are not what is measured
        except PermissionError:
            pass
        server = start_server(folder, dnsmasq)
        try:
            pin(server.pid, 0)
            time.sleep(1)
            for _ in range(rounds):
                for name, way in WAYS:
                    seconds, cpu, failed = measure(arguments[0], *way)
                    times[name].append((seconds, cpu))
                    failures += failed
        finally:
            server.kill()
            server.wait()
    print(f"{'':36}{'names/s':>9}{'CPU us':>9}{'ratio':>7}")
    for name, (_, family, *_) in WAYS:
        pace = statistics.median(COUNT / seconds for seconds, _ in times[name])
        cpu = statistics.median(cpu for _, cpu in times[name]) / COUNT * 1e6
        ratio = statistics.median(yard[0] / mine[0] for yard, mine
                                  in zip(times[YARDSTICK[family]], times[name]))
        print(f"{name:36}{pace:9.0f}{cpu:9.1f}{ratio:7.2f}")
    print("ratio: to four threads in the same round; failed look-ups:", failures)
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
