"""The command `weir` as it was built, for what holds its figures against others."""

import json
import os
import subprocess

from .outcome import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def find():
    places = [os.path.join(root, path) for root in (os.curdir, ROOT) for path in ("build/weir", "weir")]
    found = next((place for place in places if os.access(place, os.X_OK) and
                  os.path.isfile(place)), None)
    if found is None:
        raise Failure("the command weir is not built")
    return os.path.abspath(found)


def ask(*arguments, **options):
    """The JSON object that it prints."""
    done = subprocess.run([find(), *arguments], stdout=subprocess.PIPE, text=True, check=False,
                          **options)
    if done.returncode != 0:
        raise Failure(f"weir {arguments[0]} ended with exit status {done.returncode}")
    return json.loads(done.stdout)


def runs_of(compared, contender, measure):
    """The values of a measure by round."""
    return next(each for each in compared["contenders"] if each["name"] == contender)[measure]["runs"]
