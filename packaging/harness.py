"""What `packaging/try` starts: a function, the gateway, proxies; and how it asks them."""

import contextlib
import http.client
import http.server
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
HOST = "phone.example.com"
SID = "AC00000000000000000000000000000000"
TOKEN = "12345"
TWIML = b"<Response><Message>hello</Message></Response>"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, seconds=15):
    """Until somebody listens; an error where the process ended before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


class Function:
    """Answers TwiML, after as many seconds as the message says."""

    def __init__(self):
        outer = self
        self.calls = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                body = dict(urllib.parse.parse_qsl(form)).get("Body", "")
                outer.calls += 1
                if body.startswith("wait "):
                    time.sleep(float(body[5:]))
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Type", "text/xml")
                    self.send_header("Content-Length", str(len(TWIML)))
                    self.end_headers()
                    self.wfile.write(TWIML)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Recorder:
    """Stands where the gateway would, and keeps the head of each request as it came."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heads = []
        self.connections = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            stream, _ = self.socket.accept()
            self.connections += 1
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        reader = stream.makefile("rb")
        with contextlib.suppress(OSError):
            while line := reader.readline():
                head = [line]
                while (line := reader.readline()) not in (b"\r\n", b""):
                    head.append(line)
                fields = dict(field.decode().strip().split(": ", 1) for field in head[1:])
                fields = {name.lower(): value for name, value in fields.items()}
                reader.read(int(fields.get("content-length", 0)))
                self.heads.append((head[0].decode().strip(), fields))
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


class Gateway:
    """`twimlgate serve` in a folder of its own."""

    def __init__(self, program, folder, function, server="", more="", routes=("/sms",)):
        self.program, self.folder = program, pathlib.Path(folder)
        self.port, self.admin = free_port(), free_port()
        (self.folder / "templates").mkdir(parents=True, exist_ok=True)
        route = "".join(
            f'[route."{path}"]\nchannel = "message"\nfunction = "lookup"\n' for path in routes
        )
        (self.folder / "config.toml").write_text(
            f'[server]\nlisten = "127.0.0.1:{self.port}"\nworkers = 1\n'
            f'answer_within_ms = 13000\n{server}\n{more}\n'
            f'[admin]\nlisten = "127.0.0.1:{self.admin}"\n[log]\nformat = "json"\n'
            f'[[account]]\nsid = "{SID}"\nauth_tokens = ["{TOKEN}"]\n'
            f'[function.lookup]\nurl = "http://127.0.0.1:{function.port}/"\n'
            f"timeout_ms = 13000\n{route}"
        )
        self.start()

    def start(self):
        log = open(self.folder / "log", "ab")
        command = [self.program, "serve", "--config", self.folder / "config.toml"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.port, self.process)

    def end(self):
        self.process.terminate()
        return self.process.wait(20)

    def last_line(self):
        time.sleep(0.1)
        return (self.folder / "log").read_text().splitlines()[-1]


class Proxy:
    """A proxy that was started, with the port that it answers HTTPS on."""

    def __init__(self, port, process, end):
        self.port, self.process, self.end = port, process, end


def replaced(text, changes):
    """A copied example with a site's own values; an error where there is nothing to change."""
    for old, new in changes:
        if old not in text:
            raise RuntimeError(f"the example has no `{old}` any more")
        text = text.replace(old, new)
    return text


def nginx(folder, upstream, certificate, locations=""):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    example = replaced((HERE / "nginx.conf").read_text(), [
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/phone.example.com/fullchain.pem", str(certificate.chain)),
        ("/etc/ssl/phone.example.com/privkey.pem", str(certificate.key)),
        ("/var/log/nginx/twimlgate.log", str(folder / "access.log")),
        ("    location / {", f"{locations}\n    location / {{"),
    ])
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\n{temporary}{example}}}\n"
    )
    process = subprocess.Popen(
        ["nginx", "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"])
    return started(port, process)


def caddy(folder, upstream, certificate, site=""):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    tls = f"\ttls {certificate.chain} {certificate.key}\n{site}"
    example = replaced((HERE / "Caddyfile").read_text(), [
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
        ("\n{\n", f"\n{{\n\tadmin off\n\tauto_https disable_redirects\n\thttps_port {port}\n"),
        (f"{HOST} {{\n", f"https://{HOST}:{port} {{\n\tbind 127.0.0.1\n{tls}"),
    ])
    (folder / "Caddyfile").write_text(example)
    log = open(folder / "log", "ab")
    environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(
        ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"],
        stdout=log, stderr=log, env=environment)
    return started(port, process)


def started(port, process):
    def end():
        process.terminate()
        process.wait(20)

    wait_for(port, process)
    return Proxy(port, process, end)


class Certificate:
    """An authority of our own, and what it says of the host."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = folder / "ca.pem"
        self.chain, self.key = folder / "host.pem", folder / "host.key"

        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        openssl("req", "-x509", *key, "-keyout", folder / "ca.key", "-out", self.authority,
                "-subj", "/CN=try")
        openssl("req", "-x509", *key, "-keyout", self.key, "-out", self.chain,
                "-CA", self.authority, "-CAkey", folder / "ca.key", "-subj", f"/CN={HOST}",
                "-addext", f"subjectAltName=DNS:{HOST}", "-addext", "basicConstraints=CA:FALSE")


class Carrier:
    """Signs with `twimlgate sign`, and posts over TLS as the carrier does."""

    def __init__(self, program, certificate):
        self.program = program
        self.context = ssl.create_default_context(cafile=certificate.authority)
        self.number = 0

    def sign(self, url, body="", method="POST"):
        command = [self.program, "sign", "--url", url, "--token", TOKEN, "--method", method]
        if method == "POST":
            command += ["--body-file", "-"]
        done = subprocess.run(command, input=body.encode(), capture_output=True, check=True)
        return done.stdout.decode().splitlines()[0]

    def message(self, text="hi"):
        self.number += 1
        return urllib.parse.urlencode({
            "AccountSid": SID, "MessageSid": f"SM{self.number:032}", "From": "+15550100",
            "To": "+15550111", "Body": text,
        })

    def ask(self, port, target, body="", method="POST", signed=None, headers=(), host=None,
            signature=None):
        """The status and the body; `signed` is another URL than the one asked for."""
        host = host or f"{HOST}:{port}"
        signature = signature or self.sign(signed or f"https://{host}{target}", body, method)
        fields = {"X-Twilio-Signature": signature, "Host": host, **dict(headers)}
        if method == "POST":
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        connection = Loopback(port, self.context)
        with contextlib.closing(connection):
            connection.request(method, target, body or None, fields)
            answer = connection.getresponse()
            return answer.status, answer.read()


class Loopback(http.client.HTTPSConnection):
    """The host's name, on this machine."""

    def __init__(self, port, context):
        super().__init__(HOST, port, timeout=30, context=context)

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=HOST)


def missing(program):
    return shutil.which(program) is None
