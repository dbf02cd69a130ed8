"""One thread for PyTorch: pytest runs as many workers as there are cores."""

import torch

torch.set_num_threads(1)
