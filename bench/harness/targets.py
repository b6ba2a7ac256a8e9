"""What weir must show: each target with what was measured."""

from dataclasses import dataclass

from . import text
from .jobs import LIMIT_BYTES, MIB

NOT_MEASURED = "not measured"
HEADER = ["what", "target", "measured", "result"]


@dataclass(frozen=True)
class Target:
    what: str
    wanted: str
    measure: object  # figures -> (text, met), or None where it was not run

    def row(self, figures):
        result = self.measure(figures)
        if result is None:
            return [self.what, self.wanted, NOT_MEASURED, "-"]
        measured, met = result
        return [self.what, self.wanted, measured, "met" if met else "MISSED"]


def rows(figures):
    return [target.row(figures) for target in ALL]


def measured_rows(figures):
    return [row for row in rows(figures) if row[2] != NOT_MEASURED]


def faster(workload, peer, least, size_min=0):
    """The peer's time over weir's, at the size where that is least. Where the workload
    writes a static buffer too, also what no allocator could beat: the peer's over that."""
    def measure(figures):
        ratios = sized(figures, workload, size_min,
                       lambda key: figures.ratio(key, peer, "weir"))
        if not ratios:
            return None
        worst = min(ratios, key=lambda size: ratios[size].median)
        bound = figures.ratio_to_reference((workload, worst), peer)
        best = f"; one static buffer {text.ratio(bound.median)}x" if bound else ""
        return f"{times(ratios[worst])}{at(worst)}{best}", ratios[worst].median >= least
    return measure


def as_fast_as_static(most, size_min):
    """weir's cycle over writing a static buffer, at the size where that is most."""
    def measure(figures):
        ratios = sized(figures, "cycle", size_min,
                       lambda key: figures.ratio_to_reference(key, "weir"))
        if not ratios:
            return None
        worst = max(ratios, key=lambda size: ratios[size].median)
        return f"{percent(ratios[worst])}{at(worst)}", ratios[worst].median <= most
    return measure


def as_fast_as_backend(workload, ours, backend, most):
    def measure(figures):
        ratio = figures.ratio((workload, 0), ours, backend)
        return ratio and (percent(ratio), ratio.median <= most)
    return measure


def starts_quickly(most_ns):
    def measure(figures):
        more = figures.excess_over_reference(("start", 0), "weir")
        return more and (f"{more.median / 1e6:+.2f} ms", more.median <= most_ns)
    return measure


def gives_back(workload, most_bytes):
    """The most that any round left; in each it must have been the signal that released."""
    def measure(figures):
        key = next((key for key in figures.keys() if key[0] == workload), None)
        how, kept, left = (figures.values(key, "weir", attribute)
                           for attribute in ("variant", "kept_bytes", "left_bytes"))
        if not left:
            return None
        met = set(how) == {"signal"} and max(left) <= most_bytes
        return f"{text.size(max(left))} of {text.size(min(kept))}", met
    return measure


def never_above(attribute, slack_bytes):
    """The most in any round above the limit, under weir on any backend."""
    def measure(figures):
        values = [value for allocator in figures.allocators(("limit", 0))
                  for value in figures.values(("limit", 0), allocator, attribute)]
        if not values:
            return None
        excess = max(0, max(values) - LIMIT_BYTES)
        return f"{text.size(excess)} (peak {text.size(max(values))})", excess <= slack_bytes
    return measure


def sized(figures, workload, size_min, measure):
    ratios = {size: measure((workload, size)) for size in figures.sizes(workload)
              if size >= size_min}
    return {size: ratio for size, ratio in ratios.items() if ratio}


def times(spread):
    return f"{text.ratio(spread.median)}x [{text.ratio(spread.low)}-{text.ratio(spread.high)}]"


def percent(spread):
    shown = [f"{(value - 1) * 100:+.1f}" for value in (spread.median, spread.low, spread.high)]
    return f"{shown[0]} % [{shown[1]}, {shown[2]}]"


def at(size_bytes):
    return f" at {text.size(size_bytes)}" if size_bytes else ""


ALL = [
    Target("cycle, 8 MiB and more, against jemalloc", "10x faster",
           faster("cycle", "jemalloc", 10, 8 * MIB)),
    Target("cycle, one byte a page, against jemalloc", "10x faster",
           faster("touch", "jemalloc", 10, 8 * MIB)),
    Target("cycle, 1 MiB and more, against one static buffer", "at most +5 %",
           as_fast_as_static(1.05, MIB)),
    Target("realloc growth against glibc", "5x faster", faster("grow", "glibc", 5)),
    Target("realloc growth against jemalloc", "20x faster", faster("grow", "jemalloc", 20)),
    Target("realloc growth, one byte a page, against glibc", "5x faster",
           faster("grow-touch", "glibc", 5)),
    Target("realloc growth, one byte a page, against jemalloc", "20x faster",
           faster("grow-touch", "jemalloc", 20)),
    Target("small-only against glibc alone", "at most +3 %",
           as_fast_as_backend("small", "weir", "glibc", 1.03)),
    Target("small-only on jemalloc against jemalloc alone", "at most +3 %",
           as_fast_as_backend("small", "weir+jemalloc", "jemalloc", 1.03)),
    Target("small-only, written whole, against glibc alone", "at most +3 %",
           as_fast_as_backend("small-written", "weir", "glibc", 1.03)),
    Target("small-only, written whole, on jemalloc", "at most +3 %",
           as_fast_as_backend("small-written", "weir+jemalloc", "jemalloc", 1.03)),
    Target("/bin/true, against plain", "at most +0.3 ms", starts_quickly(300_000)),
    Target("resident above live bytes after SIGUSR1", "at most 1 MiB",
           gives_back("release", MIB)),
    Target("resident above live bytes, with huge pages", "at most 1 MiB",
           gives_back("release-huge", MIB)),
    Target("retained above WEIR_LIMIT, by weir's count", "0 B",
           never_above("peak_retained_bytes", 0)),
    # weir's own tables and the threads' stacks are resident too.
    Target("resident above live bytes and WEIR_LIMIT, from outside", "at most 1 MiB",
           never_above("kept_bytes", MIB)),
]
