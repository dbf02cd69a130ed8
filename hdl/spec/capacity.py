"""Capacity of a core: sizes and kinds that limit the networks that can be loaded into it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from golden.activations import TanhTable
from golden.cells import cell_options
from golden.errors import InputError
from golden.formats import Format
from golden.interface import Interface
from golden.quantized import QuantizedNetwork, signed_width
from hdl.parts.joint import Joint
from hdl.spec.kinds import UpdateKind
from hdl.spec.options import CoreOptions
from hdl.spec.passes import Work

HEADROOM = 1
"""Bits by which sums and biases may be larger in a loaded network than in those that a core was
made for."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Numbers of a network on a core, or the largest of several networks.

    Attributes:
        inputs, layers, outputs: of the network; outputs are the words of a result.
        units: of the largest layer; ``state_units`` of all layers, ``unit_words`` with those of
            results that nobody reads; ``layers`` and ``units`` without.
        passes, columns, gates: passes, columns of the longest one, gates of the largest cell.
        rows, job_rows, queued_rows: rows of accumulators; of the largest job; of all jobs.
        weight_words: words of the weight memory.
        x_width, h_width, c_width, rh_width, out_width, operand_width, weight_width,
        accumulator_width, bias_width, sum_width: bits; ``sum_width`` with the bias.
    """

    inputs: int
    layers: int
    outputs: int
    units: int
    state_units: int
    unit_words: int
    passes: int
    columns: int
    gates: int
    rows: int
    job_rows: int
    queued_rows: int
    weight_words: int
    x_width: int
    h_width: int
    c_width: int
    rh_width: int
    out_width: int
    operand_width: int
    weight_width: int
    accumulator_width: int
    bias_width: int
    sum_width: int

    @classmethod
    def of(cls, work: Work, interface: Interface, *, delta: bool = False) -> Sizes:
        """Measure one network; with ``delta`` recurrent layers multiply differences."""
        network = work.network
        making = [job for job in work.jobs if job.makes]
        return cls(
            inputs=network.inputs,
            layers=work.state_layers,
            outputs=interface.words(network),
            units=max(job.units for job in making),
            state_units=work.state_units,
            unit_words=work.first_unit(len(network.layers)),
            passes=len(work.passes),
            columns=max(single.columns for single in work.passes),
            gates=max(len(layer.cell.gates) for layer in network.layers),
            rows=work.sum_rows,
            job_rows=max(job.rows for job in work.jobs),
            queued_rows=sum(job.rows for job in work.jobs),
            weight_words=work.words_before(len(work.passes)),
            x_width=network.x.width,
            h_width=_vector_width(work, "h"),
            c_width=_vector_width(work, "c"),
            rh_width=_vector_width(work, "rh"),
            out_width=interface.out(network).width,
            operand_width=_operand_width(network, delta=delta),
            weight_width=_weight_width(network),
            accumulator_width=network.accumulator_width,
            bias_width=_bias_width(network),
            sum_width=signed_width(*network.sum_bounds(bias=True)),
        )

    @classmethod
    def hull(cls, several: Sequence[Sizes]) -> Sizes:
        """The largest of each."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: max(getattr(one, name) for one in several) for name in names})

    @property
    def output_places(self) -> int:
        """Places of the output buffer: for a whole result, and a power of two."""
        return 1 << (self.outputs - 1).bit_length()

    def vector_width(self, name: str) -> int:
        """Bits of the elements of ``h``, ``c`` or ``rh``; 0 if no layer has that vector."""
        return getattr(self, f"{name}_width")

    def with_headroom(self) -> Sizes:
        """Room for the sums of other weights."""
        accumulator, bias = self.accumulator_width + HEADROOM, self.bias_width + HEADROOM
        return replace(
            self,
            accumulator_width=accumulator,
            bias_width=bias,
            sum_width=max(self.sum_width, accumulator + 1, bias + 1),
        )

    def check(self, own: Sizes) -> None:
        """Refuse a network that is larger.

        Raises:
            InputError: names what does not fit, what the network has and what the core offers.
        """
        for field in fields(self):
            has, offered = getattr(own, field.name), getattr(self, field.name)
            if has > offered:
                what = field.name.replace("_", " ")
                raise InputError(
                    f"the network does not fit the core: {what} {has}, the core offers {offered}"
                )


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """A core as the host that loads its weights must know it.

    Attributes:
        lanes, tail_multipliers, interface: see :class:`hdl.spec.options.CoreOptions`.
        sizes: the largest of each.
        kinds: kinds of jobs that its state update was made for.
        tanh: its table.
        joint: how its lanes share multipliers, ``None`` if each has one.
    """

    lanes: int
    tail_multipliers: int
    interface: Interface
    sizes: Sizes
    kinds: tuple[UpdateKind, ...]
    tanh: TanhTable
    joint: Joint | None = None

    @classmethod
    def of(cls, networks: Sequence[QuantizedNetwork], options: CoreOptions) -> Capacity:
        """Return the smallest capacity that all networks fit.

        Raises:
            InputError: they have different tables, or some have a head and some have not.
        """
        first = networks[0]
        works = [Work.of(network, options) for network in networks]
        sizes = Sizes.hull(
            [Sizes.of(work, options.interface, delta=options.delta) for work in works]
        )
        for network in networks[1:]:
            _check_alike(network, first.tanh, head=_has_head(first))
        return cls(
            lanes=options.lanes,
            tail_multipliers=options.tail_multipliers,
            interface=options.interface,
            sizes=sizes.with_headroom() if options.storage.loadable else sizes,
            kinds=tuple(dict.fromkeys(kind for work in works for kind in work.job_kinds)),
            tanh=first.tanh,
        )

    @property
    def head(self) -> bool:
        """Tell whether its networks have a dense head."""
        return any(kind.unread for kind in self.kinds)

    def check(self, work: Work) -> None:
        """Refuse a network that the core cannot run.

        Raises:
            InputError: names what does not fit, what the network has and what the core offers.
        """
        _check_alike(work.network, self.tanh, head=self.head)
        self.sizes.check(Sizes.of(work, self.interface))
        for job, kind in zip(work.jobs, work.job_kinds, strict=True):
            if kind not in self.kinds:
                raise InputError(
                    f"the network does not fit the core: {job.name} has {self._lacks(kind)}"
                )

    def _lacks(self, kind: UpdateKind) -> str:
        """In words what a kind has that those of the core have not."""
        alike = [own for own in self.kinds if (own.cell, own.makes) == (kind.cell, kind.makes)]
        if alike:
            return kind.difference(alike[0])
        cells = dict.fromkeys(_cell_in_words(own) for own in self.kinds if not own.unread)
        return f"{_cell_in_words(kind)} cells, the core offers {', '.join(cells)}"

    def as_json(self) -> dict[str, Any]:
        """JSON values that :meth:`from_json` takes."""
        return {
            "lanes": self.lanes,
            "tail_multipliers": self.tail_multipliers,
            "interface": asdict(self.interface),
            "sizes": asdict(self.sizes),
            "kinds": [kind.as_json() for kind in self.kinds],
            "tanh": asdict(self.tanh),
            **({"joint": asdict(self.joint)} if self.joint else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Capacity:
        """Read back what :meth:`as_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: ``value`` is anything else.
        """
        return cls(
            lanes=int(value["lanes"]),
            tail_multipliers=int(value["tail_multipliers"]),
            interface=Interface(**value["interface"]),
            sizes=Sizes(**{name: int(number) for name, number in value["sizes"].items()}),
            kinds=tuple(UpdateKind.from_json(kind) for kind in value["kinds"]),
            tanh=TanhTable(**{**value["tanh"], "out": Format(**value["tanh"]["out"])}),
            joint=Joint(**value["joint"]) if "joint" in value else None,
        )

    @property
    def number(self) -> int:
        """CRC-32 of all of it: the core's id."""
        return zlib.crc32(json.dumps(self.as_json(), sort_keys=True).encode())


def _cell_in_words(kind: UpdateKind) -> str:
    if kind.unread:
        return "head"
    options = (f"{name}={value}" for name, value in cell_options(kind.cell).items())
    return " ".join([kind.cell.kind, *options])


def _has_head(network: QuantizedNetwork) -> bool:
    """Tell whether the result is that of a dense layer which no layer reads."""
    result = network.result_vectors[-1]
    return not (network.layers[result - 1].cell.state or network.is_read(result))


def _check_alike(network: QuantizedNetwork, tanh: TanhTable, *, head: bool) -> None:
    """Refuse another table, and a head where there is none or none where there is one."""
    if _has_head(network) != head:
        has, offers = ("no", "one") if head else ("a", "none")
        raise InputError(
            f"the network does not fit the core: it has {has} dense head, the core offers {offers}"
        )
    if network.tanh != tanh:
        raise InputError(
            f"the network does not fit the core: its tanh table is {network.tanh}, "
            f"the core offers {tanh}"
        )


def _vector_width(work: Work, name: str) -> int:
    """Bits of the elements of h, c or rh, the widest of all layers; 0 if no layer has it."""
    layers = work.network.layers
    widths = [
        layers[job.layer].formats.operand(name).width for job in work.jobs if name in job.makes
    ]
    return max(widths, default=0)


def _operand_width(network: QuantizedNetwork, *, delta: bool) -> int:
    """Bits of the widest of x, h and c that the array reads, or of their differences."""
    return max(
        layer.formats.operand(name).width + (delta and bool(layer.cell.state))
        for layer in network.layers
        for gate in layer.cell.gates
        for name in layer.reads(gate)
    )


def _weight_width(network: QuantizedNetwork) -> int:
    """Bits of the widest weight."""
    return max(layer.formats.weight_width for layer in network.layers)


def _bias_width(network: QuantizedNetwork) -> int:
    """Bits of the widest bias of any gate."""
    biases = [layer.weights[gate.bias] for layer in network.layers for gate in layer.cell.gates]
    return signed_width(
        min(int(bias.min()) for bias in biases), max(int(bias.max()) for bias in biases)
    )
