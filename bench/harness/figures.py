"""Medians and ratios. A ratio is taken between two samples of one pairing, so
that a drift of the machine hits both; the figure is the median of the ratios."""

import re
import statistics
from collections import defaultdict
from dataclasses import dataclass

from . import jobs


@dataclass(frozen=True)
class Spread:
    median: float
    low: float  # the quartiles
    high: float

    @staticmethod
    def of(values):
        if len(values) < 2:
            return Spread(values[0], values[0], values[0])
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        return Spread(middle, low, high)


class Figures:
    def __init__(self, samples, moments=()):
        self.samples = samples
        self.moments = moments
        self.by_name = defaultdict(dict)
        for sample in samples:
            name = (sample.key, sample.allocator, sample.is_reference)
            self.by_name[name][sample.pairing] = sample

    def keys(self):
        """(name, size) of everything that was run, in the order of the jobs."""
        order = jobs.names()
        places = {sample.key: order.index(sample.workload) for sample in self.samples}
        return sorted(places, key=lambda key: (places[key], natural(key[0]), key[1]))

    def sizes(self, workload):
        return [size for name, size in self.keys() if name == workload]

    def allocators(self, key):
        return {sample.allocator for sample in self.samples if sample.key == key}

    def values(self, key, allocator, attribute, reference=False):
        taken = self.by_name.get((key, allocator, reference), {})
        return [getattr(sample, attribute) for sample in taken.values()]

    def median(self, key, allocator, attribute, reference=False):
        values = self.values(key, allocator, attribute, reference)
        return statistics.median(values) if values else None

    def ratio(self, key, allocator, base, attribute="ns"):
        """Time under `allocator` over time under `base`."""
        return self.ratio_between(key, allocator, key, base, attribute)

    def ratio_between(self, key, allocator, other_key, other, attribute="ns"):
        return self.compare(self.by_name.get((key, allocator, False), {}),
                            self.by_name.get((other_key, other, False), {}), ratio_of, attribute)

    def excess(self, key, allocator, base):
        """Time under `allocator` less time under `base`."""
        return self.compare(self.by_name.get((key, allocator, False), {}),
                            self.by_name.get((key, base, False), {}), difference_of)

    def ratio_to_reference(self, key, allocator):
        """Time of the workload over time of what it measures beside."""
        return self.compare(self.by_name.get((key, allocator, False), {}),
                            self.by_name.get((key, allocator, True), {}), ratio_of)

    def excess_over_reference(self, key, allocator):
        return self.compare(self.by_name.get((key, allocator, False), {}),
                            self.by_name.get((key, allocator, True), {}), difference_of)

    @staticmethod
    def compare(ours, theirs, combine, attribute="ns"):
        pairs = [combine(getattr(ours[pairing], attribute), getattr(theirs[pairing], attribute))
                 for pairing in ours if pairing in theirs]
        return Spread.of(pairs) if pairs else None


def natural(name):
    """Sorts `2-threads` before `16-threads`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def ratio_of(ours, theirs):
    return ours / theirs


def difference_of(ours, theirs):
    return ours - theirs
