"""What is run: one job is one workload at one size, in a process of its own."""

from dataclasses import dataclass, field

from . import programs, samples

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

CYCLE_SIZES = [64 * KIB << step for step in range(13)]
# About a core's second-level cache, where the physical pages that a buffer happened to
# get decide: two static buffers of one process differ by up to 16 %.
CACHE_SIZES = [256 * KIB, 512 * KIB, MIB, 2 * MIB, 4 * MIB, 8 * MIB]
TOUCH_SIZES = [64 * KIB, MIB, 8 * MIB, 16 * MIB, 64 * MIB, 256 * MIB]
BARE_SIZES = [64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, MIB, 8 * MIB, 64 * MIB]
CALLOC_WHOLE_SIZES = [MIB, 16 * MIB, 128 * MIB]
CALLOC_SPARSE_SIZES = [MIB, 16 * MIB, 64 * MIB, 128 * MIB]
LEASE_SIZES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB]
FIRST_TOUCH_SIZES = [4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB]
HARDENED_SIZES = {"bare": [64 * KIB, MIB, 16 * MIB], "cycle": [64 * KIB, MIB, 16 * MIB],
                  "calloc-whole": [MIB], "mixed": [0], "images": [0], "grow": [0]}
LIMIT_BYTES = 256 * MIB
# Of WEIR_FOOTPRINT, as multiples of what the workload has live at most.
CAPS = (1.10, 1.25, 1.50)


@dataclass(frozen=True)
class Setting:
    """Of weir, beside the job's own."""
    variant: str
    environment: dict = field(default_factory=dict, hash=False)
    cap: object = None  # of the footprint, as a multiple of the peak live bytes

    def name(self, variant):
        """What the row of that variant is called under it."""
        return self.variant if variant in samples.OWN else f"{variant} {self.variant}"


@dataclass(frozen=True)
class Job:
    name: str
    workload: str = ""  # of weir-bench, where it is not `name`
    size_bytes: int = 0
    repeats: int = 1  # in one round, each a comparison of its own
    weir_only: bool = False
    once: bool = False  # in the first round alone
    report: bool = False  # ask weir for its statistics at the end
    environment: dict = field(default_factory=dict, hash=False)  # for weir
    caps: tuple = ()  # weir runs once more under each of these footprints
    settings: tuple = ()  # and under each of these
    program: object = None  # a real one, instead of weir-bench

    @property
    def arguments(self):
        size = ["--size", str(self.size_bytes)] if self.size_bytes else []
        return [*size, self.workload or self.name]

    @property
    def together(self):
        """All users of a round run at once, and take turns with what is measured."""
        return bool(self.program and self.program.serves)

    def users(self, allocators):
        """(allocator, setting) of everything that runs it; the setting is mostly None."""
        able = [allocator for allocator in allocators if allocator.is_weir or not self.weir_only]
        settings = [*(Setting(cap_variant(cap), cap=cap) for cap in self.caps), *self.settings]
        return [*((allocator, None) for allocator in able),
                *((allocator, setting) for allocator in able if allocator.name == "weir"
                  for setting in settings)]


def cap_variant(cap):
    return f"cap-{cap:.2f}"


HARDENED = Setting("hardened", {"WEIR_HARDEN": "1"})
BACKGROUND = Setting("background", {"WEIR_BACKGROUND": "1"})
KEPT = Setting("kept", {"WEIR_BACKGROUND": "0", "WEIR_DECAY": "off"})  # nothing is released

ALL = [
    *(Job("cycle", size_bytes=size, repeats=5 if size in CACHE_SIZES else 1)
      for size in CYCLE_SIZES),
    *(Job("touch", size_bytes=size) for size in TOUCH_SIZES),
    *(Job("bare", size_bytes=size) for size in BARE_SIZES),
    *(Job("first-touch", size_bytes=size) for size in FIRST_TOUCH_SIZES),
    Job("mixed", caps=CAPS),
    Job("mixed-log", caps=CAPS),
    Job("phases"),
    Job("images"),
    Job("bursty"),
    Job("timeline", once=True),
    Job("grow"),
    Job("grow-touch"),
    *(Job("calloc-whole", size_bytes=size) for size in CALLOC_WHOLE_SIZES),
    *(Job("calloc-sparse", size_bytes=size) for size in CALLOC_SPARSE_SIZES),
    Job("columns"),
    Job("planes"),
    Job("pipeline"),
    Job("scale"),
    Job("latency", environment={"WEIR_LIMIT": "64M"}),
    Job("many-blocks"),
    Job("many-threads"),
    Job("many-addresses"),
    Job("small", repeats=5),
    Job("small-written", repeats=5),
    Job("start"),
    Job("polled", weir_only=True),
    *(Job("lease", size_bytes=size, weir_only=True) for size in LEASE_SIZES),
    *(Job("lease-whole", size_bytes=size, weir_only=True) for size in LEASE_SIZES),
    Job("blocks", repeats=5),
    Job("release", environment={"WEIR_LIMIT": "2G"}),
    Job("release-huge", workload="release", weir_only=True,
        environment={"WEIR_LIMIT": "2G", "WEIR_HUGEPAGES": "always"}),
    Job("limit", weir_only=True, report=True, environment={"WEIR_LIMIT": str(LIMIT_BYTES)}),
    *(Job(f"hardened-{workload}", workload=workload, size_bytes=size, weir_only=True,
          settings=(HARDENED,))
      for workload, sizes in HARDENED_SIZES.items() for size in sizes),
    Job("thread", weir_only=True, settings=(BACKGROUND,)),
    *(Job(f"program-{program.name}", program=program) for program in programs.ALL),
    *(Job("idle", program=service, environment=BACKGROUND.environment, settings=(KEPT,))
      for service in programs.SERVICES),
]

MUST_SHOW = ["cycle", "touch", "bare", "first-touch", "mixed", "grow", "grow-touch",
             "calloc-sparse", "scale", "latency", "many-blocks", "many-threads", "many-addresses",
             "small", "small-written", "start", "polled", "lease", "lease-whole",
             "blocks", "release", "release-huge", "limit",
             *(f"hardened-{workload}" for workload in HARDENED_SIZES),
             "thread", *(f"program-{program.name}" for program in programs.ALL), "idle"]


def names():
    return list(dict.fromkeys(job.name for job in ALL))


def select(wanted):
    return [job for job in ALL if job.name in wanted]
