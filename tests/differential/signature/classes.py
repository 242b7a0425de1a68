"""The classes of differences from the official packages: the table in docs/signatures.md.

A class says in which packages a difference occurs, in which direction (what we say), and for which
requests. It has to hold of the request and of both verdicts, so that it explains nothing else.
"""

import collections
import urllib.parse

NODE = ("node", "express")
PYTHON = ("python",)
EXPRESS = ("express",)
ALL = PYTHON + NODE

WE_ACCEPT, WE_REFUSE, EITHER = True, False, None
CHANGED_PORT = {"port", "port-changed"}


class Case(collections.namedtuple("Case", "request our their")):
    """One request and two verdicts."""

    @property
    def tags(self):
        return set(self.request["tags"])

    @property
    def target(self):
        return self.request["target"]

    @property
    def is_form(self):
        content_type = (self.request["content_type"] or "").lower()
        return content_type.startswith("application/x-www-form-urlencoded")

    @property
    def is_hashed(self):
        return self.request["method"] == "POST" and not self.is_form

    @property
    def names_algorithm(self):
        return "algorithm=" in (self.request["settings"] or "").replace(" ", "")

    @property
    def sorts_otherwise_in_utf16(self):
        pairs = urllib.parse.parse_qsl(self.request["body"], keep_blank_values=True)
        units = sorted(pairs, key=lambda pair: [text.encode("utf-16-be") for text in pair])
        return self.is_form and units != sorted(pairs)


class Class(collections.namedtuple("Class", "name who direction applies")):
    """A known difference."""

    def explains(self, who, case):
        we_accept = case.our == "accepted"
        right = who in self.who and self.direction in (we_accept, EITHER)
        return right and self.applies(case)


CLASSES = [
    # We know more than the packages are told.
    Class("account not configured", ALL, WE_REFUSE, lambda c: c.our == "account_unknown"),
    Class("form in another charset", ALL, WE_REFUSE, lambda c: c.our == "charset"),
    Class("form that is not UTF-8", ALL, WE_REFUSE, lambda c: c.our == "form_not_utf8"),
    Class(
        "more than 1,000 parameters", PYTHON, WE_REFUSE,
        lambda c: c.our == "too_many_parameters",
    ),
    Class(
        "SharedKey: the header chooses the algorithm", PYTHON, WE_REFUSE,
        lambda c: "key-not-bound" in c.tags,
    ),
    Class("SharedKey: not known", NODE, WE_ACCEPT, lambda c: c.names_algorithm),
    # How a URL was signed.
    Class(
        "user and password: signed without", ALL, WE_ACCEPT,
        lambda c: "signed-without-userinfo" in c.tags,
    ),
    Class(
        "no path: signed without the slash", ALL, WE_ACCEPT,
        lambda c: "signed-without-path" in c.tags,
    ),
    Class(
        "an empty query loses its question mark", PYTHON, EITHER,
        lambda c: c.target.endswith("?"),
    ),
    Class(
        "an IPv6 host is cut when the port is dropped", PYTHON, WE_ACCEPT,
        lambda c: CHANGED_PORT | {"ipv6"} <= c.tags,
    ),
    Class(
        "user and password are cut when the port is dropped", PYTHON, WE_ACCEPT,
        lambda c: CHANGED_PORT | {"userinfo"} <= c.tags,
    ),
    Class("the URL is written anew", NODE, WE_REFUSE, lambda c: c.their == "accepted rewritten"),
    # Which part of the body was signed.
    Class("sorted by UTF-16 units", NODE, WE_ACCEPT, lambda c: c.sorts_otherwise_in_utf16),
    Class(
        "an empty body needs no hash", PYTHON, WE_REFUSE,
        lambda c: c.is_hashed and not c.request["body"] and c.our.startswith("body_hash"),
    ),
    Class(
        "an empty first hash is passed over", PYTHON, WE_REFUSE,
        lambda c: "hash-first-empty" in c.tags and c.our == "body_hash_wrong",
    ),
    Class(
        "no hash, so the body is not checked", EXPRESS, WE_REFUSE,
        lambda c: c.is_hashed and c.our == "body_hash_missing",
    ),
    Class(
        "an empty body is taken for `{}`", EXPRESS, EITHER,
        lambda c: c.is_hashed and not c.request["body"] and "bodySHA256" in c.target,
    ),
    Class(
        "`bodySHA256` in the URL of a form or a GET, or in the path", EXPRESS, WE_ACCEPT,
        lambda c: "bodySHA256" in c.target and ("/bodySHA256" in c.target or not c.is_hashed),
    ),
    Class(
        "a hash in the URL spares a form its check", EXPRESS, WE_REFUSE,
        lambda c: c.is_form and "bodySHA256" in c.target and c.our == "signature_wrong",
    ),
]
