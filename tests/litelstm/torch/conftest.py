"""One thread: tests run side by side, and a sum's last bits depend on the number of threads."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
