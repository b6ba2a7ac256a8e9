#!/usr/bin/python3
"""Develops raw photographs: a plain numpy program that knows nothing of weir.

usage: develop.py WIDTH HEIGHT

Reads names of raw files from stdin, one a line: WIDTH x HEIGHT 16-bit samples
behind a Bayer filter (RGGB). For each it writes the picture beside it, as .ppm,
and prints the SHA-256 of what it wrote.
"""
import hashlib
import sys

import numpy as np

WHITE_BALANCE = (1.9, 1.0, 1.5)
SHARPENING = 0.6
GAMMA = 1 / 2.2


def spread(samples):
    """Fills the places where a plane has no sample from its neighbours."""
    rows = samples + (np.roll(samples, 1, axis=1) + np.roll(samples, -1, axis=1)) / 2
    return rows + (np.roll(rows, 1, axis=0) + np.roll(rows, -1, axis=0)) / 2


def demosaic(mosaic):
    """Red, green and blue planes from the samples behind the Bayer filter."""
    planes = []
    for places in ([(0, 0)], [(0, 1), (1, 0)], [(1, 1)]):
        samples = np.zeros_like(mosaic)
        for row, column in places:
            samples[row::2, column::2] = mosaic[row::2, column::2]
        planes.append(spread(samples) / len(places))
    return planes


def blur(plane):
    """The mean of 3 x 3 samples."""
    rows = plane + np.roll(plane, 1, axis=0) + np.roll(plane, -1, axis=0)
    return (rows + np.roll(rows, 1, axis=1) + np.roll(rows, -1, axis=1)) / 9


def finish(plane, gain):
    balanced = plane * gain
    sharp = balanced + (balanced - blur(balanced)) * SHARPENING
    return (np.clip(sharp, 0, 1) ** GAMMA * 255).astype(np.uint8)


def develop(path, width, height):
    raw = np.fromfile(path, dtype=np.uint16).reshape(height, width)
    mosaic = raw.astype(np.float32) / 65535
    planes = [finish(*pair) for pair in zip(demosaic(mosaic), WHITE_BALANCE)]
    return b"P6 %d %d 255\n" % (width, height) + np.stack(planes, axis=-1).tobytes()


def main():
    width, height = int(sys.argv[1]), int(sys.argv[2])
    for line in sys.stdin:
        path = line.rstrip("\n")
        picture = develop(path, width, height)
        with open(path + ".ppm", "wb") as out:
            out.write(picture)
        print(hashlib.sha256(picture).hexdigest(), flush=True)
        del picture


main()
