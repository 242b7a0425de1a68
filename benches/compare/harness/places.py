"""Where things are, and which CPU does what."""

import os
import socket
from pathlib import Path

COMPARE = Path(__file__).resolve().parent.parent
REPOSITORY = COMPARE.parent.parent
WORK = COMPARE / ".work"
PROGRAMS = WORK / "target" / "release"

# What the load signs with, as in src/webhook.rs.
TOKEN = "0123456789abcdef0123456789abcdef"


class Missing(Exception):
    """Something that a row needs is not there. The text says what, and what to do."""


def cpus():
    """The CPU of the server under test, and that of everything else; the same one if need be."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def free_address():
    """An address of loopback on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % listener.getsockname()[1]
