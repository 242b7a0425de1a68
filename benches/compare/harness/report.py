"""From the figures of all rounds to the table and the goals."""

from statistics import median

BASE = "actix-awc"

# A core that is less busy than this waited for the load or for the function.
BUSY = 0.95

# (what, the figure, what it has to be, whether it may be at most or has to be at least that)
GOALS = [
    ("pass-through, CPU per request against b", ("twimlgate", BASE), 1.00, "at most"),
    ("rendered, CPU per request against b", ("twimlgate-render", BASE), 1.25, "at most"),
    ("Express + undici against pass-through", ("express-undici", "twimlgate"), 14, "at least"),
    ("Express + fetch against pass-through", ("express-fetch", "twimlgate"), 30, "at least"),
    ("resident MB, pass-through", "twimlgate", 25, "under"),
    ("resident MB, rendered", "twimlgate-render", 25, "under"),
]

HEAD = [
    "server", "CPU µs/request (min–max)", "x b", "req/s on one core", "p50 / p99 ms",
    "resident MB (peak)", "note",
]


def cpu(figures):
    """Microseconds of CPU for one request."""
    return figures["cpu_seconds"] * 1e6 / max(figures["requests"], 1)


def ratio(rounds, name, base):
    """The median of the ratios of each round: what disturbs a round disturbs both sides of it."""
    pairs = [(one[name], one[base]) for one in rounds if name in one and base in one]
    # Too short a run may have used no whole tick of CPU time.
    return median(cpu(a) / cpu(b) for a, b in pairs if cpu(b)) if pairs else None


def table(rows, rounds):
    """The Markdown table."""
    lines = [HEAD, ["---"] + ["---:"] * 5 + ["---"]]
    lines += [line(row, rounds) for row in rows if any(row.name in one for one in rounds)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def line(row, rounds):
    """The cells of one row."""
    mine = [one[row.name] for one in rounds if row.name in one]
    cpus = [cpu(figures) for figures in mine]
    middle = {key: median(figures[key] for figures in mine) for key in mine[0]}
    against = ratio(rounds, row.name, BASE)
    return [
        row.label,
        f"{median(cpus):.1f} ({min(cpus):.1f}–{max(cpus):.1f})",
        "-" if against is None else f"{against:.2f}",
        f"{median(f['requests'] / f['seconds'] for f in mine):,.0f}",
        f"{middle['p50_ms']:.2f} / {middle['p99_ms']:.2f}",
        f"{middle['resident_mb']:.0f} ({max(f['peak_mb'] for f in mine):.0f})",
        note(row, mine),
    ]


def note(row, mine):
    """What a reader has to know about a row."""
    notes = []
    wrong = sum(figures["refused"] + figures["wrong"] for figures in mine)
    if wrong:
        notes.append(f"INVALID: {wrong:.0f} wrong answers")
    missed = sum(figures["answered"] - figures["calls"] for figures in mine if row.calls)
    if missed:
        notes.append(f"INVALID: {missed:.0f} answers without a call of the function")
    closed = sum(figures["closed"] for figures in mine)
    if closed:
        notes.append(f"{closed:.0f} connections closed")
    busy = median(figures["cpu_seconds"] / figures["seconds"] for figures in mine)
    if busy < BUSY:
        notes.append(f"core {busy:.0%} busy: CPU per request holds, req/s is not its limit")
    return "; ".join(notes)


def goals(rounds):
    """The goals with what was measured, as a Markdown table; rows that did not run are left out."""
    lines = ["| goal | wanted | measured | met |", "|---|---:|---:|---|"]
    for what, figure, wanted, kind in GOALS:
        value = measured(rounds, figure)
        if value is None:
            continue
        met = value >= wanted if kind == "at least" else value <= wanted
        unit = "" if isinstance(figure, str) else " x"
        met = "yes" if met else "**no**"
        lines.append(f"| {what} | {kind} {wanted:g}{unit} | {value:.2f}{unit} | {met} |")
    return "\n".join(lines)


def measured(rounds, figure):
    """A ratio of two rows, or the highest resident memory of one."""
    if isinstance(figure, tuple):
        return ratio(rounds, *figure)
    memory = [one[figure]["resident_mb"] for one in rounds if figure in one]
    return max(memory, default=None)
