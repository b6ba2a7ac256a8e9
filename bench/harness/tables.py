"""The tables: all figures on the terminal, and the README's shorter ones."""

from . import targets, text
from .jobs import KIB, MIB

README_SIZES = {
    "cycle": [64 * KIB, MIB, 8 * MIB, 64 * MIB, 256 * MIB],
    "touch": [8 * MIB, 64 * MIB],
    "bare": [MIB, 64 * MIB],
    "calloc-whole": [16 * MIB],
    "calloc-sparse": [16 * MIB],
}


def all_figures(figures, names):
    base = base_of(names)
    header = ["workload", "size", "allocator", "time", f"ratio to {base}", "quartiles",
              "CPU time", "page faults / operation", "peak resident"]
    rows = [figure_row(figures, key, name, base)
            for key in figures.keys() for name in names if name in figures.allocators(key)]
    return text.plain_table(header, rows)


def figure_row(figures, key, name, base):
    workload, size_bytes = key
    comparable = not workload.startswith("release")  # each does something else
    ratio = figures.ratio(key, name, base) if comparable else None
    quartiles = f"{text.ratio(ratio.low)}-{text.ratio(ratio.high)}" if ratio else "-"
    return [
        workload, text.size(size_bytes) if size_bytes else "-", name,
        text.duration(figures.median(key, name, "ns")),
        text.ratio(ratio.median) if ratio else "-", quartiles,
        text.duration(figures.median(key, name, "cpu_ns")),
        text.count(figures.median(key, name, "faults")),
        text.size(figures.median(key, name, "peak_rss_bytes")),
    ]


def must_show(figures, measured_only):
    rows = targets.measured_rows(figures) if measured_only else targets.rows(figures)
    return text.plain_table(targets.HEADER, rows) if rows else "nothing of it was run"


def base_of(names):
    return "weir" if "weir" in names else names[0]


def readme(facts, figures, names):
    base = base_of(names)
    parts = [
        "### Must show", text.markdown_table(targets.HEADER, targets.rows(figures)),
        "In brackets the quartiles over the rounds.",
        f"### Time, as a multiple of {base}'s",
        text.markdown_table(["workload", f"{base}'s time", *others(names, base)],
                            ratio_rows(figures, names, base)),
        "### Mixed sizes: what it takes",
        text.markdown_table(
            ["allocator", "time / operation", "CPU time", "page faults / operation",
             "peak resident"],
            cost_rows(figures, ("mixed", 0), names)),
        "### Release of 1 GiB",
        text.markdown_table(["allocator", "kept after free", "left after the release", "time"],
                            release_rows(figures, names)),
        "### Where", "\n".join(f"- {name}: {value}" for name, value in facts.items()),
    ]
    return "\n\n".join(parts)


def others(names, base):
    return [name for name in names if name != base]


def ratio_rows(figures, names, base):
    rows = []
    for key in figures.keys():
        workload, size_bytes = key
        if workload.startswith(("release", "limit")):
            continue
        if size_bytes and size_bytes not in README_SIZES.get(workload, [size_bytes]):
            continue
        cells = [figures.ratio(key, name, base) for name in others(names, base)]
        own = figures.median(key, base, "ns")
        rows.append([f"{workload} {text.size(size_bytes)}" if size_bytes else workload,
                     text.duration(own) if own is not None else "-",
                     *(text.ratio(cell.median) if cell else "-" for cell in cells)])
    return rows


def cost_rows(figures, key, names):
    return [[name, text.duration(figures.median(key, name, "ns")),
             text.duration(figures.median(key, name, "cpu_ns")),
             text.count(figures.median(key, name, "faults")),
             text.size(figures.median(key, name, "peak_rss_bytes"))]
            for name in names if name in figures.allocators(key)]


def release_rows(figures, names):
    rows = []
    for key in figures.keys():
        if not key[0].startswith("release"):
            continue
        for name in (name for name in names if name in figures.allocators(key)):
            label = f"{name}, huge pages" if key[0] == "release-huge" else name
            kept, left, ns = (figures.median(key, name, attribute)
                              for attribute in ("kept_bytes", "left_bytes", "ns"))
            rows.append([label, text.size(kept), text.size(left),
                         text.duration(ns) if releases(figures, key, name) else "has none"])
    return rows


def releases(figures, key, name):
    return "none" not in figures.values(key, name, "variant")
