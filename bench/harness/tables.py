"""The tables: all figures on the terminal, and the README's shorter ones."""

from . import programs, targets, text
from .jobs import HARDENED, KIB, MIB

README_SIZES = {
    "cycle": [64 * KIB, MIB, 8 * MIB, 64 * MIB, 256 * MIB],
    "touch": [8 * MIB, 64 * MIB],
    "bare": [64 * KIB, MIB, 64 * MIB],
    "first-touch": [16 * MIB],
    "calloc-whole": [16 * MIB],
    "calloc-sparse": [16 * MIB, 64 * MIB],
    "lease": [64 * KIB, MIB, 16 * MIB],
    "lease-whole": [MIB],
}
# Each allocator does something else there, or other allocators do not run it.
NOT_COMPARED = ("release", "limit", "timeline", "thread", "idle", "hardened-")
# Told by tables of their own.
ELSEWHERE = (*NOT_COMPARED, "latency", "mixed cap", "mixed-log cap", "program-")
PERCENTILES = ("p50", "p99", "p99.9", "max")
OVER_TIME = (  # heading, workload, attribute
    ("bursty, mean", "bursty", "mean_rss_bytes"),
    ("bursty, kept while idle", "bursty", "kept_bytes"),
    ("timeline, kept when all is freed", "timeline", "kept_bytes"),
    ("timeline, left after the release", "timeline", "left_bytes"),
)
COLOURED = ("columns", "planes")
PROGRAM_FIGURES = (
    ("time", "ns", text.duration),
    ("CPU time", "cpu_ns", text.duration),
    ("page faults", "faults", text.count),
    ("peak resident", "peak_rss_bytes", text.size),
    ("resident at the end", "rss_bytes", text.size),  # of a server
)
THREAD_CHURN = ("large", "small")
THREAD_SLEEP = (("while it releases", "releasing"), ("with nothing retained", "asleep"))
IDLE_HEADER = ["service", "allocator", "at its start", "after a burst", "15 s later",
               "next burst", "time", "CPU time", "page faults"]
THREAD_HEADER = ["what", "alone", "with the thread", "ratio"]
HARDENED_HEADER = ["workload", "as it is", "with WEIR_HARDEN=1", "ratio", "CPU time"]
WITH_PEAK_LIVE = ("mixed", "mixed-log", "phases", "bursty")


def all_figures(figures, names):
    base = base_of(names)
    header = ["workload", "size", "allocator", "time", f"ratio to {base}", "quartiles",
              "to reference", "CPU time", "page faults / operation", "peak resident"]
    rows = [figure_row(figures, key, name, base)
            for key in figures.keys() for name in names if name in figures.allocators(key)]
    return text.plain_table(header, rows)


def figure_row(figures, key, name, base):
    workload, size_bytes = key
    ratio = None if workload.startswith(NOT_COMPARED) else figures.ratio(key, name, base)
    reference = figures.ratio_to_reference(key, name)
    quartiles = f"{text.ratio(ratio.low)}-{text.ratio(ratio.high)}" if ratio else "-"
    return [
        workload, text.size(size_bytes) if size_bytes else "-", name,
        text.duration(figures.median(key, name, "ns")),
        text.ratio(ratio.median) if ratio else "-", quartiles,
        text.ratio(reference.median) if reference else "-",
        text.duration(figures.median(key, name, "cpu_ns")),
        text.count(figures.median(key, name, "faults")),
        text.size(figures.median(key, name, "peak_rss_bytes")),
    ]


def groups(figures, names):
    """The tables of what was run together, or all figures say too little of."""
    parts = [("Services that idle", IDLE_HEADER, idle_rows(figures, names)),
             ("The helper thread", THREAD_HEADER, thread_rows(figures)),
             ("Hardened blocks", HARDENED_HEADER, hardened_rows(figures))]
    return "\n\n".join(f"{title}\n\n{text.plain_table(header, rows)}"
                       for title, header, rows in parts if rows)


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
             "peak resident", "over peak live"],
            cost_rows(figures, "mixed", names)),
        "### Peak resident size, as a multiple of peak live",
        text.markdown_table(["workload", "peak live", *names], peak_rows(figures, names)),
        "### Resident size over time",
        text.markdown_table(["allocator", *(heading for heading, _, _ in OVER_TIME)],
                            over_time_rows(figures, names)),
        "### Blocks as they come, against blocks coloured by hand",
        text.markdown_table(["workload", *names], colour_rows(figures, names)),
        "### Single calls under churn at the limit",
        text.markdown_table(["call", *names], latency_rows(figures, names)),
        f"### Real programs, as a multiple of {base}'s",
        text.markdown_table(["program", "what", base, *others(names, base)],
                            program_rows(figures, names, base)),
        "### Services that idle", text.markdown_table(IDLE_HEADER, idle_rows(figures, names)),
        "### The helper thread", text.markdown_table(THREAD_HEADER, thread_rows(figures)),
        "### Hardened blocks",
        text.markdown_table(HARDENED_HEADER, hardened_rows(figures)),
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
        if workload.startswith(ELSEWHERE):
            continue
        if size_bytes and size_bytes not in README_SIZES.get(workload, [size_bytes]):
            continue
        cells = [figures.ratio(key, name, base) for name in others(names, base)]
        own = figures.median(key, base, "ns")
        rows.append([f"{workload} {text.size(size_bytes)}" if size_bytes else workload,
                     optional(text.duration, own),
                     *(text.ratio(cell.median) if cell else "-" for cell in cells)])
    return rows


def cost_rows(figures, workload, names):
    """Every allocator, and weir under each cap."""
    rows = []
    for key in (key for key in figures.keys() if key[0].split(" cap-")[0] == workload):
        for name in (name for name in names if name in figures.allocators(key)):
            ns, cpu_ns, faults, peak, over_live = (
                figures.median(key, name, attribute)
                for attribute in ("ns", "cpu_ns", "faults", "peak_rss_bytes", "peak_over_live"))
            cap = key[0].removeprefix(workload).replace(" cap-", ", capped at ")
            rows.append([name + cap, text.duration(ns), text.duration(cpu_ns), text.count(faults),
                         text.size(peak), text.ratio(over_live)])
    return rows


def peak_rows(figures, names):
    rows = []
    for key in (key for key in figures.keys() if key[0] in WITH_PEAK_LIVE):
        live = figures.median(key, base_of(names), "peak_live_bytes")
        rows.append([key[0], optional(text.size, live),
                     *(optional(text.ratio, figures.median(key, name, "peak_over_live"))
                       for name in names)])
    return rows


def over_time_rows(figures, names):
    return [[name, *(optional(text.size, figures.median((workload, 0), name, attribute))
                     for _, workload, attribute in OVER_TIME)]
            for name in names]


def colour_rows(figures, names):
    rows = []
    for key in (key for key in figures.keys() if key[0] in COLOURED):
        cells = [figures.ratio_to_reference(key, name) for name in names]
        rows.append([key[0], *(text.ratio(cell.median) if cell else "-" for cell in cells)])
    return rows


def latency_rows(figures, names):
    return [[f"{call} {percentile}",
             *(optional(text.duration,
                        figures.median((f"latency {call}-{percentile}", 0), name, "ns"))
               for name in names)]
            for call in ("malloc", "free") for percentile in PERCENTILES]


def program_rows(figures, names, base):
    rows = []
    for program in programs.ALL:
        for what, attribute, show in PROGRAM_FIGURES:
            own = figures.median(program.key, base, attribute)
            if not own:
                continue
            ratios = [figures.ratio(program.key, name, base, attribute)
                      for name in others(names, base)]
            rows.append([program.title, what, show(own),
                         *(text.ratio(ratio.median) if ratio else "-" for ratio in ratios)])
    return rows


def idle_rows(figures, names):
    """Time and CPU time as multiples of weir's with nothing released."""
    rows = []
    for service in programs.SERVICES:
        plain, kept = (f"idle {service.name}", 0), (f"idle {service.name} kept", 0)
        for key in (plain, kept):
            for name in (name for name in names if name in figures.allocators(key)):
                start, after, left, ns, faults = (
                    figures.median(key, name, attribute) for attribute in
                    ("rss_bytes", "kept_bytes", "left_bytes", "ns", "faults"))
                times = [figures.ratio_between(key, name, kept, "weir", attribute)
                         for attribute in ("ns", "cpu_ns")]
                rows.append([service.name, f"{name}, nothing released" if key == kept else name,
                             *(text.size(size) for size in (start, start + after, start + left)),
                             text.duration(ns), *(spread(ratio) for ratio in times),
                             text.count(faults)])
    return rows


def thread_rows(figures):
    rows = []
    for churn in THREAD_CHURN:
        alone, beside = ((f"thread {churn}{setting}", 0) for setting in ("", " background"))
        ratio = figures.ratio_between(beside, "weir", alone, "weir", "cpu_ns")
        if ratio:
            times = [text.duration(figures.median(key, "weir", "cpu_ns"))
                     for key in (alone, beside)]
            rows.append([f"{churn} churn, CPU time", *times, spread(ratio)])
    for what, variant in THREAD_SLEEP:
        key = (f"thread {variant} background", 0)
        wakeups, cpu_ns = (figures.median(key, "weir", attribute)
                           for attribute in ("wakeups_a_second", "cpu_ns"))
        if cpu_ns is not None:
            rows.append([f"asleep, {what}", "-", f"{cpu_ns / 1e7:.4f} % CPU",
                         f"{wakeups:.2g} wake-ups a second"])
    return rows


def hardened_rows(figures):
    rows = []
    for workload, size_bytes in figures.keys():
        plain = (workload, size_bytes)
        hardened = (HARDENED.name(workload), size_bytes)
        ratios = [figures.ratio_between(hardened, "weir", plain, "weir", attribute)
                  for attribute in ("ns", "cpu_ns")]
        if workload.startswith("hardened-") and ratios[0]:
            name = workload.removeprefix("hardened-")
            rows.append([f"{name} {text.size(size_bytes)}" if size_bytes else name,
                         *(text.duration(figures.median(key, "weir", "ns"))
                           for key in (plain, hardened)),
                         *(spread(ratio) for ratio in ratios)])
    return rows


def spread(ratio):
    if ratio is None:
        return "-"
    return f"{text.ratio(ratio.median)} [{text.ratio(ratio.low)}-{text.ratio(ratio.high)}]"


def optional(show, value):
    return "-" if value is None else show(value)


def release_rows(figures, names):
    rows = []
    for key in (key for key in figures.keys() if key[0].startswith("release")):
        for name in (name for name in names if name in figures.allocators(key)):
            label = f"{name}, huge pages" if key[0] == "release-huge" else name
            kept, left, ns = (figures.median(key, name, attribute)
                              for attribute in ("kept_bytes", "left_bytes", "ns"))
            rows.append([label, text.size(kept), text.size(left),
                         text.duration(ns) if releases(figures, key, name) else "has none"])
    return rows


def releases(figures, key, name):
    return "none" not in figures.values(key, name, "variant")
