"""What the figures depend on: recorded with every run."""

import datetime
import os
import platform

PAGE_REPORTING = "/sys/module/page_reporting"
# Settings of allocators that would make a run something else than the defaults.
SETTINGS = ("LD_PRELOAD", "WEIR_", "MALLOC_", "_RJEM", "MIMALLOC_", "TCMALLOC_", "GLIBC_TUNABLES")


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}


def facts(allocators, missing, rounds, ballast_bytes):
    found = {
        "date": datetime.date.today().isoformat(),
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "memory": f"{proc_figure('/proc/meminfo', 'MemTotal') >> 30} GiB",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "transparent huge pages": selected("/sys/kernel/mm/transparent_hugepage/enabled"),
        "host takes free pages back": page_reporting(),
        "ballast": f"{ballast_bytes >> 20} MiB" if ballast_bytes else "none",
        "rounds": str(rounds),
    }
    for allocator in allocators:
        found[allocator.name] = allocator.version
    if missing:
        found["missing"] = "; ".join(missing)
    return found


def reports_free_pages():
    return os.path.isdir(PAGE_REPORTING)


def page_reporting():
    if not reports_free_pages():
        return "no"
    order = read(f"{PAGE_REPORTING}/parameters/page_reporting_order") or "unknown"
    return f"yes, in runs of 2^{order} pages and more"


def available_bytes():
    return proc_figure("/proc/meminfo", "MemAvailable")


def processor():
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.processor() or "unknown"


def proc_figure(path, key):
    """The kilobytes behind `key:` in bytes; 0 when there is no such line."""
    for line in read(path).splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) << 10
    return 0


def selected(path):
    """The word in brackets of a kernel setting."""
    text = read(path)
    return text[text.find("[") + 1:text.find("]")] if "[" in text else "unknown"


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""
