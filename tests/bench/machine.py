"""What the figures were measured on, and what with."""
import datetime
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys


def model_of_cpu():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def version(*command):
    """The first line of what it says, or nothing where it is not here."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).partition("\n")[0].strip()


def told_by_meson(build, name):
    with open(os.path.join(build, "meson-info", f"intro-{name}.json"), encoding="utf-8") as file:
        return json.load(file)


def compiler(build):
    for target in told_by_meson(build, "targets"):
        if target["name"] == "bench_tasks":
            return version(*target["target_sources"][0]["compiler"], "--version")
    return "an unknown compiler"


def build_type(build):
    options = {option["name"]: option["value"] for option in told_by_meson(build, "buildoptions")}
    return options["buildtype"]


def describe(build, python, cores):
    """Lines of markdown."""
    node = version("node", "--version")
    peers = [version(python, "--version"), version("go", "version"), node and "node " + node]
    command = ["tests/bench/run.py", *(os.path.basename(word) if os.path.isabs(word) else word
                                       for word in sys.argv[1:])]
    return "\n".join([
        f"* {datetime.date.today()}; {model_of_cpu()}, {os.cpu_count()} cores; "
        f"{platform.system()} {platform.release()}; {cores}",
        f"* {compiler(build)}; {build_type(build)} build; " + ", ".join(filter(None, peers)),
        f"* `{shlex.join(command)}`",
    ])
