"""Image-like array expressions in numpy, with the temporaries that they make.

usage: arrays.py FRAMES
       arrays.py serve        develops as many frames as each line of stdin says

Each frame has another size, as photographs of several cameras do: 0.3 to 16
million float32 pixels, so that a temporary takes 1 to 64 MB.
"""

import sys

import numpy as np

SEED = 1
PIXELS_MIN, PIXELS_MAX = 250_000, 16_000_000
SMALL_SHAPE = (96, 144)  # of the service's first frame: no temporary reaches 64 KiB


def main():
    if sys.argv[1] == "serve":
        serve()
    else:
        run()


def run():
    random = np.random.default_rng(SEED)
    sensor = random.random(PIXELS_MAX, dtype=np.float32)
    checksum = 0.0
    for _ in range(int(sys.argv[1])):
        height, width = frame_shape(random)
        frame = sensor[:height * width].reshape(height, width)
        checksum += float(develop(frame).mean())
    print(f"{checksum:.3f}")


def serve():
    """A service: between two lines it waits, and keeps no array."""
    answer(develop(np.ones(SMALL_SHAPE, dtype=np.float32)).mean())
    for line in sys.stdin:
        random = np.random.default_rng(SEED)  # so that each burst is the same
        answer(sum(float(develop(received(random)).mean()) for _ in range(int(line))))


def received(random):
    return random.random(frame_shape(random), dtype=np.float32)


def answer(checksum):
    print(f"{checksum:.3f}", flush=True)


def frame_shape(random):
    """Every doubling of the number of pixels alike; sides of 3 to 2."""
    pixels = np.exp(random.uniform(np.log(PIXELS_MIN), np.log(PIXELS_MAX)))
    height = int(np.sqrt(pixels * 2 / 3))
    return height, height * 3 // 2


def develop(raw):
    linear = (raw - 0.02) * 1.6 + 0.01
    blurred = blur(linear)
    sharp = np.clip(linear + 0.7 * (linear - blurred), 0, 1)
    toned = sharp * sharp * (3 - 2 * sharp)
    mask = np.abs(toned - blurred) > 0.05
    return np.where(mask, toned, 0.5 * (toned + blurred)) * falloff(raw.shape)


def blur(image):
    """A box of 3 by 3; the edge wraps around."""
    rows = image + np.roll(image, 1, axis=0) + np.roll(image, -1, axis=0)
    return (rows + np.roll(rows, 1, axis=1) + np.roll(rows, -1, axis=1)) * np.float32(1 / 9)


def falloff(shape):
    """A lens is darker towards the corners."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    return 1 - np.float32(0.3) * (y[:, None] ** 2 + x ** 2)


if __name__ == "__main__":
    main()
