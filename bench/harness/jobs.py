"""What is run: one job is one workload at one size, in a process of its own."""

from dataclasses import dataclass, field

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

CYCLE_SIZES = [64 * KIB << step for step in range(13)]
# About a core's second-level cache, where the physical pages that a buffer happened to
# get decide: two static buffers of one process differ by up to 16 %.
CACHE_SIZES = [MIB, 2 * MIB, 4 * MIB]
TOUCH_SIZES = [64 * KIB, MIB, 8 * MIB, 16 * MIB, 64 * MIB, 256 * MIB]
BARE_SIZES = [64 * KIB, MIB, 8 * MIB, 64 * MIB]
CALLOC_SIZES = [MIB, 16 * MIB, 128 * MIB]
LIMIT_BYTES = 256 * MIB


@dataclass(frozen=True)
class Job:
    name: str
    workload: str = ""  # of weir-bench, where it is not `name`
    size_bytes: int = 0
    repeats: int = 1  # in one round, each a comparison of its own
    weir_only: bool = False
    report: bool = False  # ask weir for its statistics at the end
    environment: dict = field(default_factory=dict, hash=False)

    @property
    def arguments(self):
        size = ["--size", str(self.size_bytes)] if self.size_bytes else []
        return [*size, self.workload or self.name]


ALL = [
    *(Job("cycle", size_bytes=size, repeats=5 if size in CACHE_SIZES else 1)
      for size in CYCLE_SIZES),
    *(Job("touch", size_bytes=size) for size in TOUCH_SIZES),
    *(Job("bare", size_bytes=size) for size in BARE_SIZES),
    Job("mixed"),
    Job("mixed-log"),
    Job("grow"),
    Job("grow-touch"),
    *(Job("calloc-whole", size_bytes=size) for size in CALLOC_SIZES),
    *(Job("calloc-sparse", size_bytes=size) for size in CALLOC_SIZES),
    Job("pipeline"),
    Job("small", repeats=5),
    Job("small-written", repeats=5),
    Job("start"),
    Job("release", environment={"WEIR_LIMIT": "2G"}),
    Job("release-huge", workload="release", weir_only=True,
        environment={"WEIR_LIMIT": "2G", "WEIR_HUGEPAGES": "always"}),
    Job("limit", weir_only=True, report=True, environment={"WEIR_LIMIT": str(LIMIT_BYTES)}),
]

MUST_SHOW = ["cycle", "touch", "grow", "grow-touch", "small", "small-written", "start", "release",
             "release-huge", "limit"]


def names():
    return list(dict.fromkeys(job.name for job in ALL))


def select(wanted):
    return [job for job in ALL if job.name in wanted]
