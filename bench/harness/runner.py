"""Runs the jobs: every allocator in turn, in a new order each time."""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile

from . import machine, samples

TIMEOUT_S = 120
SEED = 20  # the order is shuffled, but the same in every run


class Failure(Exception):
    pass


class Runner:
    def __init__(self, program, quick):
        self.program = program
        self.quick = quick
        self.environment = machine.clean_environment()
        self.failures = []

    def run(self, jobs, allocators, rounds):
        """All samples. A job that fails is reported and leaves no sample."""
        order = random.Random(SEED)
        taken = []
        for round_number in range(rounds):
            print(f"round {round_number + 1} of {rounds}", file=sys.stderr)
            for job in order.sample(jobs, len(jobs)):
                users = [a for a in allocators if a.is_weir or not job.weir_only]
                for repeat in range(job.repeats):
                    for allocator in order.sample(users, len(users)):
                        taken += self.try_job(job, allocator, round_number, repeat)
        return taken

    def try_job(self, job, allocator, round_number, repeat):
        try:
            return self.run_job(job, allocator, round_number, repeat)
        except Failure as failure:
            line = f"{job.name} {job.size_bytes or ''} under {allocator.name}: {failure}"
            self.failures.append(line)
            print(f"bench/run: {line}", file=sys.stderr)
            return []

    def run_job(self, job, allocator, round_number, repeat):
        with tempfile.TemporaryDirectory() as directory:
            report_path = os.path.join(directory, "report.json")
            environment = dict(self.environment)
            if allocator.is_weir:
                environment.update(job.environment)
                if job.report:
                    environment["WEIR_REPORT"] = f"exit:{report_path}"
            output = self.start(job.arguments, allocator, environment)
            known = {"round": round_number, "repeat": repeat, "allocator": allocator.name,
                     "workload": job.name}
            if job.report and allocator.is_weir:
                known["peak_retained_bytes"] = read_report(report_path)["peak_retained_bytes"]
        return [samples.parse_line(line, **known) for line in output.splitlines()]

    def start(self, arguments, allocator, environment):
        if allocator.preload:
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


def read_report(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise Failure(f"no report from weir: {error}") from None


def ending(status):
    return f"killed by signal {-status}" if status < 0 else f"ended with status {status}"


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
