"""The samples of a run: one row for each line that weir-bench printed."""

import csv
from dataclasses import asdict, dataclass, fields

# Variants that a workload measures beside its own figure, to compare it with.
REFERENCES = ("static", "plain", "coloured", "malloc")
# Variants of a workload's one figure. Any other is a figure of its own beside these.
OWN = (*REFERENCES, "block", "preloaded", "signal", "trim", "none",
       "program")


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
    peak_live_bytes: int = 0  # in whole pages, where the workload counts them
    mean_rss_bytes: int = 0  # over time, where it is sampled
    peak_retained_bytes: int = 0  # weir's own count; `limit` and real programs
    wakeups: int = 0  # of all threads but the workload's; `thread idle` alone

    @property
    def key(self):
        """What was measured: samples of one key are compared with each other."""
        own = self.variant in OWN
        return (self.workload if own else f"{self.workload} {self.variant}", self.size_bytes)

    @property
    def faults(self):
        """Page faults of one operation."""
        return self.minor_faults / self.operations

    @property
    def peak_over_live(self):
        return self.peak_rss_bytes / self.peak_live_bytes if self.peak_live_bytes else 0

    @property
    def wakeups_a_second(self):
        return self.wakeups / self.operations

    @property
    def left_over_start(self):
        """Of a service that idled: what is resident over what was when it had started."""
        return 1 + self.left_bytes / self.rss_bytes

    @property
    def is_reference(self):
        return self.variant in REFERENCES

    @property
    def pairing(self):
        """Samples that are compared with each other were taken one after the other."""
        return (self.round, self.repeat)


@dataclass
class Moment:
    """The resident size at one time of a workload that watches it."""
    allocator: str
    moment: str  # the workload
    time_ms: float
    resident_bytes: int
    phase: str


def parse_line(kind, line, **known):
    return parse(kind, {**dict(pair.split("=", 1) for pair in line.split()), **known})


def parse(kind, values):
    types = {column.name: column.type for column in fields(kind)}
    return kind(**{name: types[name](value) for name, value in values.items()})


def write(path, facts, kind, rows):
    with open(path, "w", newline="", encoding="utf-8") as out:
        for name, value in facts.items():
            out.write(f"# {name}: {value}\n")
        writer = csv.DictWriter(out, [column.name for column in fields(kind)],
                                lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read(path, kind):
    with open(path, newline="", encoding="utf-8") as file:
        lines = file.read().splitlines()
    facts = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    rows = csv.DictReader(line for line in lines if not line.startswith("# "))
    return facts, [parse(kind, row) for row in rows]
