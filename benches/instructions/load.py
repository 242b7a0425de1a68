"""The load: rows, signed webhooks, one connection, and the user's function."""

import base64
import hashlib
import hmac
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

from harness.places import COMPARE, TOKEN, Missing
from harness.servers import RENDERED_SAYS, TWIML_SAYS

HERE = Path(__file__).resolve().parent
PUBLIC_URL = "https://phone.example.com"

# For one answer, under callgrind on a machine with other work.
ANSWER_WITHIN_S = 60


@dataclass(frozen=True)
class Row:
    """One kind of webhook."""

    name: str
    config: Path
    path: str
    # The file of parameters, and those that hold the sid of the webhook.
    parameters: Path
    sids: tuple
    expected: str
    # Whether each webhook is one call of the function.
    calls: bool
    # Webhooks that come from one caller.
    each: int


CALL, MESSAGE = COMPARE / "documents" / "call.txt", HERE / "message.txt"
MESSAGE_SIDS = ("MessageSid", "SmsSid", "SmsMessageSid")
ROWS = [
    Row("passed_through", COMPARE / "gateway" / "config.toml", "/voice", CALL, ("CallSid",),
        TWIML_SAYS, True, 1),
    Row("rendered", COMPARE / "gateway" / "config.toml", "/json", CALL, ("CallSid",),
        RENDERED_SAYS, True, 1),
    # The first webhook of two begins a conversation, the second resumes it.
    Row("flow_turn", HERE / "gateway.toml", "/sms", MESSAGE, MESSAGE_SIDS, "What else?", False, 2),
]


def webhooks(row, count):
    """Requests, each one new and signed, and the same ones whenever it is asked."""
    pairs = [line.split("=", 1) for line in row.parameters.read_text().splitlines()]
    for number in range(count):
        params = dict(pairs)
        for name in row.sids:
            params[name] = f"{params[name][:2]}{number:032x}"
        params["From"] = f"+1555{number // row.each:07}"
        signed = PUBLIC_URL + row.path + "".join(name + params[name] for name in sorted(params))
        mac = hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in params.items())
        yield (
            f"POST {row.path} HTTP/1.1\r\nHost: phone.example.com\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
            f"Content-Length: {len(body)}\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
            f"X-Home-Region: us1\r\nX-Twilio-Signature: {base64.b64encode(mac).decode()}\r\n"
            f"I-Twilio-Idempotency-Token: {number:08x}-0000-4000-8000-{number:012x}\r\n\r\n{body}"
        ).encode()


def send(row, address, count):
    """Sends the webhooks one after the other; each answer must be the right one."""
    with connection(address) as stream:
        for request in webhooks(row, count):
            stream.sendall(request)
            head, body = message(stream)
            if not head.startswith(b"HTTP/1.1 200 ") or row.expected.encode() not in body:
                raise Missing(f"{row.name}: a wrong answer: {head + body!r}")


def connection(address):
    """A connection that sends at once."""
    host, port = address.rsplit(":", 1)
    stream = socket.create_connection((host, int(port)), timeout=ANSWER_WITHIN_S)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def message(stream):
    """Head and body of the next message; empty ones where the connection was closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += (read := stream.recv(65536))
        if not read:
            return b"", b""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(l.split(b":")[1]) for l in lines if l.startswith(b"content-length:"))
    while len(body) < length:
        body += stream.recv(65536)
    return head, body


class Function:
    """The user's function: `/twiml` and `/json`, on loopback, in threads of this process."""

    def __init__(self):
        documents = COMPARE / "documents"
        self.answers = {
            b"/twiml": answer("text/xml", (documents / "menu.xml").read_bytes()),
            b"/json": answer("application/json", (documents / "customer.json").read_bytes()),
        }
        self.calls = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return  # It was closed.
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with stream:
            while head := message(stream)[0]:
                self.calls += 1
                stream.sendall(self.answers[head.split(b" ")[1]])

    def close(self):
        self.listener.close()


def answer(kind, body):
    """A whole answer."""
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Date: Sun, 22 Nov 2026 12:00:00 GMT\r\n\r\n"
    ).encode() + body
