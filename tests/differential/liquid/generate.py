"""Random templates with their data: what Liquid is for, and the edges of it."""

import random

TEXTS = ["", " ", "a", "Hello World", "a,b,c", " x y  z ", "12", "-3.5", "0", "ab ab ab", "Ä é ß",
         "<b>bold</b> & \"q\" 'a'", "line one\nline two\r\nthree", "100 apples", "2024-02-29",
         "2024-03-10T08:05:09Z", "+15005550006", "a-b_c", "true", "a%20b+c", "YWJj"]
NUMBERS = [0, 1, 2, 3, 7, 10, -1, -4, 25, 100, 1.5, -2.25, 0.1, 3.75, 99.99]
KEYS = ["name", "kind", "n", "first-name"]
NAMES = ["s", "t", "n", "m", "f", "b", "nothing", "words", "numbers", "mixed", "people", "o", "k",
         "o.name", "o.n", "o.inner.deep", "o['name']", "o[k]", "people[0].name", "people.first.n",
         "people.last.name", "words.size", "words[1]", "numbers[-1]", "words[m]", "s.size",
         "o.missing.deep", "people[9].name", "o.first-name", "absent", "empty_list", "empty_object"]
LITERALS = ["'a'", "'Hello'", "''", "1", "2", "3.5", "-1", "0", "true", "false", "nil", "' '",
            "'b,c'", "','", "'name'", "'n'", "'12'", "(1..4)", "blank", "empty"]
DATES = ["%Y-%m-%d", "%H:%M:%S", "%a %A %b %B", "%d/%m/%y %I:%M %p", "%e %j %-d %-m", "%s", "%F %T",
         "%y%%", "%U %w %u", "%P %l"]
FILTERS = {
    "abs": [], "append": ["value"], "at_least": ["number"], "at_most": ["number"], "ceil": [],
    "capitalize": [], "compact": [], "concat": ["list"], "date": ["date"], "default": ["value"],
    "divided_by": ["number"], "downcase": [], "escape": [], "escape_once": [], "first": [],
    "floor": [], "join": ["text"], "last": [], "lstrip": [], "map": ["key"], "minus": ["number"],
    "modulo": ["number"], "newline_to_br": [], "plus": ["number"], "prepend": ["value"],
    "remove": ["text"], "remove_first": ["text"], "remove_last": ["text"],
    "replace": ["text", "text"], "replace_first": ["text", "text"],
    "replace_last": ["text", "text"], "reverse": [], "round": ["places"], "rstrip": [], "size": [],
    "slice": ["index", "length"], "sort": [], "sort_natural": [], "split": ["text"], "strip": [],
    "strip_html": [], "strip_newlines": [], "sum": [], "times": ["number"],
    "truncate": ["length", "text"], "truncatewords": ["length"], "uniq": [], "upcase": [],
    "url_decode": [], "url_encode": [], "where": ["key", "value"], "json": [], "base64_encode": [],
    "reject": ["key", "value"], "find": ["key", "value"], "find_index": ["key", "value"],
    "has": ["key", "value"],
}
OF_TEXT = ["append", "capitalize", "date", "default", "downcase", "escape", "escape_once", "lstrip",
           "newline_to_br", "prepend", "remove", "remove_first", "remove_last", "replace",
           "replace_first", "replace_last", "rstrip", "size", "slice", "split", "strip",
           "strip_html", "strip_newlines", "truncate", "truncatewords", "upcase", "url_decode",
           "url_encode", "json", "base64_encode"]
OF_NUMBER = ["abs", "at_least", "at_most", "ceil", "divided_by", "floor", "minus", "modulo", "plus",
             "round", "times", "append", "default", "json"]
OF_LIST = ["compact", "concat", "first", "join", "last", "map", "reverse", "size", "slice", "sort",
           "sort_natural", "sum", "uniq", "where", "json", "default", "reject", "find", "find_index",
           "has"]


def cases(count, seed):
    chance = random.Random(seed)
    for _ in range(count):
        make = Maker(chance)
        yield {"template": make.template(), "data": make.data()}


class Maker:
    def __init__(self, chance):
        self.chance = chance

    def one_of(self, choices):
        return self.chance.choice(choices)

    def data(self):
        text, number = (lambda: self.one_of(TEXTS)), (lambda: self.one_of(NUMBERS))
        some = lambda make: [make() for _ in range(self.chance.randrange(6))]
        person = lambda: {key: self.one_of([text, number])() for key in KEYS[:3]
                          if self.chance.random() < 0.9}
        return {
            "s": text(), "t": text(), "n": number(), "m": self.chance.randrange(-2, 5),
            "f": number(), "b": self.one_of([True, False]), "nothing": None,
            "words": some(text), "numbers": some(number), "people": some(person),
            "mixed": some(lambda: self.one_of([text(), number(), None, True, False])),
            "o": {"name": text(), "n": number(), "inner": {"deep": text()}, "first-name": text()},
            "k": self.one_of(KEYS), "empty_list": [], "empty_object": {},
        }

    def template(self):
        parts = [self.part(2) for _ in range(self.one_of([1, 1, 1, 2, 3]))]
        return self.one_of(["", "", "A", " ", "\n"]).join(parts)

    def part(self, depth):
        if depth == 0 or self.chance.random() < 0.6:
            return self.output()
        return self.one_of([
            self.conditional, self.unless, self.case, self.loop, self.assign, self.capture,
            self.cycle, self.count, self.comment, self.raw, self.liquid, self.changed,
            self.table])(depth - 1)

    def tag(self, inside):
        return self.one_of(["{%", "{%", "{%", "{%-"]) + f" {inside} " + self.one_of(
            ["%}", "%}", "%}", "-%}"])

    def body(self, depth):
        before, behind = self.one_of(["", "x", " y", "z\n"]), self.one_of(["", "", ".", " "])
        return before + self.part(depth) + behind

    def output(self):
        return self.one_of(["{{ ", "{{ ", "{{", "{{- "]) + self.filtered() + self.one_of(
            [" }}", " }}", "}}", " -}}"])

    def filtered(self):
        family = self.one_of(["text", "text", "number", "number", "list", "list", "any"])
        values, names = {
            "text": (["s", "t", "o.name", "words[0]", "'Hello World'", "people[0].name"], OF_TEXT),
            "number": (["n", "f", "m", "3", "-4.5", "o.n", "numbers[0]", "'12'"], OF_NUMBER),
            "list": (["words", "numbers", "people", "mixed", "empty_list"], OF_LIST),
            "any": (NAMES + LITERALS, list(FILTERS)),
        }[family]
        chain = self.one_of(values)
        for index in range(self.one_of([0, 1, 1, 1, 2, 3])):
            chain += " | " + self.call(self.one_of(names if index == 0 else list(FILTERS)))
        return chain

    def call(self, name):
        arguments = [self.argument(kind) for kind in FILTERS[name]]
        if len(arguments) == 2 and name != "replace_last" and self.chance.random() < 0.3:
            arguments.pop()
        if name in ("round", "join", "truncate", "truncatewords") and self.chance.random() < 0.3:
            arguments = []
        return name + (": " + ", ".join(arguments) if arguments else "")

    def argument(self, kind):
        return self.one_of({
            "value": ["s", "'x'", "n", "''", "1", "nothing", "true", "o.name"],
            "text": ["','", "' '", "'a'", "'b'", "''", "'l'", "s", "'ab'"],
            "number": ["1", "2", "3", "-2", "n", "f", "1.5", "0.5", "'4'", "10"],
            "places": ["1", "2", "0"], "list": ["words", "numbers", "mixed", "people"],
            "key": ["'name'", "'n'", "'kind'", "k"], "date": [f"'{form}'" for form in DATES],
            "index": ["0", "1", "2", "-1", "-2", "m"], "length": ["1", "2", "3", "5", "8"],
        }[kind])

    def value(self):
        return self.one_of(self.one_of([NAMES, LITERALS]))

    def comparison(self):
        if self.chance.random() < 0.35:
            return self.value()
        operator = self.one_of(["==", "==", "!=", "<>", "<", ">", "<=", ">=", "contains"])
        return f"{self.value()} {operator} {self.value()}"

    def condition(self):
        joined = self.comparison()
        for _ in range(self.one_of([0, 0, 0, 1, 2])):
            joined += self.one_of([" and ", " or "]) + self.comparison()
        return joined

    def conditional(self, depth):
        text = self.tag("if " + self.condition()) + self.body(depth)
        if self.chance.random() < 0.4:
            text += self.tag("elsif " + self.condition()) + self.body(depth)
        if self.chance.random() < 0.5:
            text += self.tag("else") + self.body(depth)
        return text + self.tag("endif")

    def unless(self, depth):
        text = self.tag("unless " + self.condition()) + self.body(depth)
        return text + self.tag("else") + self.body(depth) + self.tag("endunless")

    def case(self, depth):
        text = self.tag("case " + self.value())
        for _ in range(self.chance.randrange(1, 3)):
            values = [self.value() for _ in range(self.one_of([1, 1, 2]))]
            text += self.tag("when " + self.one_of([", ", " or "]).join(values)) + self.body(depth)
        if self.chance.random() < 0.6:
            text += self.tag("else") + self.body(depth)
        return text + self.tag("endcase")

    def loop(self, depth):
        over = self.one_of(["words", "numbers", "people", "mixed", "(1..4)", "(m..3)", "o", "s",
                            "empty_list", "nothing", "absent"])
        options = self.one_of(["", "", "", " reversed", " limit: 2", " offset: 1",
                               " limit: 2 offset: 1", " reversed limit: 2", " limit: m"])
        inner = self.one_of(["{{ x }}", "{{ x }},", "{{ x.name }}", "{{ forloop.index }}:{{ x }}",
                             "{{ forloop.first }}{{ forloop.last }}{{ forloop.rindex0 }}",
                             "{% if forloop.last %}.{% else %}, {% endif %}{{ forloop.length }}",
                             "{% if x == 2 %}{% break %}{% endif %}{{ x }}",
                             "{% if x == s %}{% continue %}{% endif %}{{ x }}",
                             "{{ x[0] }}={{ x[1] }} ", self.body(depth),
                             "{% for y in words %}{{ forloop.parentloop.index }}{{ y }}"
                             "{% endfor %}"])
        otherwise = self.one_of(["", "", self.tag("else") + "none"])
        return self.tag(f"for x in {over}{options}") + inner + otherwise + self.tag("endfor")

    def table(self, depth):
        columns = self.one_of(["", " cols: 2", " cols: 3 limit: 4", " limit: 2 offset: 1"])
        inner = self.one_of(["{{ x }}", "{{ tablerowloop.col }}", "{{ tablerowloop.col_last }}"])
        return f"{{% tablerow x in numbers{columns} %}}{inner}{{% endtablerow %}}"

    def assign(self, depth):
        name = self.one_of(["v", "s", "words"])
        return self.tag(f"assign {name} = {self.filtered()}") + f"[{{{{ {name} }}}}]"

    def capture(self, depth):
        return self.tag("capture v") + self.body(depth) + self.tag("endcapture") + "({{ v }})"

    def cycle(self, depth):
        values = self.one_of(["1, 2, 3", "'a', s", "'g': 1, 2"])
        return f"{{% for i in (1..4) %}}{{% cycle {values} %}}{{% endfor %}}"

    def count(self, depth):
        name = self.one_of(["c", "d"])
        return "".join(self.tag(f"{self.one_of(['increment', 'decrement'])} {name}")
                       for _ in range(3))

    def comment(self, depth):
        return self.one_of(["{% comment %}{{ x }} {% if %}{% endcomment %}", "{% # note %}",
                            "{%- comment -%} a {%- endcomment -%} "])

    def raw(self, depth):
        return "{% raw %}{{ s }}{% if %}{% endraw %}"

    def liquid(self, depth):
        return f"{{% liquid\n  assign v = {self.filtered()}\n  echo v\n%}}"

    def changed(self, depth):
        return "{% for x in mixed %}{{ x }}{% if forloop.last %}!{% endif %}{% endfor %}"
