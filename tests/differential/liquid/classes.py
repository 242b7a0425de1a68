"""Why liquidjs differs: each class has its row in docs/liquid.md.

A *spelling* is undone in both texts before they are compared: if they are equal then, it was the
only difference. What is left must have a *reason*: a rule about our error or about the template,
where golden-liquid or Ruby's Liquid says what we say.
"""

import re


def objects(text):
    """Ruby's `{"a"=>1}` as JavaScript's `[object Object]`."""
    out, at = "", 0
    while at < len(text):
        end = object_end(text, at) if text[at] == "{" else None
        out += "[object Object]" if end else text[at]
        at = end or at + 1
    return out


def object_end(text, at):
    if text[at:at + 2] == "{}":
        return at + 2
    if not re.match(r'\{"(?:[^"\\]|\\.)*"=>', text[at:]):
        return None
    depth, quoted = 0, False
    while at < len(text):
        if quoted:
            at += text[at] == "\\"
            quoted = text[at:at + 1] != '"'
        elif text[at] == '"':
            quoted = True
        else:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                return at + 1
        at += 1
    return None


def fractions(text):
    """Numbers with a fraction, to nine places and without zeros at the end."""
    short = lambda found: f"{float(found[0]):.9f}".rstrip("0").rstrip(".")
    return re.sub(r"\d+\.\d+", short, text)


SPELLINGS = {
    "rows of a table": lambda text: re.sub(
        r'(<tr class="row1">|</tr>)\n+', r"\1",
        text.replace('<tr class="row1">\n</tr>\n', "")),
    "objects as text": objects,
    "fractions": fractions,
    "quotes escaped": lambda text: text.replace("&#34;", "&quot;"),
    "apostrophes in URLs": lambda text: re.sub("%(25)*27|&#39;", "'", text),
}


def spelling(ours, theirs):
    """The first spelling whose undoing, with those before it, makes the texts equal."""
    for name, undo in SPELLINGS.items():
        before = (ours, theirs)
        ours, theirs = undo(ours), undo(theirs)
        if ours == theirs and before != (ours, theirs):
            return name
    return None


def error(pattern):
    return lambda case: bool(re.search(pattern, case["ours"].get("error", "")))


def template(pattern):
    return lambda case: bool(re.search(pattern, case["template"]))


def filters(*names):
    return template(r"\| (" + "|".join(names) + r")\b")


ARITHMETIC = ["abs", "at_least", "at_most", "ceil", "floor", "minus", "modulo", "plus", "round",
              "times", "sum"]
SELECTION = ["where", "reject", "find", "find_index", "has", "map"]
TEXT = ["append", "capitalize", "downcase", "escape", "escape_once", "lstrip", "newline_to_br",
        "prepend", "remove", "remove_first", "remove_last", "replace", "replace_first",
        "replace_last", "rstrip", "strip", "strip_html", "strip_newlines", "truncate",
        "truncatewords", "upcase", "url_encode", "url_decode", "base64_encode", "split"]

LISTS = template(
    r"\b(words|people)\b(?!\[|\.)|\b(numbers)\b(?!\[)|\bmixed\b|empty_|\bo\b(?!\.|\[)|"
    r"\| (split|compact|uniq|sort|sort_natural|reverse|concat|map|where|reject)\b")

# Chains in which nothing is of another kind than it seems: they have no excuse.
PLAIN = re.compile(
    r"(n|f|m|3|-4\.5|o\.n)( \| (abs|ceil|floor|round|plus|minus|times|at_least|at_most|modulo)"
    r"(: (0|1|2|3|-2|n|f|1\.5|0\.5|10))?)*|"
    r"people \| (where|reject|find|find_index|has|map): ('name'|'n'|'kind')"
    r"(, (s|'x'|n|''|1|true|o\.name))?|"
    r"(numbers|people) \| (size|reverse|compact)|numbers \| (sort|sum|uniq)|"
    r"(s|t|o\.name|'Hello World')( \| (upcase|downcase|capitalize|strip|lstrip|rstrip|size|"
    r"strip_newlines|json|base64_encode|append: (s|'x'|n|'')|prepend: (s|'x'|n|'')))*")

CHAIN = re.compile(r"\{\{-? *(.*?) *-?\}\}|assign \w+ = (.*?)(?: -?%\}|\n)")


def chains(*names):
    """Some chain uses one of these filters and is not plain."""
    used = filters(*names)

    def holds(case):
        found = CHAIN.findall(case["template"])
        found = [one or other for one, other in found]
        return any(used({"template": chain}) and not PLAIN.fullmatch(chain) for chain in found)
    return holds


def only_numbers(case):
    """The texts differ in their numbers and in nothing else."""
    texts = [case[side].get("text", side) for side in ("ours", "theirs")]
    texts = [SPELLINGS["rows of a table"](text) for text in texts]
    return filters(*ARITHMETIC)(case) and len({re.sub(r"[-+\de.]+", "", it) for it in texts}) == 1


REASONS = {
    "division by zero": error("divided by 0"),
    "things without order": error("cannot compare|cannot sort"),
    "items without properties": error("has no property named"),
    "whole division": filters("divided_by"),
    "selection": chains(*SELECTION),
    "numbers in texts": chains(*ARITHMETIC),
    "dates": chains("date"),
    "nothing as JSON": chains("json"),
    "ranges as text": template(r"\([1m]\.\.\d\)"),
    "lists as text": lambda case: filters(*TEXT)(case) and LISTS(case),
    "concat of no list": error("takes a list"),
    "size of a number": chains("size"),
    "replacing nothing": filters(
        "replace", "replace_first", "replace_last", "remove_first", "remove_last"),
    "parentloop": template("parentloop"),
    "parts of a text": template(r"x\[0\]|assign words"),
    "`<>`": template("<>"),
    "parts of a loop": template("for x in [^%]*(limit|offset)"),
    "order of other things": template(r"[<>]=? |[<>]=?$"),
    "`empty` and `blank`": template(r"\b(empty|blank)\b"),
    "pairs": filters("first", "last"),
    "words of a text": filters("truncatewords"),
    "parts of an object": filters("slice"),
    "defaults of an object": filters("default"),
    "nothing in `case`": template(r"\bcase\b"),
    "parts of a number": only_numbers,
    "lists in texts": template("contains"),
    "undefined and nil": template("==|!="),
    "quotes escaped": filters("escape", "escape_once"),
    "sorting other things": filters("sort_natural", "sort"),
}


def explain(case):
    ours, theirs = case["ours"].get("text"), case["theirs"].get("text")
    if ours is not None and theirs is not None:
        name = spelling(ours, theirs)
        if name:
            return name
    return next((name for name, holds in REASONS.items() if holds(case)), None)
