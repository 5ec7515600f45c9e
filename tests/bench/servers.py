"""The echo servers: which there are, how each is made and started."""
import os
import re
import select
import shutil
import subprocess
import time

from rounds import CORES, Failure, environment, prepare

HERE = os.path.dirname(os.path.abspath(__file__))
RAW = "raw epoll"
GYRE = {f"gyre {loop} {api}": (loop, api) for api in ("protocol", "streams") for loop in ("uv", "selector:epoll")}
CARGO = """[package]
name = "bench_echo_tokio"
version = "0.0.0"
edition = "2021"
[[bin]]
name = "bench_echo_tokio"
path = "{source}"
[dependencies]
tokio = {{ version = "1", features = ["io-util", "macros", "net", "rt"] }}
"""


def source(name):
    return os.path.join(HERE, name)


def built(build, name):
    return os.path.join(build, "tests", "bench", name)


def succeeds(command, env=None):
    return subprocess.run(command, capture_output=True, check=False, env=env).returncode == 0


def make_with_go(build):
    program = built(build, "bench_echo_go")
    if shutil.which("go") is None:
        return None
    good = succeeds(["go", "build", "-o", program, source("echo_go.go")], {**os.environ, "GO111MODULE": "off"})
    return program if good else None


def make_with_cargo(build):
    """With a tokio that is on this machine, as Debian has it; none is fetched."""
    registry = "/usr/share/cargo/registry"
    if shutil.which("cargo") is None or not os.path.isdir(registry):
        return None
    folder = built(build, "tokio")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "Cargo.toml"), "w", encoding="utf-8") as file:
        file.write(CARGO.format(source=source("echo_tokio.rs")))
    good = succeeds(["cargo", "--config", 'source.crates-io.replace-with="here"',
                     "--config", f'source.here.directory="{registry}"', "build", "--release", "--offline",
                     "--quiet", "--manifest-path", os.path.join(folder, "Cargo.toml")])
    return os.path.join(folder, "target", "release", "bench_echo_tokio") if good else None


def known_servers(options):
    """name: its command, or None where it cannot be had."""
    demo = os.path.join(options.build, "demos", "echo_server")
    python = [options.python, source("echo_python.py")]
    asio = built(options.build, "bench_echo_asio")
    go, tokio, node = make_with_go(options.build), make_with_cargo(options.build), shutil.which("node")
    servers = {RAW: [built(options.build, "bench_echo_epoll")]}
    for name, (loop, api) in GYRE.items():
        servers[name] = [demo, "--port", "0", "--loop", loop, "--api", api] if os.path.exists(demo) else None
    servers["libuv"] = [built(options.build, "bench_echo_uv")]
    servers["Asio"] = [asio] if os.path.exists(asio) else None
    servers["tokio"] = tokio and [tokio]
    servers["Go"] = go and [go]
    servers["node"] = node and [node, source("echo_node.js")]
    for kind in ("uvloop", "asyncio"):
        for api in ("protocol", "streams"):
            servers[f"{kind} {api}"] = [*python, kind, api] if kind == "asyncio" or options.uvloop else None
    return servers


class Server:
    """Runs from the construction to close()."""

    def __init__(self, command):
        try:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env=environment({"env": {"GOMAXPROCS": "1"}}), preexec_fn=prepare({CORES.server}))
        except OSError as error:
            raise Failure(str(error)) from error
        self.pid = self.process.pid
        try:
            self.port = self.wait_for_port()
        except Failure:
            self.close()
            raise

    def wait_for_port(self):
        ready, _, _ = select.select([self.process.stdout], [], [], 10)
        line = self.process.stdout.readline() if ready else ""
        found = re.search(r"listening on .*:(\d+)", line)
        if found is None:
            raise Failure(f"it said {line!r} where it should say on which port it listens")
        return int(found.group(1))

    def ended(self):
        return self.process.poll() is not None

    def idle(self, seconds=0.05):
        """Lets it notice that the last clients are gone."""
        time.sleep(seconds)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def start(commands, figures, running):
    """Those that start; `running`, an ExitStack, ends them."""
    servers = {}
    for name, command in commands.items():
        try:
            servers[name] = Server(command)
            running.callback(servers[name].close)
        except Failure as failure:
            figures.fail(f"{name}: {failure}")
    return servers
