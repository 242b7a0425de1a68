"""Processes that are pinned to a CPU, known to answer, and gone at the end."""

import os
import signal
import socket
import subprocess
import time

from .places import WORK, Missing

ANSWERS_WITHIN_S = 20
ENDS_WITHIN_S = 5


class Process:
    """A server that was started. Its output is in `.work/NAME.log`."""

    def __init__(self, name, command, cpu, address, environment=None):
        self.name, self.address = name, address
        self.log = WORK / f"{name}.log"
        # Appending, so that `shorten` can empty the file under the process.
        self.log.write_bytes(b"")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
                # A group of its own: Ctrl-C reaches the harness, which then stops all in order.
                start_new_session=True,
            )

    def wait_until_it_answers(self):
        """Returns once somebody listens on the address."""
        end = time.monotonic() + ANSWERS_WITHIN_S
        host, port = self.address.rsplit(":", 1)
        while time.monotonic() < end and self.child.poll() is None:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.05)
        last = self.log.read_text(errors="replace").strip()[-2000:]
        raise Missing(f"`{self.name}` did not start: {last or 'it said nothing'}")

    def pids(self):
        """The process and all its descendants."""
        family, found = {self.child.pid}, True
        parents = _parents()
        while found:
            found = {pid for pid, parent in parents.items() if parent in family} - family
            family |= found
        return sorted(family)

    def shorten(self):
        """Empties the log, which grows by megabytes each second."""
        os.truncate(self.log, 0)

    def stop(self):
        """Ends the process and whatever it started."""
        for what in (signal.SIGTERM, signal.SIGKILL):
            if self.child.poll() is None:
                os.killpg(self.child.pid, what)
            try:
                self.child.wait(ENDS_WITHIN_S)
                return
            except subprocess.TimeoutExpired:
                continue


def _parents():
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                parents[int(pid)] = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass  # It ended while we looked.
    return parents
