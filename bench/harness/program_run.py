"""Runs a real program under an allocator and takes its sample from outside."""

import contextlib
import hashlib
import os
import resource
import socket
import subprocess
import tempfile
import threading
import time

from . import machine, programs, samples
from .outcome import Failure, ending, output_of, read_report

TIMEOUT_S = 120
START_TIMEOUT_S = 10
POLL_S = 0.01
# Settings of the programs that would make a run something else than the defaults.
SETTINGS = ("NUMPY_", "OMP_", "MAGICK_", "NODE_", "UV_", "VIPS_")


class Programs:
    def __init__(self, paths, services, quick):
        self.paths = paths
        self.services = services
        self.quick = quick
        self.results = {}  # (program, as a service) -> digest; under every allocator the same

    def run(self, program, allocator, settings, known):
        """The sample of one run, with the names and values of `known`."""
        path = self.paths[program.name]
        arguments = program.arguments(programs.input_directory(program, path),
                                      program.amount_of(self.quick))
        with tempfile.TemporaryDirectory() as directory:
            report = os.path.join(directory, "report.json")
            work = os.path.join(directory, "work")
            os.mkdir(work)
            environment = environment_of(program, allocator, settings, report)
            figures = self.take(program, [path, *arguments], environment, work)
            if not program.load:  # which looks at the replies itself
                self.compare(program, work)
            if allocator.is_weir:
                figures["peak_retained_bytes"] = peak_retained_bytes(report)
        return samples.parse(samples.Sample, {**figures, **known, "variant": program.variant})

    def take(self, program, command, environment, work):
        if program.serves:
            return self.services.measure(command, environment, work,
                                         program.amount_of(self.quick))
        return measure(command, environment, work, self.load_of(program))

    def load_of(self, program):
        return program.load and program.load(program.amount_of(self.quick))

    def compare(self, program, work):
        made = digest_of(work)
        if self.results.setdefault((program.name, program.serves), made) != made:
            raise Failure("it made something else than in its first run")


def environment_of(program, allocator, settings, report):
    environment = {name: value for name, value in machine.clean_environment().items()
                   if not name.startswith(SETTINGS)}
    environment.update(program.environment)
    if allocator.preload:
        environment["LD_PRELOAD"] = ":".join(allocator.preload)
    if allocator.is_weir:
        environment["WEIR_REPORT"] = f"exit:{report}"
    environment.update(settings)
    return environment


def peak_retained_bytes(report):
    figures = read_report(report)
    if not figures["requests"]:
        raise Failure("weir was loaded but served no request")
    return figures["peak_retained_bytes"]


def digest_of(directory):
    """Of all regular files, the program's output among them."""
    digest = hashlib.sha256()
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.is_file():
            with open(entry.path, "rb") as file:
                digest.update(entry.name.encode() + b"\0" + file.read())
    return digest.digest()


def measure(command, environment, directory, load):
    """The figures of one process; those of a server are taken while it still runs."""
    with open(os.path.join(directory, "output"), "wb") as output, \
            tempfile.TemporaryFile() as errors:
        begin_ns = time.monotonic_ns()
        child = subprocess.Popen(command, env=environment, cwd=directory, stdout=output,
                                 stderr=errors, stdin=subprocess.DEVNULL)
        try:
            served = serve(child, load, directory) if load else {}
        except BaseException:
            child.kill()
            raise
        finally:
            usage = wait(child)
        ns = time.monotonic_ns() - begin_ns
        errors.seek(0)
        check(child.returncode, errors.read().decode(errors="replace").strip())
    return {**figures_of(usage, ns), **served}


def wait(child):
    """What the kernel tells of it; it is ended where it takes too long."""
    alarm = threading.Timer(TIMEOUT_S, child.kill)
    alarm.start()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    alarm.cancel()
    return usage


def check(status, said):
    if status != 0 or "cannot be preloaded" in said:
        raise Failure(f"{ending(status)}; {said or 'no message'}")


def figures_of(usage, ns):
    user_us, system_us = (round(s * 1e6) for s in (usage.ru_utime, usage.ru_stime))
    return {"size_bytes": 0, "operations": 1, "ns": ns, "cpu_ns": (user_us + system_us) * 1000,
            "user_us": user_us, "system_us": system_us, "minor_faults": usage.ru_minflt,
            "peak_rss_bytes": peak_of(usage), "rss_bytes": 0, "kept_bytes": 0, "left_bytes": 0}


def peak_of(usage):
    """ru_maxrss begins at the peak of the process that called exec: this one's."""
    if usage.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        raise Failure("its peak resident size is hidden by that of bench/run")
    return usage.ru_maxrss << 10


def serve(server, load, directory):
    """Puts the load on a redis server, looks at its memory, and asks it to end."""
    path = os.path.join(directory, "socket")
    connect(path).close()
    said = output_of(load, TIMEOUT_S, cwd=directory, env=machine.clean_environment())
    status = f"/proc/{server.pid}/status"
    figures = {"peak_rss_bytes": machine.proc_figure(status, "VmHWM"),
               "rss_bytes": machine.proc_figure(status, "VmRSS"),
               "ns": int(said.partition("ns=")[2])}
    with connect(path) as connection:
        connection.sendall(b"SHUTDOWN NOSAVE\r\n")
    return figures


def connect(path):
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        connection = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            connection.connect(path)
            return connection
        connection.close()
        time.sleep(POLL_S)
    raise Failure("the server does not answer")
