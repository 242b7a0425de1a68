"""The same application in Flask, with the official package of PyPI. Prints its port, and the path
of each request that was let in.
"""

import os
import sys

from flask import Flask, abort, redirect, request, send_from_directory
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import VoiceResponse
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import make_server

app = Flask(__name__, static_folder=None)
app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1)
validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])


@app.before_request
def validate():
    if request.path == "/hello.mp3":
        return
    signature = request.headers.get("X-Twilio-Signature", "")
    if not validator.validate(request.url, request.form, signature):
        abort(403)
    print(request.method, request.path, flush=True)


def answer(twiml):
    return str(twiml), 200, {"Content-Type": "text/xml"}


@app.get("/hello.mp3")
def hello():
    return send_from_directory(os.path.join(os.getcwd(), "public"), "hello.mp3")


@app.route("/voice", methods=["GET", "POST"])
def voice():
    twiml = VoiceResponse()
    visits = int(request.cookies.get("visits", "0")) + 1
    gather = twiml.gather(num_digits=1, action="/menu")
    gather.play("/hello.mp3")
    gather.say(f"Visit {visits}. Press 1.")
    twiml.redirect("/voice?again=yes")
    body, status, headers = answer(twiml)
    return body, status, {**headers, "Set-Cookie": f"visits={visits}; Path=/"}


@app.post("/menu")
def menu():
    digits = request.form["Digits"]
    if digits == "2":
        return redirect("/order?a=b%20c")
    if digits == "3":
        raise ValueError("a bug")
    twiml = VoiceResponse()
    twiml.say(f"You pressed {digits}.")
    return answer(twiml)


@app.get("/order")
def order():
    twiml = VoiceResponse()
    twiml.say(f"Order {request.args['a']}.")
    return answer(twiml)


@app.post("/sms")
def sms():
    twiml = MessagingResponse()
    twiml.message(f"You wrote: {request.form['Body']}")
    return answer(twiml)


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(server.port, flush=True)
    sys.stderr = open(os.devnull, "w")
    server.serve_forever()
