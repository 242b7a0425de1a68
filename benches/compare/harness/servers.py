"""The rows of the table: one function for each kind of server, all of one shape.

To add a server, write a function that starts it and add a line to `ROWS`.
"""

from dataclasses import dataclass
from typing import Callable

from . import build
from .places import COMPARE, PROGRAMS, TOKEN, WORK, cpus, free_address
from .process import Process

# A part of the answer that only the right one has.
TWIML_SAYS = "for an agent press 2"
RENDERED_SAYS = "Order 90307, Brass gear, 32 teeth, is waiting."


@dataclass(frozen=True)
class Row:
    """A server under test."""

    name: str
    label: str
    # Starts it: (name, address of the function, what gives our binary) -> Process
    start: Callable
    path: str = "/voice"
    expected: str = TWIML_SAYS
    # Whether it looks at signatures; then an altered webhook has to get 403.
    refuses: bool = False
    # Whether each webhook is one call of the function.
    calls: bool = True


def actix(program):
    """One of the servers of this folder's cargo package."""

    def start(name, function, _binary):
        address = free_address()
        command = [PROGRAMS / program, "--listen", address, "--function", f"http://{function}/twiml"]
        return Process(name, command, cpus()[0], address)

    return start


def nginx(name, function, _binary):
    """The system's nginx: a master and one worker."""
    path = build.require("nginx", "`apt-get install nginx-light`")
    address, folder = free_address(), WORK / "nginx"
    folder.mkdir(exist_ok=True)
    text = (COMPARE / "nginx.conf").read_text()
    for key, value in {"listen": address, "function": function, "folder": folder}.items():
        text = text.replace(f"${key}$", str(value))
    (folder / "nginx.conf").write_text(text)
    command = [path, "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"]
    return Process(name, command, cpus()[0], address)


def express(client):
    """Express with the official package, calling the function with `client`."""

    def start(name, function, _binary):
        folder, address = build.express(), free_address()
        port = address.rsplit(":", 1)[1]
        command = ["node", folder / "server.js", port, f"http://{function}/twiml", client]
        environment = {"NODE_ENV": "production", "TWILIO_AUTH_TOKEN": TOKEN}
        return Process(name, command, cpus()[0], address, environment)

    return start


def twimlgate(name, function, binary):
    """The gateway, with everything on."""
    address = free_address()
    command = [binary(), "serve", "--config", COMPARE / "gateway" / "config.toml"]
    environment = {
        "BENCH_LISTEN": address,
        "BENCH_ADMIN": free_address(),
        "BENCH_FUNCTION": function,
        "TWILIO_AUTH_TOKEN": TOKEN,
    }
    return Process(name, command, cpus()[0], address, environment)


ROWS = [
    Row("actix-fixed", "actix-web, fixed answer, calls nothing", actix("actix-fixed"), calls=False),
    Row("nginx", "nginx, forwarding", nginx),
    Row("actix-awc-tuned-mimalloc", "actix-web + awc, tuned, mimalloc",
        actix("actix-awc-tuned-mimalloc")),
    Row("actix-awc-tuned", "actix-web + awc, tuned", actix("actix-awc-tuned")),
    Row("actix-awc", "**b: actix-web + awc, as one writes it first**", actix("actix-awc")),
    Row("twimlgate", "**twimlgate, TwiML passed through**", twimlgate, refuses=True),
    Row("twimlgate-render", "**twimlgate, JSON to a template**", twimlgate, refuses=True,
        path="/json", expected=RENDERED_SAYS),
    Row("express-undici", "Express + twilio, undici", express("undici"), refuses=True),
    Row("express-fetch", "Express + twilio, fetch", express("fetch"), refuses=True),
]
