"""Load on one server at a time, and the rounds."""

import json
import os
import subprocess
import urllib.request

from .places import PROGRAMS, Missing, cpus
from .process import Process

WARMUP_S = 2.0
CHECK_WITHIN_S = 30
# Beyond warm-up and measurement: the last answers, at most 10 s, and some for a slow machine.
SPARE_S = 30


class Function:
    """The user's function, on the CPU of the load."""

    def __init__(self, address, started):
        command = [PROGRAMS / "function", "--listen", address]
        self.address = address
        started.append(Process("function", command, cpus()[1], address))
        started[-1].wait_until_it_answers()

    def calls(self):
        """How often it was called."""
        with urllib.request.urlopen(f"http://{self.address}/calls", timeout=5) as answer:
            return int(answer.read())


def load_command(row, server):
    """What every run of the load has in common."""
    return [
        "--server", server.address, "--path", row.path, "--expect", row.expected,
        # Only what checks signatures looks at it; TLS ends at a proxy in front, as it mostly does.
        "--signed-url", f"https://phone.example.com{row.path}",
    ]


def run_load(arguments, within_s):
    """Runs the load pinned to its CPU; returns what it printed."""
    command = [str(PROGRAMS / "load"), *map(str, arguments)]
    pin = lambda: os.sched_setaffinity(0, {cpus()[1]})
    done = subprocess.run(command, capture_output=True, timeout=within_s, preexec_fn=pin)
    if done.returncode:
        raise Missing(done.stderr.decode(errors="replace").strip())
    return done.stdout


def check(row, server):
    """Raises unless the server answers what it should."""
    refuses = ["--refuses"] if row.refuses else []
    run_load([*load_command(row, server), "--check", *refuses], CHECK_WITHIN_S)


def measure(row, server, function, options):
    """One run of the load on one server."""
    before = function.calls()
    pids = ",".join(map(str, server.pids()))
    arguments = [
        *load_command(row, server), "--connections", options.connections,
        "--warmup", WARMUP_S, "--seconds", options.seconds, "--pids", pids,
    ]
    figures = json.loads(run_load(arguments, WARMUP_S + options.seconds + SPARE_S))
    figures["calls"] = function.calls() - before
    server.shorten()
    return figures
