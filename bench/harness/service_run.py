"""Runs a real program as a service: started, a burst of requests, idle, the next burst.
The services of all allocators run at once; bursts take turns, so that idling costs the
benchmark no time."""

import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

from . import machine
from .outcome import Failure, output_of
from .program_run import check

IDLE_S = 15
LIFE_S = 600  # of a service; the others' bursts are in it
BACK_TIMEOUT_S = 60
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Use:
    """Of a process, all its threads, since it started."""
    wall_ns: int
    user_ticks: int
    system_ticks: int
    minor_faults: int

    @staticmethod
    def of(process):
        fields = machine.read(f"/proc/{process}/stat").rpartition(")")[2].split()
        return Use(time.monotonic_ns(), int(fields[11]), int(fields[12]), int(fields[7]))


class Services:
    def __init__(self, bench, backed_bytes):
        self.bench = bench  # weir-bench
        self.backed_bytes = backed_bytes
        self.turn = threading.Lock()

    def measure(self, command, environment, directory, requests):
        """The figures of one service: time and faults are those of its second burst."""
        with Service(command, environment, directory) as service:
            start_bytes = service.resident_bytes()
            self.burst(service, requests)
            burst_bytes = service.resident_bytes()
            time.sleep(IDLE_S)
            left_bytes = service.resident_bytes()
            used = self.burst(service, requests)
        return {**used, "size_bytes": 0, "operations": 1, "rss_bytes": start_bytes,
                "peak_rss_bytes": service.peak_bytes, "kept_bytes": burst_bytes - start_bytes,
                "left_bytes": left_bytes - start_bytes}

    def burst(self, service, requests):
        with self.turn:
            self.back_free_memory()
            before = Use.of(service.process)
            service.ask(requests)
            after = Use.of(service.process)
        user, system = (after.user_ticks - before.user_ticks,
                        after.system_ticks - before.system_ticks)
        return {"ns": after.wall_ns - before.wall_ns, "cpu_ns": (user + system) * TICK_NS,
                "user_us": user * TICK_NS // 1000, "system_us": system * TICK_NS // 1000,
                "minor_faults": after.minor_faults - before.minor_faults}

    def back_free_memory(self):
        """Or else the burst's first touches would be measured at the host's price."""
        if self.backed_bytes:
            output_of([self.bench, "--back", str(self.backed_bytes)], BACK_TIMEOUT_S,
                      env=machine.clean_environment())


class Service:
    """It prints a line when it has started, and one after each burst."""

    def __init__(self, command, environment, directory):
        self.output_path = os.path.join(directory, "output")
        self.errors = tempfile.TemporaryFile()
        self.child = subprocess.Popen(command, env=environment, cwd=directory, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=self.errors)
        self.process = self.child.pid
        self.alarm = threading.Timer(LIFE_S, self.child.kill)
        self.peak_bytes = 0

    def __enter__(self):
        self.alarm.start()
        try:
            self.hear()
        except Failure:
            self.alarm.cancel()
            raise
        return self

    def __exit__(self, kind, *_):
        self.peak_bytes = machine.proc_figure(f"/proc/{self.process}/status", "VmHWM")
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()
        self.alarm.cancel()
        if kind is None:
            check(self.child.returncode, self.said())

    def ask(self, requests):
        self.child.stdin.write(f"{requests}\n")
        self.child.stdin.flush()
        self.hear()

    def hear(self):
        line = self.child.stdout.readline()
        if not line:
            raise Failure(f"the service ended: {self.said() or 'no message'}")
        with open(self.output_path, "a", encoding="utf-8") as output:
            output.write(line)

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()

    def resident_bytes(self):
        return machine.proc_figure(f"/proc/{self.process}/smaps_rollup", "Rss")
