"""The samples of a run: one row for each line that weir-bench printed."""

import csv
from dataclasses import asdict, dataclass, fields

# Variants that a workload measures beside its own figure, to compare it with.
REFERENCES = ("static", "plain")


@dataclass
class Sample:
    round: int
    repeat: int
    allocator: str
    workload: str
    variant: str
    size_bytes: int
    operations: int
    ns: float  # wall time of one operation, median of the batches
    cpu_ns: float  # user and system time of one operation, all threads
    user_us: int
    system_us: int
    minor_faults: int
    peak_rss_bytes: int
    rss_bytes: int
    kept_bytes: int
    left_bytes: int
    peak_retained_bytes: int = 0  # weir's own count; `limit` alone

    @property
    def key(self):
        return (self.workload, self.size_bytes)

    @property
    def faults(self):
        """Page faults of one operation."""
        return self.minor_faults / self.operations

    @property
    def is_reference(self):
        return self.variant in REFERENCES

    @property
    def pairing(self):
        """Samples that are compared with each other were taken one after the other."""
        return (self.round, self.repeat)


COLUMNS = [column.name for column in fields(Sample)]
TYPES = {column.name: column.type for column in fields(Sample)}


def parse_line(line, **known):
    values = dict(pair.split("=", 1) for pair in line.split())
    values.update(known)
    return Sample(**{name: TYPES[name](value) for name, value in values.items()})


def write(path, facts, samples):
    with open(path, "w", newline="", encoding="utf-8") as out:
        for name, value in facts.items():
            out.write(f"# {name}: {value}\n")
        rows = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        rows.writeheader()
        rows.writerows(asdict(sample) for sample in samples)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        lines = file.read().splitlines()
    facts = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    rows = csv.DictReader(line for line in lines if not line.startswith("# "))
    return facts, [Sample(**{k: TYPES[k](v) for k, v in row.items()}) for row in rows]
