"""Random requests, signed by the rules of docs/signatures.md or wrongly on purpose.

Signatures are made here, with nothing but the standard library, and every request knows what it
deserves ("deserves") and how it was made ("tags").
"""

import base64
import hashlib
import hmac
import random

FORM = "application/x-www-form-urlencoded"
SID = "AC00000000000000000000000000000001"
TOKENS = ["12345", "a1b2c3d4e5f60718293a4b5c6d7e8f90", "tök en"]
SHARED = "sharedsecret"
LITERAL = "!*'():/@;,?$"  # what some encoders leave as it is
NAMES = [
    "Body", "From", "To", "Digits", "MediaUrl1", "MediaUrl10", "MediaUrl2", "Reason",
    "ReasonConferenceEnded", "ToZip", "_x", "a", "A", "0", "10", "9", "a[]", "a[b]", "a.b", "é",
    "__proto__", "constructor", "length", "toString", "ＡＢ", "👋", "\ue000", "", " ",
    "bodySHA256",
]
VALUES = [
    "", " ", "  padded  ", "1234", "+14158675309", "a b", "a+b", "100%", "%41", "a&b=c", "é",
    "e\u0301", "漢字", "👋", "\ufb01", "\ue000x", "a\r\nb", "\t", "\0", "'\"<>",
    "{\"k\":[1,2]}", "x" * 300,
    "sip:a@b;c=d", "whatsapp:+1", "\ufeffbom",
]
BODIES = ["{}", "", "{\"a\": 1}", "[1,2]\n", "{\"é\":\"👋\"}", "a=1&b=2", "null"]
HOSTS = [
    "gw.example.com", "GW.Example.com", "localhost", "127.0.0.1", "[::1]", "[2001:db8::a:1]",
    "xn--bcher-kva.example",
]
PATHS = [
    "/", "/sms", "/voice/", "//v", "/a/../v", "/a/./v", "/v%2Fx", "/v%20x", "/It's", "/España",
    "/%c3%a9", "/%C3%A9", "/a;b=c", "/bodySHA256/v", "/a:b@c", "/~u/(x)!*", "/a|b", "/a\\b", "/%zz",
]
QUERIES = [
    "", "", "", "?", "?foo=1&bar=2", "?b=1&a=2", "?q=a+b", "?q=a%20b", "?q=It's", "?q=It%27s",
    "?q=%c3%a9", "?q=%C3%A9", "?q=é", "?q=%e9", "?a=&b&c=1", "?a=1&a=2", "?&&x=1&", "?q=a/b?c:d@e",
    "?From=query", "?q=%2B1", "?q=(x)!*~", "?q=%zz%", "?q=a|b\"<>`", "?x=1&bodySHA25=1",
]


def hash_of(body):
    return hashlib.sha256(body.encode()).hexdigest()


def sign(key, url, pairs, algorithm="sha1"):
    data = url.encode() + b"".join(name + value for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.new(key.encode(), data, algorithm).digest()).decode()


def requests(count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        yield Maker(rng).make()


class Maker:
    """One request in the making."""

    def __init__(self, rng):
        self.rng = rng
        self.tags = set()
        self.deserves = True
        self.settings = None
        self.algorithm = "sha1"
        self.token = rng.choice(TOKENS)
        self.key = self.token

    def chance(self, share):
        return self.rng.random() < share

    def make(self):
        self.url()
        kind = self.rng.choices(["form", "get", "json"], [70, 10, 20])[0]
        getattr(self, kind)()
        self.account_and_key()
        signature = self.signature()
        request = {
            "token": self.token,
            "shared_key": SHARED if self.settings is not None else None,
            "public_url": self.public_url,
            "target": self.target,
            "method": "GET" if kind == "get" else "POST",
            "content_type": self.content_type,
            "body": self.body,
            "signature": signature,
            "settings": self.settings,
            "deserves": self.deserves,
            "tags": sorted(self.tags),
        }
        return request

    def url(self):
        rng = self.rng
        self.scheme = rng.choice(["http", "https", "https"])
        self.host = rng.choice(HOSTS)
        self.port = rng.choice(["", "", "", ":80", ":443", ":8443", ":1234"])
        self.userinfo = rng.choice(["user:pass@", "user@", "u:p:q@"]) if self.chance(0.05) else ""
        self.target = rng.choice(PATHS) + rng.choice(QUERIES)
        self.public_url = f"{self.scheme}://{self.userinfo}{self.host}{self.port}"
        if self.host.startswith("["):
            self.tags.add("ipv6")
        if self.userinfo:
            self.tags.add("userinfo")
        if self.port:
            self.tags.add("port")

    def form(self):
        self.content_type = self.rng.choice([FORM, FORM + "; charset=UTF-8", FORM.upper()])
        if self.chance(0.01):
            self.content_type = FORM + "; charset=ISO-8859-1"
            self.refuse("charset")
        count = 1001 if self.chance(0.0005) else self.rng.choice([0, 1, 3, 5, 8, 20])
        if count > 1000:
            self.refuse("many")
        self.pairs, raw = [], []
        for index in range(count):
            pair = self.pair(index if count > 1000 else None)
            raw.append(pair)
        if self.chance(0.05) and self.pairs:
            again = self.rng.randrange(len(self.pairs))
            self.pairs.append(self.pairs[again])
            raw.append(raw[again])
        separator = "&&" if self.chance(0.02) else "&"
        self.body = separator.join(raw) + ("&" if self.chance(0.02) else "")
        if self.chance(0.02):
            separator = "&" if "?" in self.target else "?"
            self.target += f"{separator}bodySHA256={hash_of(self.body)}"
            self.tags.add("form-with-hash")

    def pair(self, index):
        """Adds one parameter; gives it encoded."""
        name = self.rng.choice(NAMES) if index is None else f"n{index}"
        value = self.rng.choice(VALUES)
        if index is None and self.chance(0.005):
            # Not text: the carrier never sends it. Signed as a lenient reader decodes it.
            self.refuse("not-utf8")
            self.pairs.append((name.encode(), "a\ufffdb".encode()))
            return self.encoded(name) + "=a%ffb"
        if self.chance(0.01):
            self.pairs.append((name.encode(), b"%zz%4"))
            return self.encoded(name) + "=%zz%4"
        self.pairs.append((name.encode(), value.encode()))
        if not value and name and self.chance(0.3):
            return self.encoded(name)
        return self.encoded(name) + "=" + self.encoded(value)

    def encoded(self, text):
        style = self.rng.randrange(4)
        out = []
        for byte in text.encode():
            char = chr(byte)
            if char == " " and style != 0:
                out.append("+")
            elif char.isascii() and (char.isalnum() or char in "-._~" + LITERAL * (style == 3)):
                out.append(char)
            else:
                out.append(f"%{byte:02x}" if style == 2 else f"%{byte:02X}")
        return "".join(out)

    def get(self):
        self.content_type = self.rng.choice([None, FORM])
        self.pairs, self.body = [], ""

    def json(self):
        rng = self.rng
        self.pairs = []
        self.content_type = rng.choice(
            ["application/json", "application/json; charset=utf-8", "text/plain"]
        )
        self.body = rng.choice(BODIES)
        good = hash_of(self.body)
        query, deserves, tag = rng.choice([
            (f"bodySHA256={good}", True, "hash"),
            (f"bodySHA256={good}", True, "hash"),
            (f"body%53HA256={good}", True, "hash-name-escaped"),
            (f"bodySHA256={good}&bodySHA256=00", True, "hash-first-good"),
            (f"bodySHA256=00&bodySHA256={good}", False, "hash-first-bad"),
            (f"bodySHA256=&bodySHA256={good}", False, "hash-first-empty"),
            (f"bodySHA256={good.upper()}", False, "hash-upper"),
            (f"bodySHA256={hash_of(self.body or '{}')}", bool(self.body), "hash-of-braces"),
            (f"bodySHA256={hash_of(self.body + ' ')}", False, "hash-wrong"),
            ("bodySHA256=", False, "hash-empty"),
            (f"bodysha256={good}", False, "hash-missing"),
            ("", False, "hash-missing"),
        ])
        if query:
            self.target += ("&" if "?" in self.target else "?") + query
        self.tags.add(tag)
        self.deserves = self.deserves and deserves

    def account_and_key(self):
        is_form = (self.content_type or "").lower().startswith(FORM)
        if is_form and self.body and self.chance(0.1):
            sid = SID
            if self.chance(0.1):
                sid = "AC00000000000000000000000000000002"
                if not any(name == b"AccountSid" for name, _ in self.pairs):
                    self.refuse("other-account")
            self.pairs.append((b"AccountSid", sid.encode()))
            self.body += f"&AccountSid={sid}"
        if not self.chance(0.06):
            return
        settings, algorithm, shared, deserves = self.rng.choice([
            ("key=k256,algorithm=HMAC_SHA256", "sha256", True, True),
            (" key = k256 , algorithm = hmac_sha256 ", "sha256", True, True),
            ("algorithm=HMAC_SHA256", "sha256", True, True),
            ("key=k1,algorithm=HMAC_SHA1", "sha1", True, True),
            ("key=k256", "sha1", False, True),
            ("", "sha1", False, True),
            ("algorithm=,key=k256", "sha1", False, True),
            ("key=k256,algorithm=HMAC_SHA1", "sha1", True, False),
            ("key=k1,algorithm=HMAC_SHA256", "sha256", True, False),
            ("key=k9,algorithm=HMAC_SHA256", "sha256", True, False),
            ("key=k256,algorithm=HMAC_SHA512", "sha512", True, False),
            ("key=k256", "sha256", True, False),
            ("", "sha256", True, False),
        ])
        self.settings, self.algorithm = settings, algorithm
        self.key = SHARED if shared else self.token
        self.tags.add("settings")
        if not deserves:
            self.refuse("key-not-bound")

    def signature(self):
        url = self.signed_url()
        pairs, key = list(self.pairs), self.key
        if self.chance(0.25):
            self.deserves = False
            self.tags.add("corrupt")
            corrupt = self.rng.choice([
                self.other_spelling, self.other_spelling, self.other_key, self.other_url,
                self.other_url, self.other_pairs, self.other_pairs, self.no_signature,
            ])
            return corrupt(key, url, pairs)
        return sign(key, url, pairs, self.algorithm)

    def signed_url(self):
        """The URL as signed: as it is, or with another port that is as good."""
        port, userinfo, rest = self.port, self.userinfo, self.target
        if self.chance(0.3):
            port = "" if port else (":443" if self.scheme == "https" else ":80")
            self.tags.add("port-changed")
        if userinfo and self.chance(0.5):
            userinfo = ""
            self.tags.add("signed-without-userinfo")
        if (rest == "/" or rest.startswith("/?")) and self.chance(0.2):
            rest = rest[1:]
            self.tags.add("signed-without-path")
        return f"{self.scheme}://{userinfo}{self.host}{port}{rest}"

    def no_signature(self, key, url, pairs):
        return self.rng.choice([None, ""])

    def other_key(self, key, url, pairs):
        other = self.rng.choice([key + "x", key.upper() + "X", key[:-1], ""])
        return sign(other, url, pairs, self.algorithm)

    def other_spelling(self, key, url, pairs):
        good = sign(key, url, pairs, self.algorithm)
        at = self.rng.randrange(len(good) - 2)
        flipped = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1:]
        # Bits that base64 does not use: a lenient decoder sees the same bytes.
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        digits = good.rstrip("=")
        unused = digits[:-1] + alphabet[alphabet.index(digits[-1]) ^ 1] + good[len(digits):]
        wrong = self.rng.choice([
            flipped, good.rstrip("="), good + "=", good + "," + good, good[:-4], good.swapcase(),
            "x" + good, good + "A", unused, base64.b64decode(good).hex(), "=" * 28, "v1," + good,
            good.replace("=", "%3D"), good.replace("+", "-").replace("/", "_") + "-",
        ])
        return wrong

    def other_url(self, key, url, pairs):
        swap = ("https://", "http://") if url.startswith("https") else ("http://", "https://")
        others = [
            url.replace(*swap, 1), url + "/", url + "?", url + "&x=1", url + "#rc=2", url[:-1],
            url.lower(), url.split("?")[0], url.replace("+", "%20"), url.replace("%20", "+"),
            url.replace("'", "%27"), url.replace("%27", "'"), url.replace("/../", "/"),
            url.replace("/a/./", "/a/"), url.replace("//v", "/v"), url.replace("é", "%C3%A9"),
            url.replace("ñ", "%C3%B1"), url.replace("%c3%a9", "%C3%A9"),
            url.replace("%zz", "%25zz"), url.replace("&b&", "&b=&"),
            url.replace("example", "evil"),
        ]
        other = self.rng.choice(others)
        if other == url or self.as_good(other):
            other = url + "x"
        return sign(key, other, pairs, self.algorithm)

    def as_good(self, url):
        """Whether a URL is one of those that may be signed for this request."""
        ports = [self.port, "" if self.port else (":443" if self.scheme == "https" else ":80")]
        rests = [self.target]
        if self.target == "/" or self.target.startswith("/?"):
            rests.append(self.target[1:])
        good = {
            f"{self.scheme}://{userinfo}{self.host}{port}{rest}"
            for userinfo in ("", self.userinfo) for port in ports for rest in rests
        }
        return url in good

    def other_pairs(self, key, url, pairs):
        """Other parameters than those sent; what concatenates alike signs alike, so not that."""
        def text(pairs):
            return b"".join(name + value for name, value in sorted(set(pairs)))

        others = [
            [], pairs[1:], pairs + [(b"X", b"1")], [(n, v.strip()) for n, v in pairs],
            [(n, v) for n, v in pairs if v], list(dict(pairs).items()),
            [(n, v.replace(b"+", b" ")) for n, v in pairs], [(n.lower(), v) for n, v in pairs],
            [(n, v + b"x") for n, v in pairs[:1]] + pairs[1:],
        ]
        other = self.rng.choice(others)
        if text(other) == text(pairs):
            other = pairs + [(b"X", b"2")]
        return sign(key, url, other, self.algorithm)

    def refuse(self, tag):
        self.deserves = False
        self.tags.add(tag)
