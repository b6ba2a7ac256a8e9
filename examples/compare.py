#!/usr/bin/python3
"""Shows what weir does for an unmodified program: scripts/demo runs this.

usage: compare.py LIBRARY COMMAND

Makes raw photographs, lets develop.py develop them, once plain and once with
LIBRARY preloaded, and prints what both runs took. Then, while the second one
waits for its next photograph, has COMMAND (weir) release what it retains.
"""
import array
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time

WIDTH, HEIGHT = 3000, 2000
PHOTOS = 8
KIB, MIB = 1 << 10, 1 << 20


def make_photo(path, seed):
    """A lit slope with a ripple and the noise of a sensor."""
    chance = random.Random(seed)
    noise = array.array("H", chance.randbytes(2 * WIDTH))
    ripple = [20000 + int(12000 * math.sin(x / (40 + seed))) for x in range(WIDTH)]
    with open(path, "wb") as out:
        for y in range(HEIGHT):
            light = 25000 * y // HEIGHT
            shift = chance.randrange(WIDTH)
            row = zip(ripple, noise[shift:] + noise[:shift])
            out.write(array.array("H", [light + wave + (grain >> 5) for wave, grain in row]))


class Run:
    """develop.py over all photographs, up to where it waits for the next one."""

    def __init__(self, photos, environment):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "develop.py")
        begin = time.monotonic()
        self.process = subprocess.Popen(
            ["/usr/bin/python3", program, str(WIDTH), str(HEIGHT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.pictures = [self.develop(path) for path in photos]
        self.wall = time.monotonic() - begin
        self.read_usage()

    def develop(self, path):
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()
        picture = self.process.stdout.readline()
        if not picture:
            sys.exit("develop.py failed:\n" + self.process.stderr.read())
        return picture

    def read_proc(self, name):
        with open(f"/proc/{self.process.pid}/{name}", encoding="ascii") as file:
            return file.read()

    def read_usage(self):
        # Fields count from the state, which follows the name in parentheses.
        fields = self.read_proc("stat").rpartition(")")[2].split()
        self.minor_faults = int(fields[7])
        self.user, self.system = (int(t) / os.sysconf("SC_CLK_TCK") for t in fields[11:13])
        self.peak_bytes = self.memory("VmHWM")

    def memory(self, field):
        return int(re.search(rf"^{field}:\s+(\d+) kB", self.read_proc("status"), re.M)[1]) * KIB

    def ask(self, command, *arguments):
        """What `weir` prints about the process."""
        asked = [command, *arguments, str(self.process.pid)]
        return subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True).stdout

    def retained(self, command):
        return json.loads(self.ask(command, "status", "--json"))["retained_bytes"]

    def close(self):
        self.process.communicate()


def print_row(name, plain, weir, form):
    saved = f"{100 * (weir - plain) / plain:+8.0f} %" if plain else ""
    print(f"  {name:<24}{form(plain):>12}{form(weir):>12}{saved:>12}")


def print_usage(plain, weir):
    def seconds(value):
        return f"{value:.2f} s"

    def mebibytes(value):
        return f"{value / MIB:.0f} MiB"

    print(f"  {'':<24}{'plain':>12}{'weir':>12}{'weir takes':>12}")
    print_row("wall time", plain.wall, weir.wall, seconds)
    print_row("user time", plain.user, weir.user, seconds)
    print_row("system time", plain.system, weir.system, seconds)
    print_row("minor page faults", plain.minor_faults, weir.minor_faults, str)
    print_row("peak resident size", plain.peak_bytes, weir.peak_bytes, mebibytes)


def print_release(weir, command):
    before = weir.memory("VmRSS"), weir.retained(command)
    line = weir.ask(command, "release")
    after = weir.memory("VmRSS"), weir.retained(command)

    print("\nThe program waits for its next photograph. weir release", weir.process.pid)
    print("  " + line)
    print(f"  {'':<24}{'before':>12}{'after':>12}")
    print(f"  {'retained by weir':<24}{before[1] / MIB:>8.0f} MiB{after[1] / MIB:>8.0f} MiB")
    print(f"  {'resident size':<24}{before[0] / MIB:>8.0f} MiB{after[0] / MIB:>8.0f} MiB")


def main():
    library, command = sys.argv[1:]
    behind = os.environ.get("LD_PRELOAD")
    preload = f"{library} {behind}" if behind else library
    with tempfile.TemporaryDirectory() as directory:
        photos = [os.path.join(directory, f"{i}.raw") for i in range(PHOTOS)]
        for seed, path in enumerate(photos):
            make_photo(path, seed)

        print(f"python3 and numpy develop {PHOTOS} raw photographs of {WIDTH} x {HEIGHT}\n")
        plain = Run(photos, {})
        plain.close()
        weir = Run(photos, {"LD_PRELOAD": preload})
        print_usage(plain, weir)
        if plain.pictures != weir.pictures:
            sys.exit("the pictures differ")
        print(f"  {'pictures':<24}{'the same, byte for byte':>24}")
        print_release(weir, command)
        weir.close()


main()
