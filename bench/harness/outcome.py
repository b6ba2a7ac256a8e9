"""How a process ended, and what weir reported of it."""

import json
import subprocess


class Failure(Exception):
    pass


def ending(status):
    return f"killed by signal {-status}" if status < 0 else f"ended with status {status}"


def output_of(command, timeout_s, **options):
    """What a command prints that belongs to a run, but is not measured."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s,
                              check=False, **options)
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]}: still running after {timeout_s} s") from None
    if done.returncode != 0:
        raise Failure(f"{command[0]}: {ending(done.returncode)}; {done.stderr.strip()}")
    return done.stdout


def read_report(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise Failure(f"no report from weir: {error}") from None
