"""Verdicts of the `twilio` package of PyPI, one request per line of JSON."""

import json
import logging
import sys
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator, get_signature_algorithm

FORM = "application/x-www-form-urlencoded"


class Form(dict):
    """What Flask and Django hand over: all values of a name."""

    def __init__(self, body):
        super().__init__()
        for name, value in parse_qsl(body, keep_blank_values=True):
            self.setdefault(name, []).append(value)

    def getlist(self, name):
        return self[name]


def verdict(request):
    settings = request["settings"]
    algorithm = get_signature_algorithm(settings)
    named = any(part.partition("=")[0].strip() == "algorithm" and part.partition("=")[2].strip()
                for part in (settings or "").split(","))
    validator = RequestValidator(request["shared_key"] if named else request["token"])
    form = (request["content_type"] or "").lower().startswith(FORM)
    if request["method"] == "GET":
        params = {}
    else:
        params = Form(request["body"]) if form else request["body"]
    url = request["public_url"] + request["target"]
    return validator.validate(url, params, request["signature"] or "", algorithm)


def main():
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        try:
            print("accepted" if verdict(json.loads(line)) else "refused")
        except Exception as error:  # its TypeErrors and ValueErrors are answers, too
            print(f"raised {type(error).__name__}")


if __name__ == "__main__":
    main()
