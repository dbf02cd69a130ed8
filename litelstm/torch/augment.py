"""Random augmentation of training samples, different for every batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SHIFT, ROTATE, SCALE = 2.0, 10.0, 0.1
"""Limits for images: pixels, degrees and relative size, each +/- and uniform."""

NOISE = 0.02
"""Noise of features: standard deviation relative to the batch's largest value."""

STRETCH, GAIN, MASK = 0.1, 0.1, 0.15
"""Limits for spectra: relative tempo and gain, +/- and uniform; longest silenced part."""


def images(x: Tensor) -> Tensor:
    """Shift, turn and resize every image of a batch (batch, rows, columns) differently."""
    batch, rows, columns = x.shape

    def uniform(limit: float) -> Tensor:
        return (torch.rand(batch) * 2 - 1) * limit

    angle = uniform(math.radians(ROTATE))
    size = 1 + uniform(SCALE)
    cos, sin = torch.cos(angle) / size, torch.sin(angle) / size
    dx, dy = uniform(SHIFT * 2 / columns), uniform(SHIFT * 2 / rows)
    theta = torch.stack([cos, -sin, dx, sin, cos, dy], dim=1).view(batch, 2, 3)
    grid = nn.functional.affine_grid(theta, [batch, 1, rows, columns], align_corners=False)
    return nn.functional.grid_sample(x[:, None], grid, align_corners=False)[:, 0]


def spectra(x: Tensor) -> Tensor:
    """Stretch, shift, amplify and partly silence every sequence (batch, steps, features)."""
    batch, steps, _ = x.shape

    def uniform(limit: float) -> Tensor:
        return (torch.rand(batch) * 2 - 1) * limit

    tempo, shift = 1 + uniform(STRETCH), uniform(STRETCH) * steps
    times = torch.arange(steps)[None] * tempo[:, None] + shift[:, None]
    times = times.round().long().clamp(0, steps - 1)
    x = x.gather(1, times[:, :, None].expand_as(x)) * (1 + uniform(GAIN))[:, None, None]
    start = torch.rand(batch) * steps
    length = torch.rand(batch) * MASK * steps
    at = torch.arange(steps)[None]
    silent = (at >= start[:, None]) & (at < (start + length)[:, None])
    return x.masked_fill(silent[:, :, None], 0.0)


def features(x: Tensor) -> Tensor:
    """Add a little noise to every feature that is not zero."""
    return torch.where(x == 0, x, x + torch.randn_like(x) * NOISE * x.abs().max())


AUGMENTATIONS = {"none": lambda x: x, "images": images, "spectra": spectra, "features": features}
"""Augmentations by name."""
