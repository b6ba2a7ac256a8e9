#!/usr/bin/python3
"""numpy arrays in memory that is leased from a pool, and goes back to it with the last view."""
import ctypes
import os
import weakref

import numpy as np

# Where libweir.so is preloaded, its functions are there already.
weir = ctypes.CDLL(None, use_errno=True)
if not hasattr(weir, "weir_lease"):
    weir = ctypes.CDLL("libweirpool.so.0", use_errno=True)
weir.weir_pool_create.restype = ctypes.c_void_p
weir.weir_pool_create.argtypes = [ctypes.c_void_p]
weir.weir_lease.restype = ctypes.c_void_p
weir.weir_lease.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint]
weir.weir_return.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
weir.weir_pool_release.restype = ctypes.c_size_t
weir.weir_pool_release.argtypes = [ctypes.c_void_p]
weir.weir_pool_dispose.restype = ctypes.c_size_t
weir.weir_pool_dispose.argtypes = [ctypes.c_void_p]


class Pool:
    def __init__(self):
        self.handle = self.checked(weir.weir_pool_create(None))

    @staticmethod
    def checked(pointer):
        if pointer is None:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return pointer

    def empty(self, shape, dtype=float):
        """As numpy.empty. Every view keeps the buffer, and the buffer keeps the block."""
        count = int(np.prod(shape))
        bytes_ = max(1, count * np.dtype(dtype).itemsize)
        block = self.checked(weir.weir_lease(self.handle, bytes_, 0))
        buffer = (ctypes.c_char * bytes_).from_address(block)
        weakref.finalize(buffer, weir.weir_return, self.handle, block)
        return np.frombuffer(buffer, dtype, count).reshape(shape)

    def release(self):
        """Gives back what is kept; says how many bytes that were."""
        return weir.weir_pool_release(self.handle)

    def dispose(self):
        """How many blocks are still leased; those go back when their arrays die."""
        return weir.weir_pool_dispose(self.handle)


def main():
    pool = Pool()
    places = set()
    for step in range(10):
        image = pool.empty((1000, 1000))
        image[:] = step
        places.add(image.ctypes.data)
        row = image[500]
        del image
        assert row.sum() == 1000 * step
        del row
    print(len(places), "place for 10 arrays, one after the other")
    print(pool.release() // 1000000, "MB kept")

    last = pool.empty(1000, np.uint8)
    print(pool.dispose(), "block out")
    last[:] = 1
    print("still good:", last.sum())


main()
