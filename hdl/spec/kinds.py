"""Kinds of jobs: all that decides how a unit's sums become its h, c, r * h or logit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from golden.cells import CELLS, Cell, Dense, cell_options
from golden.formats import Format
from golden.quantized import QuantizedNetwork

_UNUSED = Format(width=2, frac=0)


@dataclass(frozen=True, kw_only=True)
class UpdateKind:
    """Kind of job that the state update is made for; jobs of a kind differ in place and size only.

    Attributes:
        cell: the cell.
        makes: vectors that are written, as in :class:`hdl.cells.Drain`; none if nobody reads h.
        sigmoid: the gate activation, "" of a dense layer that has another.
        formats: of ``pre``, ``gate``, ``h`` and so on; ``out`` is that of an h that nobody reads.
        fracs: of each gate in its slot, fraction bits of its sum.
    """

    cell: Cell
    makes: tuple[str, ...]
    sigmoid: str
    formats: tuple[tuple[str, Format], ...]
    fracs: tuple[int, ...]

    @classmethod
    def of(cls, network: QuantizedNetwork, layer: int, makes: tuple[str, ...]) -> UpdateKind:
        """The kind of a job of a layer."""
        described = network.layers[layer]
        formats, names = described.formats, described.cell.formats
        return cls(
            cell=described.cell,
            makes=makes,
            sigmoid=described.sigmoid if "gate" in names else "",
            formats=tuple(
                ("out" if n == "h" and not makes else n, getattr(formats, n)) for n in names
            ),
            fracs=tuple(formats.product_fracs[gate.name] for gate in described.cell.gates),
        )

    @property
    def unread(self) -> bool:
        """Tell whether it is that of a result that no layer reads: logits, or any other."""
        return not self.makes

    def format(self, name: str) -> Format:
        """A format by name, ``rh`` too; any where it has none."""
        return dict(self.formats).get("h" if name == "rh" else name, _UNUSED)

    def frac(self, slot: int) -> int:
        """Fraction bits of the sums in an accumulator slot; 0 without gate."""
        return self.fracs[slot] if slot < len(self.fracs) else 0

    def diagonal(self, slot: int) -> bool:
        """Tell whether the gate in a slot has a diagonal."""
        gates = self.cell.gates
        return slot < len(gates) and gates[slot].diagonal

    def as_json(self) -> dict[str, Any]:
        """JSON values that :meth:`from_json` takes; logits have no cell."""
        cell = {"kind": self.cell.kind, **cell_options(self.cell)}
        if self.unread and self.cell == Dense():
            cell = None
        return {
            "cell": cell,
            "makes": list(self.makes),
            "sigmoid": self.sigmoid,
            "formats": {name: [to.width, to.frac] for name, to in self.formats},
            "fracs": list(self.fracs),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> UpdateKind:
        """Read back what :meth:`as_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: ``value`` is anything else.
        """
        described = value["cell"]
        cell = Dense()
        if described is not None:
            options = {name: text for name, text in described.items() if name != "kind"}
            cell = CELLS[described["kind"]](**options)
        return cls(
            cell=cell,
            makes=tuple(value["makes"]),
            sigmoid=value["sigmoid"],
            formats=tuple(
                (name, Format(width=width, frac=frac))
                for name, (width, frac) in value["formats"].items()
            ),
            fracs=tuple(value["fracs"]),
        )

    def difference(self, other: UpdateKind) -> str:
        """The first thing in which a kind of the same cell differs: what it has, and ``other``."""
        if self.sigmoid != other.sigmoid:
            return f"a {self.sigmoid} sigmoid, the core offers {other.sigmoid}"
        for (name, to), (_, theirs) in zip(self.formats, other.formats, strict=True):
            if to != theirs:
                return f"{name} in format {to}, the core offers {theirs}"
        return f"product_fracs {list(self.fracs)}, the core offers {list(other.fracs)}"
