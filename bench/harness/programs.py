"""The real programs, unmodified: how each is found, what it is given and what it does.
bench/programs has their scripts."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

from .outcome import output_of

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(ROOT, "bench", "programs")
# Where bench/programs/setup puts sharp, and where photographs are kept between runs.
CACHE = os.path.abspath(os.environ.get("BENCH_CACHE") or os.path.join(ROOT, "build", "bench"))
PREPARE_TIMEOUT_S = 300

MAGICK_PHOTOGRAPHS = {"1": "4000x3000", "2": "4900x3266", "3": "6000x4000"}
MAGICK_EDITS = ("-rotate 90 -flop -resize 40% -blur 0x1 -rotate 3 -quality 85").split()
FFMPEG_FILTERS = ("testsrc2=size=3840x2160:rate=25,split[a][b];"
                  "[a]gblur=sigma=1[back];[b]scale=1920:1080,gblur=sigma=2,hue=h=30[front];"
                  "[back][front]overlay=100:100,scale=2560:1440,rotate=0.1,format=yuv420p")


@dataclass(frozen=True)
class Program:
    name: str
    find: object  # () -> path of the program, or None
    version: object  # path -> text
    arguments: object  # (input directory, amount) -> list
    amount: int  # of the work; a few seconds
    quick_amount: int
    prepare: object = None  # (path, directory): makes the input, once for all runs
    load: object = None  # (amount) -> the command that drives a server
    serves: bool = False  # `amount` requests for each line of its input: service_run.py
    variant: str = "program"
    environment: dict = field(default_factory=dict, hash=False)

    @property
    def key(self):
        """Of its samples."""
        plain = self.variant == "program"
        return (f"program-{self.name}" if plain else f"program-{self.name} {self.variant}", 0)

    @property
    def title(self):
        return self.key[0].removeprefix("program-")

    @property
    def judged_by(self):
        """Wall time; but a server's is its client's as well."""
        return "cpu_ns" if self.load else "ns"

    def amount_of(self, quick):
        return self.quick_amount if quick else self.amount


def script(name):
    return os.path.join(SCRIPTS, name)


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else ""


def first_installed(*names):
    """Debian's own names come first: what is called `convert` may be a script."""
    return next(filter(None, map(shutil.which, names)), None)


def python_with_numpy():
    """The program itself: what is called `python3` may be a script that finds it."""
    names = (sys.executable, "/usr/bin/python3", "python3")
    found = (first_line(name, "-c", "import numpy, sys; print(sys.executable)") for name in names)
    return next(filter(None, found), None)


def numpy_version(python):
    return first_line(python, "-c", "import numpy, platform as p; "
                      "print(f'numpy {numpy.__version__}, Python {p.python_version()}')")


def node_with_sharp():
    return shutil.which("node") if os.path.isdir(sharp_directory()) else None


def sharp_directory():
    return os.path.join(CACHE, "node_modules", "sharp")


def sharp_version(node):
    package = os.path.join(sharp_directory(), "package.json")
    return first_line(node, "-p", f"`sharp ${{require('{package}').version}}, "
                      "node ${process.versions.node}`")


def magick_photographs(_, directory):
    convert = first_installed("convert-im6.q16", "convert")
    for name, size in MAGICK_PHOTOGRAPHS.items():
        output_of([convert, "-seed", name, "-size", "1000x750", "plasma:steelblue-sienna",
                   "-attenuate", "0.4", "+noise", "Gaussian", "-resize", f"{size}!",
                   "-quality", "92", os.path.join(directory, f"{name}.jpg")], PREPARE_TIMEOUT_S)


def sharp_photographs(node, directory):
    output_of([node, script("images.js"), "make", directory], PREPARE_TIMEOUT_S,
              env={**os.environ, "SHARP_FROM": CACHE})


def numpy(variant, environment):
    return Program("numpy", python_with_numpy, numpy_version,
                   lambda _, amount: [script("arrays.py"), str(amount)],
                   amount=30, quick_amount=4, variant=variant, environment=environment)


ALL = [
    numpy("program", {}),
    # numpy asks for huge pages itself from 4 MB up.
    numpy("no-huge-pages", {"NUMPY_MADVISE_HUGEPAGE": "0"}),
    Program("imagemagick", lambda: first_installed("mogrify-im6.q16", "mogrify"),
            lambda path: first_line(path, "-version").removeprefix("Version: ").split(" http")[0],
            lambda inputs, amount: ["-path", ".", *MAGICK_EDITS,
                                    *(os.path.join(inputs, f"{name}.jpg")
                                      for name in list(MAGICK_PHOTOGRAPHS)[:amount])],
            amount=3, quick_amount=1, prepare=magick_photographs,
            environment={"MAGICK_CONFIGURE_PATH": SCRIPTS}),
    Program("sharp", node_with_sharp, sharp_version,
            lambda inputs, amount: [script("images.js"), "edit", inputs, str(amount)],
            amount=8, quick_amount=1, prepare=sharp_photographs,
            environment={"SHARP_FROM": CACHE}),
    Program("ffmpeg", lambda: shutil.which("ffmpeg"),
            lambda path: " ".join(first_line(path, "-version").split()[:3]),
            lambda _, amount: ["-v", "error", "-nostdin", "-f", "lavfi", "-i", FFMPEG_FILTERS,
                               "-frames:v", str(amount), "-f", "crc", "-"],
            amount=30, quick_amount=4),
    Program("redis", lambda: shutil.which("redis-server"),
            lambda path: first_line(path, "--version").split(" sha=")[0],
            lambda *_: ["--port", "0", "--unixsocket", "./socket", "--save", "",
                        "--appendonly", "no", "--loglevel", "warning"],
            amount=600, quick_amount=80,
            load=lambda amount: [sys.executable, script("redis-load.py"), "socket", str(amount)]),
]


# Bursts of three to four seconds; sharp edits four photographs a request.
SERVICES = [
    Program("numpy", python_with_numpy, numpy_version,
            lambda *_: [script("arrays.py"), "serve"],
            amount=40, quick_amount=8, variant="numpy", serves=True),
    Program("sharp", node_with_sharp, sharp_version,
            lambda inputs, _: [script("images.js"), "serve", inputs],
            amount=8, quick_amount=2, prepare=sharp_photographs, variant="sharp",
            environment={"SHARP_FROM": CACHE}, serves=True),
]


def installed(wanted):
    """(path by program's name, a line for each that is not installed)"""
    finders = {program.name: program.find for program in wanted}
    found = {name: find() for name, find in finders.items()}
    missing = [f"{name}: not installed" for name, path in found.items() if path is None]
    return {name: path for name, path in found.items() if path}, missing


def facts(paths):
    versions = {program.name: program.version for program in ALL}
    return {f"program-{name}": versions[name](path) for name, path in paths.items()}


def input_directory(program, path):
    """Made at the first use and kept."""
    if program.prepare is None:
        return None
    directory = os.path.join(CACHE, "inputs", program.name)
    if not os.path.isdir(directory):
        unfinished = directory + ".new"
        shutil.rmtree(unfinished, ignore_errors=True)
        os.makedirs(unfinished)
        program.prepare(path, unfinished)
        os.rename(unfinished, directory)
    return directory
