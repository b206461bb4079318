"""Values of a frame on their way to the page: as steps from one to the next, which compress to less than half."""

import gzip

import numpy as np
from numpy.typing import NDArray

DTYPE = "<i2"
NAME = "steps"


def folded(values: NDArray[np.int16]) -> bytes:
    """Gzip of: each value less the one before it (row by row, the first less 0; modulo 2^16), folded so that small
    steps down are small numbers too (0, -1, 1, -2 ... become 0, 1, 2, 3 ...); all low bytes, then all high bytes.

    static/js/viewer/steps.js undoes it. As long as the values before gzip.
    """
    flat = np.ascontiguousarray(values, DTYPE).ravel()
    steps = flat.copy()
    steps[1:] -= flat[:-1]
    numbers = (steps.view("<u2") << 1) ^ (steps >> 15).view("<u2")
    return gzip.compress(numbers.view("u1").reshape(-1, 2).T.tobytes(), 1, mtime=0)
