"""The plots, drawn by gnuplot as SVG."""

import os
import shutil
import subprocess

from .jobs import CAPS, MIB, cap_variant

COLOURS = {
    "glibc": "#888888",
    "jemalloc": "#d95f02",
    "mimalloc": "#7570b3",
    "tcmalloc": "#1b9e77",
    "weir": "#1f4fbf",
    "weir+jemalloc": "#7fa8ef",
    "one static buffer": "#000000",
}
# Workloads that the plot of the ratios leaves out: cycle has a plot of its own,
# touch is told by it, and the others do not compare times.
ELSEWHERE = ("cycle", "touch", "release", "limit", "timeline", "latency", "scale", "polled", "many",
             "thread", "idle", "mixed cap", "mixed-log cap", "program-")
STYLE = """
set terminal svg size {width},{height} font "sans-serif,13" background "#ffffff"
set output "{output}"
set border 3 linecolor "#444444"
set tics nomirror
set grid ytics linecolor "#dddddd" linewidth 1
set title "{title}" noenhanced
"""


def draw_all(figures, names, directory):
    """The paths of what was drawn; none where gnuplot is missing."""
    if shutil.which("gnuplot") is None:
        return []
    drawn = []
    for output, script in (("cycle.svg", cycle), ("ratios.svg", ratios),
                           ("mixed-peak.svg", mixed_peak), ("footprint.svg", footprint),
                           ("timeline.svg", timeline), ("bursty.svg", bursty)):
        commands = script(figures, names, output)
        if commands:
            subprocess.run(["gnuplot"], input=commands, text=True, check=True, cwd=directory)
            drawn.append(os.path.join(directory, output))
    return drawn


def style(output, title, width=860, height=520):
    return STYLE.format(output=output, title=title, width=width, height=height)


def block(name, rows):
    return f"${name} << EOD\n" + "\n".join(rows) + "\nEOD\n"


def cycle(figures, names, output):
    """Time for each MiB over the size, both logarithmic; a line for each allocator."""
    sizes = figures.sizes("cycle")
    if len(sizes) < 2:
        return None
    data, lines = [], []
    reference = "weir" if "weir" in names else names[0]
    for index, name in enumerate([*names, "one static buffer"]):
        static = name == "one static buffer"
        allocator = reference if static else name
        points = [(size, figures.median(("cycle", size), allocator, "ns", reference=static))
                  for size in sizes]
        data.append(block(f"line{index}", [f"{size / MIB} {ns / 1e3 / (size / MIB)}"
                                           for size, ns in points if ns is not None]))
        look = "dashtype 2 linewidth 1.5 pointtype 0" if static else "linewidth 2 pointtype 7"
        lines.append(f'$line{index} using 1:2 with linespoints linecolor "{COLOURS[name]}" {look} '
                     f'pointsize 0.5 title "{name}" noenhanced')
    ticks = ", ".join(f'"{label}" {size / MIB}' for size, label in
                      ((1 << 16, "64 KiB"), (1 << 18, "256 KiB"), (1 << 20, "1 MiB"),
                       (1 << 22, "4 MiB"), (1 << 24, "16 MiB"), (1 << 26, "64 MiB"),
                       (1 << 28, "256 MiB")))
    return (style(output, "cycle: malloc, write all, free") + "".join(data) +
            "set logscale xy\nset key outside right\nset xlabel 'size of the block'\n"
            "set ylabel 'time for each MiB, us'\n"
            f"set xrange [{0.8 * sizes[0] / MIB}:{1.25 * sizes[-1] / MIB}]\n"
            f"set xtics ({ticks})\nplot " + ", \\\n  ".join(lines) + "\n")


def ratios(figures, names, output):
    """Time as a multiple of weir's; a group of bars for each workload."""
    base = "weir" if "weir" in names else names[0]
    keys = [key for key in figures.keys()
            if key[1] in (0, 16 * MIB) and not key[0].startswith(ELSEWHERE)]
    others = [name for name in names if name != base]
    if not keys or not others:
        return None
    rows = []
    for key in keys:
        found = [figures.ratio(key, name, base) for name in others]
        rows.append(f'"{key[0]}" ' + " ".join(str(r.median) if r else "NaN" for r in found))
    bars = [f'$bars using {index + 2}:xtic(1) linecolor "{COLOURS[name]}" '
            f'title "{name}" noenhanced' for index, name in enumerate(others)]
    return (style(output, f"time as a multiple of {base}'s (1 is as fast; higher is slower)") +
            block("bars", rows) +
            "set style data histograms\nset style histogram clustered gap 1\n"
            "set style fill solid 1.0 noborder\nset key outside right\nset logscale y\n"
            "set ylabel 'ratio'\nset xtics rotate by -25 noenhanced\n"
            'set arrow from graph 0, first 1 to graph 1, first 1 nohead linecolor "#000000"\n'
            "plot " + ", \\\n  ".join(bars) + "\n")


def mixed_peak(figures, names, output):
    """Peak resident size in the mixed workload; a bar for each allocator."""
    rows = []
    for index, name in enumerate(names):
        peak = figures.median(("mixed", 0), name, "peak_rss_bytes")
        if peak is not None:
            rows.append(f'{index} {peak / MIB} {int(COLOURS[name][1:], 16)} "{name}"')
    if not rows:
        return None
    return (style(output, "mixed: peak resident size, MiB", 640, 400) + block("bars", rows) +
            "set boxwidth 0.6\nset style fill solid 1.0 noborder\nunset key\nset yrange [0:*]\n"
            "set xtics noenhanced\n"
            "plot $bars using 1:2:3:xtic(4) with boxes linecolor rgb variable, \\\n"
            '  "" using 1:2:(sprintf("%.0f", $2)) with labels offset 0,0.6\n')


def footprint(figures, names, output):
    """Time in the mixed workload over what it took; weir is a line, through its caps."""
    plain = ("mixed", 0)
    capped = [(f"mixed {cap_variant(cap)}", 0) for cap in CAPS]
    data, lines, times = [], [], []
    for index, name in enumerate(names):
        points = [spot(figures, key, name) for key in [*capped, plain]
                  if name in figures.allocators(key)]
        if not points:
            continue
        data.append(block(f"spots{index}", [f"{over_live} {ms}" for over_live, ms in points]))
        times += [ms for _, ms in points]
        look = "linespoints linewidth 2" if len(points) > 1 else "points"
        lines.append(f'$spots{index} using 1:2 with {look} linecolor "{COLOURS[name]}" '
                     f'pointtype 7 pointsize 0.9 title "{name}" noenhanced')
    if not lines:
        return None
    ticks = ", ".join(str(value) for value in (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10))
    return (style(output, "mixed: time over footprint; weir also under three caps") +
            "".join(data) +
            "set key outside right\nset xlabel 'peak resident size / peak live bytes'\n"
            f"set ylabel 'time of an operation, ms'\nset logscale y\nset ytics ({ticks})\n"
            f"set xrange [1:*]\nset yrange [{0.7 * min(times)}:{1.4 * max(times)}]\n"
            "plot " + ", \\\n  ".join(lines) + "\n")


def spot(figures, key, name):
    return (figures.median(key, name, "peak_over_live"),
            figures.median(key, name, "ns") / 1e6)


def timeline(figures, names, output):
    return over_time(figures, names, output, "timeline",
                     "resident size: load, all freed, asked to release, load, all freed")


def bursty(figures, names, output):
    return over_time(figures, names, output, "bursty", "resident size: bursts, idle in between")


def over_time(figures, names, output, workload, title):
    """A line for each allocator."""
    data, lines = [], []
    for index, name in enumerate(names):
        moments = [moment for moment in figures.moments
                   if (moment.moment, moment.allocator) == (workload, name)]
        if not moments:
            continue
        data.append(block(f"line{index}", [f"{moment.time_ms / 1e3} {moment.resident_bytes / MIB}"
                                           for moment in moments]))
        lines.append(f'$line{index} using 1:2 with lines linecolor "{COLOURS[name]}" '
                     f'linewidth {3 if name == "weir" else 1.5} title "{name}" noenhanced')
    if not lines:
        return None
    return (style(output, title) + "".join(data) + asked(figures, workload) +
            "set key outside right\nset xlabel 'seconds'\nset ylabel 'resident, MiB'\n"
            "set yrange [0:*]\nplot " + ", \\\n  ".join(lines) + "\n")


def asked(figures, workload):
    """A line where weir was sent SIGUSR1."""
    found = [moment.time_ms / 1e3 for moment in figures.moments
             if (moment.moment, moment.allocator, moment.phase) == (workload, "weir", "released")]
    if not found:
        return ""
    return (f"set arrow from {found[0]}, graph 0 to {found[0]}, graph 1 nohead dashtype 2 "
            'linecolor "#444444"\n'
            f'set label "SIGUSR1" at {found[0]}, graph 0.96 offset 0.5,0\n')
