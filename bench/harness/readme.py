"""Puts the figures into README.md, between its two markers."""

BEGIN = "<!-- figures: written by bench/run --update-readme -->"
END = "<!-- end of figures -->"


def update(path, section):
    with open(path, encoding="utf-8") as file:
        before, begin, rest = file.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} lacks the markers of the figures")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n\n{section}\n\n{END}{after}")
