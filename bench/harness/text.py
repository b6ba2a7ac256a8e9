"""Figures as people read them, and tables of them."""


def duration(ns):
    for limit, divisor, unit in ((1e3, 1, "ns"), (1e6, 1e3, "us"), (1e9, 1e6, "ms")):
        if abs(ns) < limit:
            return f"{significant(ns / divisor)} {unit}"
    return f"{significant(ns / 1e9)} s"


def size(size_bytes):
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size_bytes >= 1 << shift:
            return f"{significant(size_bytes / (1 << shift))} {unit}"
    return f"{int(size_bytes)} B"


def ratio(value):
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def significant(value):
    """Three digits, without an exponent."""
    if value == int(value) and abs(value) < 10000:
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def count(value):
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.2g}"


def plain_table(header, rows):
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [align(header, widths), align(["-" * width for width in widths], widths)]
    return "\n".join(lines + [align(row, widths) for row in rows])


def align(row, widths):
    cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]
    return "  ".join(cells).rstrip()


def markdown_table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
