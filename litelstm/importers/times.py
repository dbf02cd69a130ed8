"""Steps of atoms: in which step of a network each value is there, and how far apart they are.

An atom's *time* is the last sample that it depends on, counted from 0. Values that an operator
makes for several steps, its *line*, are equally far apart. With zeros behind the input's end the
last ones would be early; a line's times are those of its steps that need no such zeros.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from golden.errors import InputError
from litelstm.importers.forms import ACTIVATIONS, Atom, Call, Form
from litelstm.importers.recurrent import Run

Group = Sequence[Form]
"""Reading of one step of a line: one form, or several of which the largest is taken."""


class Times:
    """Times of atoms, for sequences of one length.

    Args:
        samples: length of the input.
        outputs: the forms of each output.

    Attributes:
        fold: samples in a step of the network.
        last: the network's last step.
        loops: atoms that are the h of an unrolled layer.

    Raises:
        InputError: recurrent layers run at different rates.
    """

    def __init__(self, samples: int, outputs: Sequence[Sequence[Form]]) -> None:
        self.fold, self.last = 1, -1
        self.loops: set[Atom] = set()
        self._lines: dict[object, tuple[int, ...]] = {}
        self._found: dict[Atom, bool] = {}
        lines = [forms for forms in outputs if len(forms) > 1]
        lines += [list(groups) for groups in _states(outputs)]
        times = [self.line([(form,) for form in forms]) for forms in lines]
        if any(after[0] > after[-1] for after in times):
            raise InputError("gives its steps from the last to the first; turn them on a host")
        strides = {after[1] - after[0] for after in times if len(after) > 1} or {1}
        if len(strides) > 1:
            told = " and ".join(map(str, sorted(strides)))
            raise InputError(
                f"has recurrent layers, pools or results at steps of {told} samples, expected one "
                "rate: a core takes a step of all of them at a time"
            )
        self.fold = strides.pop()
        self.last = max(samples // self.fold - 1, *(after[-1] // self.fold for after in times), 0)
        self._lines.clear()

    def reads_loop(self, form: Form) -> bool:
        """Whether an unrolled layer is among what a form reads."""
        return any(self._is_of_loop(atom) for atom in form.terms)

    def _is_of_loop(self, atom: Atom) -> bool:
        atom = atom.whole[0] if atom.whole else atom
        if atom not in self._found:
            split = atom.kind in (*ACTIVATIONS, "sum", "max") and atom not in self.loops
            inner = split and not atom.in_line and any(map(self.reads_loop, atom.args))
            self._found[atom] = atom in self.loops or inner
        return self._found[atom]

    def of(self, atom: Atom) -> int:
        """Return the time of an atom."""
        if atom.whole:
            return self.of(atom.whole[0])
        if atom.kind in ("state", "c"):
            run, _, place = atom.tag
            return self.of_run(run)[place]
        if atom.kind == "pool":
            return self.of_pool(atom)[-1]
        if atom.in_line:
            return self.of_call(atom.call)[atom]
        if atom.kind in (*ACTIVATIONS, "sum", "max") and atom not in self.loops:
            return max(map(self.after, atom.args))
        return atom.time

    def after(self, form: Form) -> int:
        """Return the last time that a form reads; -1 for a constant."""
        return max(map(self.of, form.terms), default=-1)

    def of_call(self, call: Call) -> dict[Atom, int]:
        """Return the times of a line's atoms."""
        if call not in self._lines:
            self._lines[call] = self.line([atom.args for atom in call.atoms])
        return dict(zip(call.atoms, self._lines[call], strict=True))

    def of_run(self, run: Run) -> tuple[int, ...]:
        """Return the times of a recurrent operator's steps: the last one is the network's."""
        if run not in self._lines:
            self._lines[run] = self._repeated(run) if run.repeats else self.to_end(run.forms)
        return self._lines[run]

    def _repeated(self, run: Run) -> tuple[int, ...]:
        """Return the times of a decoder's steps: it has as many as the sequence."""
        count = len(run.forms)
        if self.last >= 0 and count != self.last + 1:
            raise InputError(
                f"reads the same vector in {count} steps, expected {self.last + 1}, as many as the "
                "sequence has: import two networks, and let a host feed the result of the first "
                "to the second in every step"
            )
        return tuple(n * self.fold for n in range(count))

    def of_pool(self, pool: Atom) -> tuple[int, ...]:
        """Return the times of a pool's steps: the last one is the network's."""
        if pool not in self._lines:
            self._lines[pool] = self.to_end(pool.args)
        return self._lines[pool]

    def to_end(self, forms: Sequence[Form]) -> tuple[int, ...]:
        """Return the times of steps of which the last one must be the network's last."""
        times = self.line([(form,) for form in forms])
        if self.last < 0:  # not known yet
            return times
        late = self.last - times[-1] // self.fold
        if late < 0:
            raise InputError(
                "needs steps behind the last one for a second time; pad the input alone"
            )
        return tuple(time + late * self.fold for time in times)

    def line(self, groups: Sequence[Group]) -> tuple[int, ...]:
        """Return the times of steps, in their order."""
        found = [max(map(self.after, forms)) for forms in groups]
        if len(found) == 1:
            return (found[0],)
        if found[0] > found[-1]:
            return self.line(groups[::-1])[::-1]
        stride = max(b - a for a, b in pairwise(found)) or 1
        first = max(time - n * stride for n, time in enumerate(found))
        return tuple(first + n * stride for n in range(len(found)))


def _states(outputs: Sequence[Sequence[Form]]) -> Iterator[Sequence[Form]]:
    """Yield the steps of all recurrent operators and pools that outputs depend on."""
    runs: set[Run] = set()
    for atom in reached(outputs):
        if atom.kind == "pool":
            yield atom.args
        elif atom.kind in ("state", "c") and atom.tag[0] not in runs:
            runs.add(atom.tag[0])
            if not atom.tag[0].repeats:
                yield atom.tag[0].forms


def reached(outputs: Sequence[Sequence[Form]]) -> Iterator[Atom]:
    """Yield the atoms that outputs depend on, those of operators one by one."""
    seen: set[Atom] = set()
    owners: set[object] = set()
    left = [form for forms in outputs for form in forms]
    while left:
        for atom in left.pop().terms:
            atom = atom.whole[0] if atom.whole else atom
            if atom in seen:
                continue
            seen.add(atom)
            yield atom
            owner = atom.tag[0] if atom.kind in ("state", "c") else atom
            owner = atom.call if atom.in_line else owner
            if owner in owners:
                continue
            owners.add(owner)
            if isinstance(owner, Run):
                left += owner.forms
            elif atom.in_line:
                left += [form for other in atom.call.atoms for form in other.args]
            elif atom.kind == "product":
                left += [arg.form for arg in atom.args]
            else:
                left += atom.args


def read_at_end(outputs: Sequence[Sequence[Form]]) -> set[Run]:
    """Find recurrent operators whose reverse layer is read in the last step alone.

    That step is the reverse layer's first one: it depends on the last input only.
    """
    read: dict[Run, set[int]] = {}
    for atom in reached(outputs):
        if atom.kind in ("state", "c"):
            run, way, position = atom.tag
            if run.ways[way].direction == "reverse":
                read.setdefault(run, set()).add(position)
    return {
        run
        for run, positions in read.items()
        if len(run.forms) > 1
        and positions == {len(run.forms) - 1}
        and not (any(run.starts) or run.lengths)
    }


def check_last_steps(forms: Sequence[Form]) -> None:
    """Refuse a reverse layer's final h, where results are of every step."""
    seen: set[Atom] = set()
    left = [*forms]
    while left:
        for atom in left.pop().terms:
            atom = atom.whole[0] if atom.whole else atom
            if atom in seen:
                continue
            seen.add(atom)
            if atom.kind == "state":
                run, way, _ = atom.tag
                if run.ways[way].direction == "reverse":
                    raise InputError(
                        "reads the final h of a reverse layer, expected its last step's: there "
                        "are results of every step"
                    )
            elif atom.kind in (*ACTIVATIONS, "sum", "max"):
                left += atom.args


def is_loop(atom: Atom) -> bool:
    """Whether an activation is the h of an unrolled RNN: it reads itself, one step before."""
    return atom.kind != "max" and any(
        before.kind in (atom.kind, "start")
        and before.time == atom.time - 1
        and not (before.in_line or (before.whole and before.whole[0].in_line))
        for before in atom.args[0].terms
    )
