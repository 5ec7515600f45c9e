"""GETs of a 10 KB page from a local nginx, many at once: gyre-http beside curl and aiohttp.

    bench.py GETS_PROGRAM [COUNT [AT_ONCE]]

Prints a table: CPU time of the client, the best of some runs, and how long it took. What is not
installed is left out, and said.
"""
import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PAGE = 10 * 1024
RUNS = 5


def start_nginx(directory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (directory / "www").mkdir()
    (directory / "www" / "page").write_bytes(b"p" * PAGE)
    temporary = "".join(
        f"{kind}_temp_path temp_{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        "daemon off; master_process off; pid nginx.pid; error_log error.log;"
        "events { worker_connections 1024; }"
        f"http {{ access_log off; keepalive_requests 1000000; {temporary}"
        f"server {{ listen 127.0.0.1:{port}; root www; }} }}"
    )
    server = subprocess.Popen(
        [shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p", directory, "-c", "nginx.conf",
         "-e", "error.log"]
    )
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server, f"http://127.0.0.1:{port}/page"
        except OSError:
            time.sleep(0.01)
    raise SystemExit("nginx does not start")


def measure(command):
    """CPU seconds and seconds of the fastest run."""
    best = None
    for _ in range(RUNS):
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise SystemExit(f"{command[0]} failed")
        result = (usage.ru_utime + usage.ru_stime, took)
        best = min(best or result, result)
    return best


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    at_once = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    if shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") is None:
        print("skipped: nginx is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        server, url = start_nginx(directory)
        try:
            commands = {
                f"gyre-http on {loop}": [program, url, str(count), str(at_once), loop]
                for loop in ("uv", "selector:epoll", "selector:poll")
            }
            if shutil.which("curl"):
                urls = directory / "urls"
                urls.write_text(f'url = "{url}"\noutput = "/dev/null"\n' * count)
                commands["curl --parallel"] = ["curl", "--no-progress-meter", "--parallel", "--parallel-max", str(at_once),
                                               "--config", str(urls)]
            else:
                print("left out: curl is not installed")
            if all(map(importlib.util.find_spec, ("aiohttp", "uvloop"))):
                other = pathlib.Path(__file__).with_name("gets_aiohttp.py")
                commands["aiohttp on uvloop"] = [sys.executable, str(other), url, str(count), str(at_once)]
            else:
                print("left out: aiohttp and uvloop are not installed")
            print(f"{count} GETs of {PAGE} bytes, {at_once} at once, the best of {RUNS} runs\n")
            print("| client | CPU, ms | time, ms | CPU a request, µs |\n|---|---|---|---|")
            for label, command in commands.items():
                cpu, took = measure(command)
                print(f"| {label} | {cpu * 1e3:.0f} | {took * 1e3:.0f} | {cpu / count * 1e6:.0f} |", flush=True)
        finally:
            server.kill()
            server.wait()


main()
