"""Finds the allocators that can be preloaded on this machine."""

import os
import subprocess
from dataclasses import dataclass

# Library names in the order of preference; the first one installed is taken.
PEERS = {
    "jemalloc": ["libjemalloc.so.2", "libjemalloc.so.1"],
    "mimalloc": ["libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so"],
    "tcmalloc": ["libtcmalloc_minimal.so.4", "libtcmalloc.so.4"],
}
NAMES = ["glibc", *PEERS, "weir", "weir+jemalloc"]


@dataclass(frozen=True)
class Allocator:
    name: str
    preload: tuple  # paths, in the order of LD_PRELOAD
    version: str

    @property
    def is_weir(self):
        return self.name.startswith("weir")


def find(weir_library, wanted=NAMES):
    """The wanted allocators that are installed, and a line for each that is not."""
    installed = installed_libraries()
    found, missing = [], []
    for name in wanted:
        parts = [locate(part, weir_library, installed) for part in name.split("+")]
        absent = [part for part, path in zip(name.split("+"), parts) if path is None]
        if absent:
            missing.append(f"{name}: no {' and no '.join(absent)} found")
            continue
        preload = tuple(path for path in parts if path)
        versions = [version_of(part, path) for part, path in zip(name.split("+"), parts)]
        found.append(Allocator(name, preload, " + ".join(versions)))
    return found, missing


def locate(part, weir_library, installed):
    """The library to preload; empty for the C library's own allocator."""
    if part == "glibc":
        return ""
    if part == "weir":
        return weir_library if weir_library and os.path.exists(weir_library) else None
    return next((installed[name] for name in PEERS[part] if name in installed), None)


def installed_libraries():
    """Library name -> path, as the dynamic linker sees it."""
    paths = {}
    for line in output_of(["/sbin/ldconfig", "-p"]).splitlines():
        name, arrow, path = line.partition(" => ")
        if arrow:
            paths.setdefault(name.split()[0], path.strip())
    return paths


def version_of(part, path):
    if part == "glibc":
        return output_of(["getconf", "GNU_LIBC_VERSION"]).strip()
    if part == "weir":
        return "weir"
    return package_version(path) or os.path.basename(os.path.realpath(path))


def package_version(path):
    """`package version` by dpkg; empty where there is no dpkg."""
    for candidate in (os.path.realpath(path), path.replace("/lib/", "/usr/lib/", 1)):
        package = output_of(["dpkg-query", "-S", candidate]).partition(": ")[0]
        if package:
            return output_of(["dpkg-query", "-W", "-f", "${Package} ${Version}", package])
    return ""


def output_of(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
