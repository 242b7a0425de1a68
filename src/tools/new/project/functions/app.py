"""The function of this project: a web server that answers JSON. It needs no packages.

twimlgate posts the parameters of the flow and those of the carrier as a form. JSON becomes
variables of the flow; TwiML (text/xml) would go to the caller as it is.
"""
import json
import os
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def hours():
    weekend = date.today().weekday() >= 5
    return {"opens": "10", "closes": "14"} if weekend else {"opens": "9", "closes": "17"}


class Function(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps(hours()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass  # twimlgate logs each call


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Function).serve_forever()
