"""The regression's cases: random networks, cores, sequences and stalls, each made of two numbers.

Case number k of seed s is always the same core with the same work. Each is run four times: without
stalls (every word and every cycle), with a reset in the middle (the same afterwards), and twice
with random stalls at both streams (every word).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from golden.cells import cell_options
from golden.errors import InputError
from golden.interface import DEFAULT, Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl.plan import Plan
from hdl.spec.loadable import is_loadable
from hdl.spec.multipliers import Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.passes import Work
from hdl.spec.storage import BUILT_IN, Storage
from hdl.verilog import Generated, generated
from sim.core_job.job import CoreJob
from sim.draw.cells import EVERY_CELL
from sim.draw.changes import steady, with_thresholds
from sim.draw.directions import with_directions, with_lags
from sim.draw.graphs import random_graph
from sim.draw.index import with_index
from sim.draw.lively import lively
from sim.draw.networks import (
    Recipe,
    input_words,
    quantized_network,
    random_recipe,
    with_first_states,
)
from sim.draw.sharing import narrow, random_multiplier, random_multipliers, symmetric
from sim.draw.steps import random_work
from sim.regress.kinds import Kinds
from sim.regress.trials import trials_of
from sim.run import Run

CYCLES = 800
"""Rough number of clock cycles that a case's sequences take without stalls."""

MAX_SEQUENCES = 12
ATTEMPTS = 4
"""Draws of a network; about one in seven gives equal answers to all inputs."""

FIRST = 0.2
"""Share of networks whose first states are not zero."""

# Uses of random numbers beside those of sim.draw.networks and sim.regress.kinds
_LANES, _TAIL, _LENGTHS, _TRIALS, _INTERFACE, _SIZES, _STORAGE = 16, 17, 18, 19, 15, 20, 14
_FIRST, _MULTIPLIERS, _AVAILABLE, _MAX_STEPS, _LAGS, _INDEX = 12, 11, 10, 42, 45, 58


@dataclass(frozen=True)
class Case(Kinds):
    """Case ``number`` of ``seed``: a core, and sequences of raw input words."""

    LIMITS: ClassVar = {"units": 12}
    """Upper bounds of what is drawn, see `random_recipe`."""

    def __str__(self) -> str:
        layers = " ".join(
            f"{layer.cell.kind}{''.join('-' + v for v in cell_options(layer.cell).values())}"
            f"-{layer.sigmoid}:{layer.inputs}x{layer.units}{'+'.join(layer.first or ())}"
            + (f"-{layer.direction}" if layer.direction != "forward" else "")
            + (f"{list(sources)}" if sources != (index,) else "")
            + (f"@{list(lags)}" if any(lags) else "")
            + (f"+{layer.warmup}" if layer.warmup else "")
            for index, (layer, sources, lags) in enumerate(
                zip(self.network.body, self.network.sources, self.network.lags, strict=False)
            )
        )
        if len(self.network.result_vectors) > 1:
            layers += f" results:{list(self.network.result_vectors)}"
        layers = f"index {layers}" if self.network.indexed else layers
        head = f" head:{self.network.outputs}" if self.network.head else ""
        chosen = self.interface
        extras = f" streams:{chosen.streams}" if chosen.streams > 1 else ""
        extras += f" state:{chosen.state}" if chosen.state != "clear" else ""
        extras += " every step" * chosen.every_step + " classes" * chosen.classes
        extras += f" weights:{self.storage.weights}" if self.storage.weights != "rom" else ""
        extras += f" sums:{self.storage.sums}" if self.storage.sums != "lanes" else ""
        extras += f" max steps:{self.max_steps}" if self.max_steps else ""
        extras += " delta" * self.is_delta + " parity" * self.is_guarded
        extras += f" {self.multiplier}" if self.multiplier else ""
        return f"{layers}{head}{extras} lanes {self.lanes} tail {self.tail_multipliers}"

    @property
    def name(self) -> str:
        """Name of the core's top module."""
        return f"case_{self.seed}_{self.number}"

    @cached_property
    def network(self) -> QuantizedNetwork:
        """The core's network: the first of some draws whose words depend on the input.

        One in five has first states that are not zero; in a delta core it has thresholds.
        """
        rng, network = self.random(_FIRST), self._lively
        if self.is_delta:
            network = with_thresholds(network, (self.seed, self.number))
        elif rng.random() < FIRST:
            network = with_first_states(network, rng)
        return symmetric(network) if self.multiplier else network

    @property
    def _lively(self) -> QuantizedNetwork:
        """The first of some draws whose words depend on the input."""
        for attempt in range(ATTEMPTS):
            try:
                network = self._turned(self._draw(attempt))
            except InputError:  # a late layer would read steps of what a reverse one made
                continue
            steps = network.first + 2
            words = input_words(network, batch=4, steps=steps, seed=(self.seed, self.number))
            if len(np.unique(IntegerModel(network).forward(words), axis=0)) > 1:
                return network
        return self._turned(self._draw(0 if not self.is_turned else ATTEMPTS))

    def _turned(self, network: QuantizedNetwork) -> QuantizedNetwork:
        """The network with layers that are not forward, in one case in eight; half have lags."""
        if not self.is_turned:
            return network
        seed = self.seed, self.number
        network = with_directions(network, seed)
        return with_lags(network, seed) if self.random(_LAGS).random() < 0.5 else network

    @cached_property
    def max_steps(self) -> int:
        """Where layers turn, steps that the core can buffer: in one case in three too few."""
        if not self.is_turned:
            return 0
        rng, longest = self.random(_MAX_STEPS), max(map(len, self.sequences))
        if rng.random() < 1 / 3:
            return int(rng.integers(self.network.first + 1, longest, endpoint=True))
        return longest + int(rng.integers(0, 4))

    def _draw(self, attempt: int) -> QuantizedNetwork:
        """A network; three of four have pre-activations that spread.

        Where layers turn, those of the last attempts have no windows.
        """
        seed, rng = (self.seed, self.number, attempt), self.random(_SIZES + attempt)
        if self.is_graph:
            windows = self.has_windows and not (self.is_turned and attempt > 1)
            network, spread = random_graph(seed, windows=windows, **self.LIMITS), True
        else:
            recipe = replace(self._recipe(seed), drive=bool(rng.random() < 0.05))
            network = quantized_network(recipe, seed)
            spread = not (recipe.drive or rng.random() < 0.25)
        if self.has_index:
            network = with_index(network, self.random(_INDEX), table=self.is_turned)
        if not spread:
            return network
        steps = max(network.starts) + 6
        return lively(network, input_words(network, batch=8, steps=steps, seed=seed))

    def _recipe(self, seed: tuple[int, ...]) -> Recipe:
        """A recipe; with half the bits where several products may share a multiplier."""
        recipe = random_recipe(seed, cells=EVERY_CELL, **self.LIMITS)
        return narrow(recipe) if self.multiplier else recipe

    @cached_property
    def lanes(self) -> int:
        """Products of the array per cycle, 1 to the units of the largest layer."""
        largest = max(layer.units for layer in self.network.body)
        return int(self.random(_LANES).integers(1, largest, endpoint=True))

    @cached_property
    def tail_multipliers(self) -> int:
        """Multipliers of the state update, 0 to 6; 0 for products in logic."""
        return int(self.random(_TAIL).integers(0, 6, endpoint=True))

    @cached_property
    def interface(self) -> Interface:
        """The core's interface: the plain one in half of the cases."""
        rng, chosen = self.random(_INTERFACE), DEFAULT
        if rng.random() >= 0.5:
            chosen = Interface(
                streams=int(rng.choice([1, 2, 3, 5])),
                state=str(rng.choice(Interface.STATES)),
                every_step=bool(rng.random() < 0.5),
                classes=self.network.classes and bool(rng.random() < 0.4),
            )
        if self.is_turned:
            return replace(chosen, streams=1, state="clear")
        if self.network.windowed or self.is_delta:
            chosen = replace(chosen, streams=1, state=chosen.state.replace("load", "keep"))
        if len(Work(network=self.network, lanes=self.lanes).step_passes) == 1:
            chosen = replace(chosen, every_step=True, state=chosen.state.replace("load", "keep"))
        return chosen

    @cached_property
    def storage(self) -> Storage:
        """Where weights and sums are: as in most cores, but for one case in five."""
        rng = self.random(_STORAGE)
        if rng.random() < 0.8:
            return BUILT_IN
        weights, sums = [("ram", "lanes"), ("rom", "block"), ("double", "block")][rng.integers(3)]
        loadable = not self.network.windowed and is_loadable(self.network)
        fixed = self.is_turned or self.is_delta or not loadable
        weights = "rom" if fixed else weights
        return Storage(weights=weights, sums=sums)

    @cached_property
    def multiplier(self) -> str:
        """Name of the part's hardware multiplier; empty where it does not matter."""
        return random_multiplier(self.random(_MULTIPLIERS))

    @cached_property
    def multipliers(self) -> Multipliers:
        """How lanes may share multipliers."""
        chosen = {"lanes": self.lanes, "beside": self.tail_multipliers}
        return random_multipliers(self.random(_AVAILABLE), self.multiplier, **chosen)

    @cached_property
    def others(self) -> list[QuantizedNetwork]:
        """Where weights are loaded, networks that the core can run as well."""
        if not self.storage.loadable:
            return []
        seed, own = (self.seed, self.number, ATTEMPTS), self.network
        recipe = random_recipe(seed, cells=EVERY_CELL, **self.LIMITS)
        last = own.result_vectors[-1]
        has_head = not (own.layers[last - 1].cell.state or own.is_read(last))
        outputs = (recipe.outputs or 1) if has_head else None
        other = replace(quantized_network(replace(recipe, outputs=outputs), seed), tanh=own.tanh)
        return [symmetric(other) if self.multiplier else other]

    @property
    def _step_cycles(self) -> float:
        """Clock cycles, about, of a step."""
        return self.network.products / self.lanes + self.network.inputs

    @cached_property
    def sequences(self) -> list[NDArray[np.int64]]:
        """Two sequences or more, of 1 to 8 steps, now and then of more."""
        rng, step = self.random(_LENGTHS), self._step_cycles
        lengths: list[int] = []
        while len(lengths) < 2 or (sum(lengths) * step < CYCLES and len(lengths) < MAX_SEQUENCES):
            left = int(CYCLES / step) - sum(lengths)
            most = int(rng.choice([1, 3, 8, 40], p=[0.25, 0.4, 0.25, 0.1]))
            length = int(rng.integers(1, min(max(left, 3), most), endpoint=True))
            lengths.append(self.network.first + length)
        words = input_words(
            self.network, batch=len(lengths), steps=max(lengths), seed=(self.seed, self.number)
        )
        words = steady(words, (self.seed, self.number)) if self.is_delta else words
        return [sequence[:length] for sequence, length in zip(words, lengths, strict=True)]

    @cached_property
    def expected(self) -> list[NDArray[np.int64]]:
        """The golden model's words for each sequence, or for each of its steps."""
        model, most = IntegerModel(self.network), self.max_steps or None
        run = model.forward_steps if self.interface.every_step else model.forward
        return [self.interface.answer(run(one[np.newaxis, :most])[0]) for one in self.sequences]

    @cached_property
    def plan(self) -> Plan:
        """The core's plan."""
        options = CoreOptions(
            lanes=self.lanes,
            tail_multipliers=self.tail_multipliers,
            interface=self.interface,
            storage=self.storage,
            max_steps=self.max_steps,
            delta=self.is_delta,
            multipliers=self.multipliers,
            parity=self.is_guarded,
        )
        return Plan(network=self.network, options=options, others=tuple(self.others))

    @cached_property
    def core(self) -> Generated:
        """The generated core."""
        return generated(self.plan, name=self.name)

    @cached_property
    def job(self) -> CoreJob:
        """The core's job."""
        if self.interface == DEFAULT or self.is_turned:
            return CoreJob.make(self.plan, self.sequences, self.expected)
        steps = int(np.clip(CYCLES / self._step_cycles, 4, 40))
        work = random_work(self.network, self.interface, steps=steps, seed=(self.seed, self.number))
        return CoreJob.of_steps(self.plan, work.x, work.controls, work.loads, work.service)

    def trials(self, job: CoreJob) -> Iterator[Run]:
        """The runs of a job; they do not depend on the bench."""
        # Where every step gives words, they are due before a sequence's end, too.
        return trials_of(job, self.random(_TRIALS), due=not self.interface.every_step)
