"""What the system tells of a process: its system calls, and its share of time outside of the system."""
import re
import shutil
import signal
import subprocess
import tempfile
import time

# Samples a second: enough for a share of a few hundredths within a second.
FREQUENCY = 9999
# So long may a watcher take until it sees the process, on a machine that is busy.
ATTACHING = 1


def can_count_by_perf():
    return shutil.which("perf") is not None and subprocess.run(
        ["perf", "stat", "-e", "raw_syscalls:sys_enter", "true"], capture_output=True, check=False).returncode == 0


def can_sample():
    with tempfile.NamedTemporaryFile() as file:
        return shutil.which("perf") is not None and subprocess.run(
            ["perf", "record", "-q", "-e", "cpu-clock", "-o", file.name, "true"],
            capture_output=True, check=False).returncode == 0


def beside(command, work):
    """Runs the work while the command watches; what both give."""
    watcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(ATTACHING)
    try:
        result = work()
    finally:
        watcher.send_signal(signal.SIGINT)
        _, said = watcher.communicate()
    return result, said


def first_number(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return int(found.group(1)) if found else None


def count_by_perf(pid, work):
    result, said = beside(["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", str(pid)], work)
    return result, first_number(r"^(\d+),", said)


def count_by_strace(pid, work):
    result, said = beside(["strace", "-c", "-f", "-p", str(pid)], work)
    return result, first_number(r"^100\.00\s+\S+\s+\S+\s+(\d+)", said)


def counter_of_calls():
    """A function of a process and some work, which gives the work's result and the calls meanwhile."""
    if can_count_by_perf():
        return count_by_perf, "perf"
    if shutil.which("strace") is not None:
        return count_by_strace, "strace"
    return None, "neither perf with tracefs nor strace is here"


def share_of_user_time(pid, work):
    """Of the samples that hit the process while the work was done."""
    with tempfile.NamedTemporaryFile() as file:
        result, _ = beside(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "-o", file.name,
                            "-p", str(pid)], work)
        printed = subprocess.run(["perf", "script", "-i", file.name, "-F", "ip"], capture_output=True, text=True,
                                 check=False).stdout
    addresses = [int(word, 16) for word in printed.split()]
    # The system's half of the addresses is the upper one.
    user = sum(address < 1 << 63 for address in addresses)
    return result, user / len(addresses) if addresses else None
