"""What weir must show: each target with what was measured."""

import math
from dataclasses import dataclass

from . import allocators, programs, text
from .jobs import KIB, LIMIT_BYTES, MIB, cap_variant

PEERS = ("glibc", *allocators.PEERS)
CAP_SLACK = 0.01  # of the peak live bytes: the program itself, and weir's tables
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


def faster(workload, peer, least, low=0, high=math.inf):
    """The peer's time over weir's, at the size where that is least. Where the workload
    writes a static buffer too, also what no allocator could beat: the peer's over that."""
    def measure(figures):
        ratios = sized(figures, workload, low, high,
                       lambda key: figures.ratio(key, peer, "weir"))
        if not ratios:
            return None
        worst = min(ratios, key=lambda size: ratios[size].median)
        bound = figures.ratio_to_reference((workload, worst), peer)
        best = f"; one static buffer {text.ratio(bound.median)}x" if bound else ""
        return f"{times(ratios[worst])}{at(worst)}{best}", ratios[worst].median >= least
    return measure


def no_slower(workload, low=0, high=math.inf):
    """The fastest peer's time over weir's, at the size where that is least."""
    def measure(figures):
        ratios = sized(figures, workload, low, high,
                       lambda key: figures.ratio(key, fastest_peer(figures, key), "weir"))
        if not ratios:
            return None
        worst = min(ratios, key=lambda size: ratios[size].median)
        peer = fastest_peer(figures, (workload, worst))
        return f"{times(ratios[worst])} of {peer}{at(worst)}", ratios[worst].median >= 1
    return measure


def takes_at_most(workload, most_ns, low, high):
    """weir's own time, at the size where that is most."""
    def measure(figures):
        found = sized(figures, workload, low, high,
                      lambda key: figures.median(key, "weir", "ns"))
        if not found:
            return None
        worst = max(found, key=found.get)
        return f"{text.duration(found[worst])}{at(worst)}", found[worst] <= most_ns
    return measure


def as_fast_as_static(most, low):
    """weir's cycle over writing a static buffer, at the size where that is most."""
    def measure(figures):
        ratios = sized(figures, "cycle", low, math.inf,
                       lambda key: figures.ratio_to_reference(key, "weir"))
        if not ratios:
            return None
        worst = max(ratios, key=lambda size: ratios[size].median)
        return f"{percent(ratios[worst])}{at(worst)}", ratios[worst].median <= most
    return measure


def no_slower_than_malloc(workload, most=1):
    """weir's lease over its malloc, at the size where that is most."""
    def measure(figures):
        ratios = sized(figures, workload, 0, math.inf,
                       lambda key: figures.ratio_to_reference(key, "weir"))
        if not ratios:
            return None
        worst = max(ratios, key=lambda size: ratios[size].median)
        return f"{times(ratios[worst])}{at(worst)}", round(ratios[worst].median, 2) <= most
    return measure


def small_footprint(workload, most):
    """Peak resident size over peak live bytes; beside it the fastest peer's."""
    def measure(figures):
        key = (workload, 0)
        ours = figures.median(key, "weir", "peak_over_live")
        peer = fastest_peer(figures, key)
        if ours is None or peer is None:
            return None
        theirs = figures.median(key, peer, "peak_over_live")
        return f"{ours:.2f} x; {peer} {theirs:.2f} x", ours <= most
    return measure


def fast_under_cap(workload, cap, most):
    """weir's time under the cap over the fastest peer's without one; the cap has to hold."""
    def measure(figures):
        key, capped = (workload, 0), (f"{workload} {cap_variant(cap)}", 0)
        peer = fastest_peer(figures, key)
        ratio = peer and figures.ratio_between(capped, "weir", key, peer)
        if not ratio:
            return None
        resident = max(figures.values(capped, "weir", "peak_over_live"))
        met = ratio.median <= most and resident <= cap + CAP_SLACK
        return f"{times(ratio)} of {peer}, peak resident {resident:.2f} x", met
    return measure


def scales(workload, more, least):
    """Operations a second in `more` threads over those in one."""
    def measure(figures):
        ratio = figures.ratio_between((f"{workload} 1-thread", 0), "weir",
                                      (f"{workload} {more}", 0), "weir")
        return ratio and (times(ratio), ratio.median >= least)
    return measure


def all_done(*workloads):
    """Where a workload was refused there is no figure of it."""
    def measure(figures):
        found = [figures.median((workload, 0), "weir", "ns") for workload in workloads]
        if all(ns is None for ns in found):
            return None
        shown = ["no figure" if ns is None else text.duration(ns) for ns in found]
        return ", ".join(shown), None not in found
    return measure


def as_fast_as_backend(workload, ours, backend):
    """Within 1 % of the time without weir, or 1 ns a call: two calls an operation."""
    def measure(figures):
        ratio = figures.ratio((workload, 0), ours, backend)
        excess = figures.excess((workload, 0), ours, backend)
        if not ratio:
            return None
        met = ratio.median <= 1.01 or excess.median <= 2
        return f"{percent(ratio)}, {excess.median / 2:+.2f} ns a call", met
    return measure


def starts_quickly(most_ns):
    def measure(figures):
        more = figures.excess_over_reference(("start", 0), "weir")
        return more and (f"{more.median / 1e6:+.2f} ms", more.median <= most_ns)
    return measure


def costs_little_to_read(most):
    """The program's time for an operation with 100 reads a second over that without."""
    def measure(figures):
        ratio = figures.ratio_between(("polled", 0), "weir", ("polled quiet", 0), "weir")
        read_ns = figures.median(("polled read", 0), "weir", "ns")
        if not ratio:
            return None
        shown = f"{(ratio.median - 1) * 100:+.3f} %, {text.duration(read_ns)} a read"
        return shown, ratio.median <= most
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


def holds_little(workload, size_bytes, most_bytes):
    """The most in any round that was resident beyond what the program has touched."""
    def measure(figures):
        values = figures.values((workload, size_bytes), "weir", "kept_bytes")
        return (text.size(max(values)), max(values) <= most_bytes) if values else None
    return measure


def keeps_up(program):
    """weir's time and peak resident size over those of the fastest peer."""
    def measure(figures):
        peer = fastest_peer(figures, program.key, program.judged_by)
        if peer is None:
            return None
        time, peak = (figures.ratio(program.key, "weir", peer, attribute)
                      for attribute in (program.judged_by, "peak_rss_bytes"))
        met = round(max(time.median, peak.median), 2) <= 1
        what = "CPU time" if program.judged_by == "cpu_ns" else "time"
        return f"{times(time)} the {what} of {peer}, {times(peak)} its peak", met
    return measure


def returns_to_start(service, most):
    """What a service has resident 15 s after a burst over what it had when it started; the
    most in any round."""
    def measure(figures):
        key = (f"idle {service}", 0)
        over = figures.values(key, "weir", "left_over_start")
        if not over:
            return None
        start = figures.median(key, "weir", "rss_bytes")
        burst = figures.median(key, "weir", "kept_bytes")
        shown = f"{max(over):.2f}x of {text.size(start)}, {text.size(start + burst)} after a burst"
        return shown, max(over) <= most
    return measure


def starts_again(service, most):
    """The burst of a service after its idle time over one with nothing released."""
    def measure(figures):
        ratio = figures.ratio_between((f"idle {service}", 0), "weir",
                                      (f"idle {service} kept", 0), "weir")
        if not ratio:
            return None
        ns = figures.median((f"idle {service} kept", 0), "weir", "ns")
        return f"{times(ratio)} of {text.duration(ns)}", ratio.median <= most
    return measure


def sleeps(variant, most_wakeups, most_share):
    """Wake-ups a second and CPU time of the helper thread while the program sleeps."""
    def measure(figures):
        key = (f"thread {variant} background", 0)
        wakeups, cpu_ns = (figures.values(key, "weir", attribute)
                           for attribute in ("wakeups_a_second", "cpu_ns"))
        if not cpu_ns:
            return None
        share = max(cpu_ns) / 1e9
        met = max(wakeups) <= most_wakeups and share <= most_share
        return f"{100 * share:.4f} % CPU, {max(wakeups):.2g} wake-ups a second", met
    return measure


def fastest_peer(figures, key, attribute="ns"):
    """By the median of its ratios to weir; None where no peer was run."""
    ratios = {peer: figures.ratio(key, peer, "weir", attribute) for peer in PEERS}
    ratios = {peer: ratio.median for peer, ratio in ratios.items() if ratio}
    return min(ratios, key=ratios.get, default=None)


def sized(figures, workload, low, high, measure):
    found = {size: measure((workload, size)) for size in figures.sizes(workload)
             if low <= size <= high}
    return {size: value for size, value in found.items() if value}


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
    Target("cycle, 256 KiB and more, against one static buffer", "at most +2 %",
           as_fast_as_static(1.02, 256 * KIB)),
    Target("bare pair, 64 KiB to 1 MiB, against the fastest peer", "no slower",
           no_slower("bare", 64 * KIB, MIB)),
    Target("bare pair, 64 KiB to 1 MiB", "at most 15 ns",
           takes_at_most("bare", 15, 64 * KIB, MIB)),
    Target("mixed, against the fastest peer", "no slower", no_slower("mixed")),
    Target("mixed, peak resident size", "at most 1.25 x peak live",
           small_footprint("mixed", 1.25)),
    Target("mixed, capped at 1.10 x peak live, against the fastest peer", "at most 1.5x the time",
           fast_under_cap("mixed", 1.10, 1.5)),
    *(Target(f"realloc growth{how} against {peer}", f"{least}x faster",
             faster(workload, peer, least))
      for workload, how in (("grow", ""), ("grow-touch", ", one byte a page,"))
      for peer, least in (("glibc", 20), ("jemalloc", 60), ("mimalloc", 60))),
    Target("calloc of 64 MiB touched sparsely, against glibc", "no slower",
           faster("calloc-sparse", "glibc", 1, 64 * MIB, 64 * MIB)),
    # weir's own tables and code are resident too.
    Target("calloc of 64 MiB, resident beyond the pages touched", "at most 1 MiB",
           holds_little("calloc-sparse", 64 * MIB, MIB)),
    Target("first touch of a cold 16 MiB block, against glibc", "3x faster",
           faster("first-touch", "glibc", 3, 16 * MIB, 16 * MIB)),
    Target("p99.9 of free under churn at the limit, against glibc", "lower",
           faster("latency free-p99.9", "glibc", 1)),
    Target("p99.9 of free under churn at the limit, against jemalloc", "lower",
           faster("latency free-p99.9", "jemalloc", 1)),
    Target("large churn, two threads against one", "1.9x", scales("scale", "2-threads", 1.9)),
    Target("100,000 blocks, 1,000 threads, 64 GiB of addresses", "served",
           all_done("many-blocks", "many-threads", "many-addresses")),
    *(Target(f"small-only{how}, {on}", "at most +1 %, or 1 ns a call",
             as_fast_as_backend(workload, ours, backend))
      for workload, how in (("small", ""), ("small-written", ", written whole"))
      for on, ours, backend in (("against glibc alone", "weir", "glibc"),
                                ("on jemalloc against jemalloc alone",
                                 "weir+jemalloc", "jemalloc"))),
    Target("/bin/true, against plain", "at most +0.3 ms", starts_quickly(300_000)),
    Target("statistics read 100 times a second, CPU time of the program", "at most +0.1 %",
           costs_little_to_read(1.001)),
    Target("lease and return, 64 KiB to 16 MiB, against malloc and free", "no slower",
           no_slower_than_malloc("lease")),
    Target("the same, all of the block written", "at most +2 %",
           no_slower_than_malloc("lease-whole", 1.02)),
    Target("lease and return of 4 KiB, against malloc and free of the fastest peer", "no slower",
           no_slower("blocks")),
    Target("resident above live bytes after SIGUSR1", "at most 1 MiB",
           gives_back("release", MIB)),
    Target("resident above live bytes, with huge pages", "at most 1 MiB",
           gives_back("release-huge", MIB)),
    Target("retained above WEIR_LIMIT, by weir's count", "0 B",
           never_above("peak_retained_bytes", 0)),
    # weir's own tables and the threads' stacks are resident too.
    Target("resident above live bytes and WEIR_LIMIT, from outside", "at most 1 MiB",
           never_above("kept_bytes", MIB)),
    *(Target(f"{program.title}, against the fastest peer", "no slower, no larger",
             keeps_up(program)) for program in programs.ALL),
    *(Target(f"{service.name} service, resident 15 s after a burst", "at most 1.10x its start",
             returns_to_start(service.name, 1.10)) for service in programs.SERVICES),
    *(Target(f"{service.name} service, the burst after that", "at most 1.10x",
             starts_again(service.name, 1.10)) for service in programs.SERVICES),
    Target("helper thread of a program that sleeps, until all is released", "at most 0.1 % CPU",
           sleeps("releasing", math.inf, 0.001)),
    Target("helper thread with nothing retained", "no wake-up", sleeps("asleep", 0, 0.001)),
]
