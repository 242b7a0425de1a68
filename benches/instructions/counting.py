"""The gateway under something that counts, for a number of webhooks."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harness.places import TOKEN, WORK, Missing, free_address

from load import Function, connection, send

STARTS_WITHIN_S = 120
ENDS_WITHIN_S = 60

# A store in memory makes a run short, so that tasks that run by the clock come seldom. On a disk
# the threads of the store wait for it in the same order each time.
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else WORK


class Counted:
    """A row, and how many webhooks make a difference."""

    def __init__(self, row, webhooks):
        self.row, self.webhooks = row, webhooks

    def by(self, counter, program):
        """What one webhook takes by a counter: {figure: value}."""
        first = self.least(counter, program, self.webhooks)
        second = self.least(counter, program, 2 * self.webhooks)
        return {name: round((second[name] - first[name]) / self.webhooks, 2) for name in first}

    def least(self, counter, program, webhooks):
        """The least of as many runs as a counter needs: what disturbs it only ever adds."""
        runs = [self.run(counter, program, webhooks) for _ in range(counter.runs)]
        return {name: min(run[name] for run in runs) for name in runs[0]}

    def run(self, counter, program, webhooks):
        """Starts the gateway, sends, ends it; returns what the counter says."""
        with tempfile.TemporaryDirectory(dir=counter.folder) as folder:
            gateway = Gateway(self.row, counter, program, Path(folder))
            try:
                gateway.wait_until_it_answers()
                send(self.row, gateway.address, webhooks)
                gateway.end()
            finally:
                gateway.kill()
            calls = webhooks if self.row.calls else 0
            if gateway.function.calls != calls:
                raise Missing(f"{self.row.name}: {gateway.function.calls} calls, not {calls}")
            return counter(gateway)


class Gateway:
    """A gateway that runs under a counter."""

    def __init__(self, row, counter, program, folder):
        self.name, self.folder, self.log = row.name, folder, folder / "gateway.log"
        self.function, self.address = Function(), free_address()
        command = counter.command(folder) + [program, "serve", "--config", row.config]
        environment = {
            "BENCH_LISTEN": self.address,
            "BENCH_ADMIN": free_address(),
            "BENCH_FUNCTION": self.function.address,
            "BENCH_STORE": str(folder / "store.db"),
            "TWILIO_AUTH_TOKEN": TOKEN,
        }
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_it_answers(self):
        end = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                connection(self.address).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Missing(f"the gateway did not start: {self.said()[-2000:]}")

    def end(self):
        """Ends it as an operator does, so that the counter can say what it has counted."""
        os.kill(self.pid(), signal.SIGTERM)
        if code := self.process.wait(ENDS_WITHIN_S):
            raise Missing(f"the gateway ended with {code}: {self.said()[-2000:]}")

    def pid(self):
        """The gateway's process: that of the counter, or the one that it has started."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return int(children[0]) if children else own

    def kill(self):
        """Leaves nothing behind, whatever happened."""
        self.function.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(ENDS_WITHIN_S)

    def said(self):
        return self.log.read_text(errors="replace").strip()


def instructions(gateway):
    """The total of callgrind; the file with all functions stays in `.work`."""
    file = gateway.folder / "callgrind.out"
    shutil.copy(file, WORK / f"callgrind.{gateway.name}.out")
    total = re.search(r"^(?:totals|summary): (\d+)$", file.read_text(), re.M)
    return {"all": int(total[1])}


instructions.command = lambda folder: [
    "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.out",
]
instructions.folder, instructions.runs = WORK, 1


def system_calls(gateway):
    """The total of strace, all threads; its table stays in `.work`."""
    file = gateway.folder / "strace"
    shutil.copy(file, WORK / f"strace.{gateway.name}.txt")
    lines = [line.split() for line in file.read_text().splitlines()]
    calls = {line[-1]: int(line[3]) for line in lines if len(line) >= 5 and line[3].isdigit()}
    # The thread that writes the log runs by the clock: it sleeps, then writes what has come.
    return {"all": calls["total"] - 2 * calls.get("clock_nanosleep", 0)}


system_calls.command = lambda folder: ["strace", "-f", "-c", "-o", folder / "strace"]
system_calls.folder, system_calls.runs = MEMORY, 3


def allocations(gateway):
    """What the counting allocator of benches/allocations.rs says at the end."""
    said = re.search(r"^allocations (\d+), bytes (\d+)$", gateway.said(), re.M)
    return {"allocations": int(said[1]), "allocated_bytes": int(said[2])}


allocations.command = lambda folder: []
allocations.folder, allocations.runs = WORK, 1
