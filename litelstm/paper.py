"""Table 1 of the LiteLSTM paper: its equations counted by hand, and the table as printed.

Elsayed, ElSayed, Maida, "LiteLSTM Architecture Based on Weights Sharing for Recurrent Neural
Networks", 2023.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Counts of a cell's equations, as the paper prints them.

    Attributes:
        sigmoids, tanhs: activations per unit and step; each sigmoid belongs to a gate.
        on_x, on_state: weight matrices that multiply x, and h or c.
        vectors: diagonal weights.
        biases: bias vectors.
        products: element-wise products per unit and step.
        notes: differences from the paper's table, or from the core.
    """

    sigmoids: int
    tanhs: int
    on_x: int
    on_state: int
    vectors: int = 0
    biases: int
    products: int
    notes: tuple[str, ...] = ()

    @property
    def matrices(self) -> int:
        """Weight matrices."""
        return self.on_x + self.on_state

    @property
    def shares(self) -> bool:
        """Whether a gate, and so its weights, serves more than one product."""
        return self.products - self.vectors > self.sigmoids

    def parameters(self, inputs: int, units: int) -> int:
        """Trained numbers of a layer."""
        columns = self.on_x * inputs + self.on_state * units + self.vectors + self.biases
        return units * columns


PAPER = {
    "rnn": Paper(
        sigmoids=0,
        tanhs=1,
        on_x=1,
        on_state=1,
        biases=1,
        products=0,
        notes=("RNN: Table 1 says two element-wise products; eq. (1) has none.",),
    ),
    "gru": Paper(
        sigmoids=2,
        tanhs=1,
        on_x=3,
        on_state=3,
        biases=3,
        products=3,
        notes=(
            "GRU: eqs. (16) and (17) have three products, r * h, (1 - z) * h and z * n; the core "
            "computes (17) as h + z * (n - h), the same number with one product less.",
        ),
    ),
    "lstm": Paper(sigmoids=3, tanhs=2, on_x=4, on_state=4, biases=4, products=3),
    "plstm": Paper(
        sigmoids=3,
        tanhs=2,
        on_x=4,
        on_state=4,
        vectors=3,
        biases=4,
        products=6,
        notes=("pLSTM: Table 1 counts the three diagonals among its eleven matrices.",),
    ),
    "litelstm": Paper(
        sigmoids=1,
        tanhs=2,
        on_x=2,
        on_state=3,
        biases=2,
        products=3,
        notes=(
            "LiteLSTM: eqs. (18) and (22) have five matrices, W_fx, U_fh, W_fc, W_gx and U_gh; "
            "Table 1 says six.",
            "LiteLSTM: eqs. (24) and (25) as printed have three products, f * c, f * g and "
            "f * tanh(c); the core computes (24) as f * (c + g), the same number.",
        ),
    ),
}
"""The paper's cells in the order of its table."""


@dataclass(frozen=True, kw_only=True)
class Printed:
    """One cell in the paper's Table 1.

    Attributes:
        gates: number of gates.
        activations: activations per unit and step, without the gates'.
        memory, peephole: whether there is a c, and whether a gate reads it.
        matrices: weight matrices.
        products: element-wise products.
        biases: bias vectors.
        shares: whether weights are shared.
    """

    gates: int
    activations: int
    memory: bool
    peephole: bool
    matrices: int
    products: int
    biases: int
    shares: bool


def _columns(**rows: tuple[int, ...]) -> dict[str, Printed]:
    """Turn the rows of Table 1, in the order of ``PAPER``, into columns by cell."""
    columns = zip(*rows.values(), strict=True)
    cells = [Printed(**dict(zip(rows, column, strict=True))) for column in columns]
    return dict(zip(PAPER, cells, strict=True))


TABLE_1 = _columns(
    gates=(0, 2, 3, 3, 1),
    activations=(1, 1, 2, 2, 2),
    memory=(False, False, True, True, True),
    peephole=(False, False, False, True, True),
    matrices=(2, 6, 8, 11, 6),
    products=(2, 3, 3, 6, 3),
    biases=(1, 3, 4, 4, 2),
    shares=(False, True, False, False, True),
)
"""The paper's Table 1 as printed there, by cell."""
