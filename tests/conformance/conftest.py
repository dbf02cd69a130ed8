"""PyTorch and Keras as the tests want them.

PyTorch on one thread, since pytest runs as many workers as there are cores; Keras on PyTorch, with
its own settings and not those of the user's home.
"""

import atexit
import os
import shutil
import tempfile

import torch

torch.set_num_threads(1)
os.environ["KERAS_BACKEND"] = "torch"
os.environ["KERAS_HOME"] = tempfile.mkdtemp(prefix="keras-")
atexit.register(shutil.rmtree, os.environ["KERAS_HOME"], ignore_errors=True)
