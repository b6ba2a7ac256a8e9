"""Runs the jobs: every allocator in turn, in a new order each time."""

import concurrent.futures
import contextlib
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from . import jobs, machine, samples
from .outcome import Failure, ending, read_report

TIMEOUT_S = 120
SEED = 20  # the order is shuffled, but the same in every run


@dataclass(frozen=True)
class Run:
    """One process."""
    job: jobs.Job
    allocator: object
    setting: object  # of weir; or None
    round: int
    repeat: int

    def known(self):
        """What the sample has beside the figures that weir-bench prints."""
        return {"round": self.round, "repeat": self.repeat, "allocator": self.allocator.name,
                "workload": self.job.name}


class Runner:
    def __init__(self, program, programs, quick):
        self.program = program
        self.programs = programs  # the real ones
        self.quick = quick
        self.environment = machine.clean_environment()
        self.failures = []
        self.moments = []  # of the first round
        self.peaks = {}  # job -> bytes

    def run(self, chosen, allocators, rounds):
        """All samples. A job that fails is reported and leaves no sample."""
        order = random.Random(SEED)
        taken = []
        for round_number in range(rounds):
            print(f"round {round_number + 1} of {rounds}", file=sys.stderr)
            due_jobs = [job for job in chosen if round_number == 0 or not job.once]
            for job in order.sample(due_jobs, len(due_jobs)):
                users = job.users(allocators)
                for repeat in range(job.repeats):
                    due = [Run(job, allocator, setting, round_number, repeat)
                           for allocator, setting in order.sample(users, len(users))]
                    taken += self.run_all(due, job.together)
        return taken

    def run_all(self, runs, together):
        if not together:
            return [sample for run in runs for sample in self.try_run(run)]
        with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
            return [sample for taken in pool.map(self.try_run, runs) for sample in taken]

    def try_run(self, run):
        try:
            return self.run_once(run)
        except Failure as failure:
            line = f"{run.job.name} {run.job.size_bytes or ''} under {run.allocator.name}: " \
                   f"{failure}"
            self.failures.append(line)
            print(f"bench/run: {line}", file=sys.stderr)
            return []

    def run_once(self, run):
        taken = self.samples_of(run)
        for sample in taken if run.setting else ():
            sample.variant = run.setting.name(sample.variant)
        return taken

    def samples_of(self, run):
        if run.job.program:
            return [self.programs.run(run.job.program, run.allocator, self.settings_of(run),
                                      run.known())]
        reporting = run.job.report and run.allocator.is_weir
        with tempfile.TemporaryDirectory() as directory:
            report_path = os.path.join(directory, "report.json")
            environment = self.environment_of(run)
            if reporting:
                environment["WEIR_REPORT"] = f"exit:{report_path}"
            lines = self.start(run.job.arguments, run.allocator, environment).splitlines()
            known = run.known()
            if reporting:
                known["peak_retained_bytes"] = read_report(report_path)["peak_retained_bytes"]
        if run.round == 0 and run.repeat == 0:
            self.moments += [samples.parse_line(samples.Moment, line, allocator=run.allocator.name)
                             for line in lines if line.startswith("moment=")]
        return [samples.parse_line(samples.Sample, line, **known)
                for line in lines if line.startswith("workload=")]

    def environment_of(self, run):
        return {**self.environment, **self.settings_of(run)}

    def settings_of(self, run):
        """What weir is told; other allocators keep their defaults."""
        settings = dict(run.job.environment) if run.allocator.is_weir else {}
        if run.setting:
            settings.update(run.setting.environment)
            if run.setting.cap:
                settings["WEIR_FOOTPRINT"] = str(
                    int(run.setting.cap * self.peak_live_bytes(run.job)))
        return settings

    def peak_live_bytes(self, job):
        """Which is the same under every allocator: told by a run under the C library's."""
        if job not in self.peaks:
            line = self.start(job.arguments, None, dict(self.environment)).splitlines()[0]
            values = dict(pair.split("=", 1) for pair in line.split())
            self.peaks[job] = int(values["peak_live_bytes"])
        return self.peaks[job]

    def start(self, arguments, allocator, environment):
        if allocator and allocator.preload:
            environment["LD_PRELOAD"] = ":".join(allocator.preload)
        command = [self.program, *(["--quick"] if self.quick else []), *arguments]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True,
                                  timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise Failure(f"still running after {TIMEOUT_S} s") from None
        if done.returncode != 0:
            raise Failure(f"{ending(done.returncode)}; {done.stderr.strip() or 'no message'}")
        if "cannot be preloaded" in done.stderr:
            raise Failure(done.stderr.strip())
        return done.stdout

    def weir_version(self, allocator):
        """What weir says of itself; fails where it did not serve the block it was asked for."""
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "report.json")
            self.start(["bare"], allocator, {**self.environment, "WEIR_REPORT": f"exit:{path}"})
            report = read_report(path)
        if not report["requests"]:
            raise Failure("weir was loaded but served no request")
        return report["version"]


@contextlib.contextmanager
def ballast(program, ballast_bytes):
    """Free, backed guest memory in pieces for as long as the benchmark runs."""
    if not ballast_bytes:
        yield
        return
    with subprocess.Popen([program, "--ballast", str(ballast_bytes)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, env=machine.clean_environment()) as holder:
        if not holder.stdout.readline():
            raise Failure("the ballast could not be had; see --ballast")
        yield
        holder.stdin.close()
