"""Measures whole processes: CPU seconds, wall seconds, peak memory. For tools/bench and bench-peers.

CPU seconds are user and system time of the process; memory is its peak resident set (VmHWM, looked
at every millisecond: the kernel's own ru_maxrss would count the measuring script's too).
"""

import os
import statistics
import subprocess
import tempfile
import time
from typing import NamedTuple


class Run(NamedTuple):
    cpu: float
    wall: float
    memory: float  # MB
    stdout: str


def measure(command, cwd=None, stdin=None, env=None):
    """One run, which must succeed. Its stdout is kept: a peer may report what it timed itself."""
    command = [str(word) for word in command]
    start = time.perf_counter()
    with open(stdin or os.devnull, "rb") as given, tempfile.TemporaryFile() as out, \
            tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, cwd=cwd, stdin=given, stdout=out, stderr=err,
                                   env={**os.environ, **(env or {})})
        memory = done = 0
        while not done:
            memory = max(memory, peak(process.pid))
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0 if done else 0.001)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        if status != 0:
            err.seek(0)
            raise SystemExit(f"{' '.join(command)}: {err.read().decode(errors='replace')}")
        return Run(usage.ru_utime + usage.ru_stime, wall, memory / 1024,
                   out.read().decode(errors="replace"))


def peak(pid):
    """Peak resident set so far in kB; 0 once the process has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def median(runs):
    """Medians of cpu, wall and memory; the stdout of the last run."""
    columns = list(zip(*runs))
    return Run(*(statistics.median(column) for column in columns[:3]), runs[-1].stdout)


def alternate(candidates, runs=5, warm=True):
    """Runs each candidate (a function without arguments that returns a Run) in turn, `runs` times
    over, so that what slows the machine down for a while slows all of them. -> name: medians."""
    if warm:
        for candidate in candidates.values():
            candidate()
    results = {name: [] for name in candidates}
    for _ in range(runs):
        for name, candidate in candidates.items():
            results[name].append(candidate())
    return {name: median(found) for name, found in results.items()}
