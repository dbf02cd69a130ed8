"""Steps that forms read: whether a layer sees its sources where a network reads them."""

from __future__ import annotations

from golden.errors import InputError
from litelstm.importers.forms import ACTIVATIONS, Atom, Form


class Times:
    """Check of steps, for sequences of one length.

    Attributes:
        loops: atoms that are the h of an unrolled layer.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self.loops: set[Atom] = set()
        self._checked: set[tuple[Atom, int | None]] = set()
        self._found: dict[Atom, bool] = {}

    def reads_loop(self, form: Form) -> bool:
        """Whether an unrolled layer is among what a form reads."""
        return any(self._is_of_loop(atom) for atom in form.terms)

    def _is_of_loop(self, atom: Atom) -> bool:
        atom = atom.whole[0] if atom.whole else atom
        if atom not in self._found:
            split = self._is_split(atom)
            self._found[atom] = atom in self.loops or (split and self.reads_loop(atom.args[0]))
        return self._found[atom]

    def _is_split(self, atom: Atom) -> bool:
        """Whether an atom has arguments of the same step: a dense layer's, or a sum's."""
        return atom.kind in (*ACTIVATIONS, "sum") and atom not in self.loops

    def check(self, form: Form, time: int | None) -> None:
        """Refuse a form of another step than ``time``; ``None`` for each layer's final one."""
        for atom in form.terms:
            atom = atom.whole[0] if atom.whole else atom
            if (atom, time) in self._checked:
                continue
            self._checked.add((atom, time))
            if self._is_split(atom):
                self.check(atom.args[0], time)
                continue
            wanted = self._steps - 1 if time is None else time
            if atom.kind == "state":
                run, way = atom.tag
                direction = run.ways[way].direction
                if time is None:
                    if run.lengths and atom not in run.finals:
                        raise InputError("reads a step that shorter sequences do not have")
                    wanted = 0 if direction == "reverse" else wanted
                if atom.time != wanted:
                    what = "layer" if direction == "forward" else f"{direction} layer"
                    raise InputError(
                        f"reads step {atom.time} of a {what}, expected "
                        + ("its final h" if time is None else f"step {wanted}")
                    )
            elif atom.time != wanted:
                expected = "the last one" if time is None else f"step {wanted}"
                raise InputError(f"is of step {atom.time}, expected {expected}")
