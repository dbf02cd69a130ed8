"""Rounding of rows of weights with compensation, for the least error of what they make.

A row is rounded one column after another, and the error of each is made up for by those that are
still real, as in optimal brain surgery (Hassibi and Stork, 1993) and in GPTQ (Frantar et al.,
2022). Then single weights move until none helps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.cells import Floats
from golden.quantized import Integers

_DAMPING = 0.02
"""Share of the mean second moment that every column gets in addition."""

_SWEEPS = 3
"""Number of times that each weight is tried again."""


@dataclass(frozen=True)
class Moments:
    """Second moments of the derivatives by one gate's weights, bias last, and what rounding needs.

    Neighbouring units may share them: units are dealt to groups in ascending order.

    Attributes:
        order: the order in which columns are rounded.
        second: damped second moments in this order, (groups, columns, columns).
        upper: upper Cholesky factors of their inverses.
    """

    order: Integers
    second: Floats
    upper: Floats

    @classmethod
    def of(cls, second: Floats) -> Moments:
        """Damp and factor second moments (groups, columns, columns), the bias's column last."""
        columns = second.shape[-1]
        mean = np.trace(second, axis1=1, axis2=2)[:, np.newaxis, np.newaxis] / columns
        # Of a unit without influence on the results all columns count the same.
        scaled = second / np.where(mean > 0, mean, 1) + _DAMPING * np.eye(columns)
        power = np.diagonal(scaled, axis1=1, axis2=2).mean(axis=0)
        order = np.append(np.argsort(-power[:-1], kind="stable"), columns - 1)
        scaled = scaled[:, order][:, :, order]
        upper = np.linalg.cholesky(np.linalg.inv(scaled)).transpose(0, 2, 1).astype(np.float64)
        return cls(order, scaled, upper)

    def round(self, weights: Floats, steps: Floats, limit: int) -> Floats:
        """Round the weights of all units.

        Args:
            weights: shape (units, columns), bias last.
            steps: step of each column but the last, which stays real.
            limit: largest integer; the smallest is its negative.

        Returns:
            Integers, and the real bias in the last column.
        """
        order, (units, columns) = self.order, weights.shape
        groups = np.arange(units) * len(self.second) // units
        wanted = weights[:, order]
        step = np.append(steps, 1.0)[order]
        real, made = wanted.copy(), np.zeros_like(wanted)
        for column in range(columns):
            made[:, column] = real[:, column]
            if column < columns - 1:
                made[:, column] = _nearest(real[:, column] / step[column], limit) * step[column]
            row = self.upper[:, column, column:][groups]
            error = (real[:, column] - made[:, column]) / row[:, 0]
            real[:, column:] -= error[:, np.newaxis] * row
        made = self._settled(wanted, made, step, limit, groups)
        result = np.empty_like(made)
        result[:, order] = made / step
        return result

    def _settled(
        self, wanted: Floats, made: Floats, step: Floats, limit: int, groups: Integers
    ) -> Floats:
        """Move each weight to its best number with all others as they are, a few times."""
        last = wanted.shape[1] - 1
        error = wanted - made
        slope = np.empty_like(error)
        for group, second in enumerate(self.second):
            slope[groups == group] = error[groups == group] @ second
        for column in [*range(last + 1)] * _SWEEPS:
            second = self.second[:, column][groups]
            best = made[:, column] + slope[:, column] / second[:, column]
            if column < last:
                best = _nearest(best / step[column], limit) * step[column]
            move = best - made[:, column]
            slope -= move[:, np.newaxis] * second
            made[:, column] = best
        return made


def _nearest(values: Floats, limit: int) -> Floats:
    return np.clip(np.floor(values + 0.5), -limit, limit)
