"""Signs and validates with the `twilio` package of PyPI: one task per line of JSON, one answer."""

import json
import sys

from official import Form
from twilio.request_validator import RequestValidator
from urllib.parse import urlencode


def answer(task):
    validator = RequestValidator(task["token"])
    params = Form(urlencode([tuple(pair) for pair in task["params"]]))
    if task["do"] == "hash":
        return validator.compute_hash(task["body"])
    if task["do"] == "sign":
        return validator.compute_signature(task["url"], params)
    return validator.validate(task["url"], params, task["signature"])


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
