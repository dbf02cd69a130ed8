"""Episodes of a soak: random traffic on one core, compared with the golden model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.model import IntegerModel
from golden.quantized import Integers, QuantizedNetwork
from hdl.bus.identity import absent, constants
from hdl.layout.weight_image import image
from sim.bus.accesses import (
    CLEAR,
    ENABLE,
    REGISTERS,
    RESET,
    random_accesses,
    read_checks,
    write_response,
)
from sim.bus.bench import ACCESS, ID, KEEP, USER, BusBench, Traffic
from sim.bus.checked_bench import CheckedBench
from sim.bus.cores import SoakCore
from sim.bus.follower import Expected, Follower, expect
from sim.bus.state_traffic import any_states, state_frames
from sim.bus.traffic import frames, interleaved, on_bus
from sim.bus.weight_traffic import random_image


class Soak:
    """Soak of one core: random traffic in episodes.

    Attributes:
        core: the core.
        layout: layout of its buses.
        kinds: number of episodes of each kind.
    """

    def __init__(self, core: SoakCore, bench: BusBench, seed: int) -> None:
        self.core = core
        self.layout = core.layout
        self._bench = CheckedBench(bench, core.name, seed)
        self._models = [IntegerModel(network) for network in core.networks]
        self._follower = Follower(self._models[0], self.layout)
        self._loaded = not core.storage.loadable
        self._seed = seed
        self.kinds: Counter[str] = Counter()
        plan, bus = core.plan(core.networks[0]), core.bus
        self._constants = {**constants(plan, bus), **dict.fromkeys(absent(plan, bus), 0)}
        self._start()

    def _start(self) -> None:
        """Reset the core and the golden model, and enable the core."""
        self._bench.reset()
        self._follower.clear()
        self._loaded = not self.core.storage.loadable
        self._bench.set(CONTROL=ENABLE)

    def follow(self, network: int) -> None:
        """Restart the golden model with one of the core's networks, from zero states."""
        self._follower = Follower(self._models[network], self.layout)

    @property
    def operations(self) -> int:
        """Number of operations played so far."""
        return self._bench.operations

    def episode(self) -> None:
        """Play and check one random episode: perhaps a load, then traffic, perhaps a reset."""
        self._bench.episode += 1
        self._rng = np.random.default_rng([self._seed, self._bench.episode])
        if self.core.storage.loadable and (not self._loaded or self._rng.random() < 0.2):
            self._load()
            if not self._loaded:
                return
        kind = str(self._rng.choice(["run", "soft", "hard"], p=[0.8, 0.13, 0.07]))
        self.kinds[kind] += 1
        if kind == "run":
            self._run()
        elif kind == "soft":
            self._reset_by_register()
        else:
            self._reset_by_pin()

    def noise(self, cycles: int) -> None:
        """Put random values on every input; then check episodes until one has run to its end."""
        self._bench.episode += 1
        self._bench.noise(cycles)
        self._start()
        self.kinds["noise"] += 1
        before = self.kinds["run"]
        while self.kinds["run"] == before:
            self.episode()

    def _x(self, network: QuantizedNetwork) -> Iterator[Integers]:
        """Yield random inputs, one step each, without end."""
        while True:
            half = 1 << (network.x.width - 1)
            yield self._rng.integers(-half, half, size=network.inputs)

    def _traffic(
        self, *, plain: bool, length: int
    ) -> tuple[Any, Any, list[tuple[Integers, bool]], Expected]:
        """Draw steps, their beats of state, the states that the core takes, and their counts."""
        x = self._x(self._follower.model.network)
        made = frames(self.layout, self._rng, x, length=length, whole=plain)
        steps = interleaved(made, self._rng)
        loads = sum(bool(s.user & 2) for s in steps if s.first)
        states = any_states(self._follower.model, loads, x)
        beats, taken, counts = state_frames(self.layout, self._rng, states)
        return steps, beats, taken, counts

    def _run(self) -> None:
        """Play frames to their end; check every beat and every counter."""
        length = int(self._rng.choice([0, 0, 1, 2, 3, 5]))
        self._bench.set(LENGTH=length, CONTROL=ENABLE | CLEAR)
        steps, state_in, loads, wrong = self._traffic(plain=False, length=length)
        beats = on_bus(steps, self._rng, streams=self.layout.interface.streams, strict=False)
        reads, writes, refused, enabled = random_accesses(self._rng, int(self._rng.integers(1, 8)))
        played = self._bench.play(
            Traffic(
                x=beats,
                state_in=state_in,
                reads=reads,
                writes=writes,
                pause=float(self._rng.choice([0.0, 0.2, 0.6])),
                seed=int(self._rng.integers(1 << 62)),
            )
        )
        expected = expect(steps, self._follower, self.layout, iter(loads))
        self._bench.check("y", _listed(played.y), expected.y)
        self._bench.check("states", _listed(played.state_out), expected.states)
        for checked in read_checks(reads, self._constants):
            self._bench.check(*checked)
        answers = [write_response(write) for write in writes]
        self._bench.check("responses", writes["response"].tolist(), answers)
        events = [*expected.events, *wrong.events, *["ACCESS"] * refused]
        got = self._bench.get(
            "STATUS", "ERRORS", "PROTOCOL_ERRORS", "DROPPED", "STEPS", "SEQUENCES", "IRQ_STATUS",
            "IRQ_ENABLE",
        )  # fmt: skip
        self._bench.check("STATUS", got["STATUS"] & 3, 3)
        errors = sum(REGISTERS["ERRORS"].field(name).mask for name in set(events))
        happened = {
            "RESULT": expected.results, "SEQUENCE": expected.sequences, "ERROR": len(events),
            "SAVED": expected.saves,
        }  # fmt: skip
        status = REGISTERS["IRQ_STATUS"]
        raised = sum(status.field(name).mask for name, times in happened.items() if times)
        for name, value in (
            ("ERRORS", errors),
            ("PROTOCOL_ERRORS", len(events)),
            ("DROPPED", expected.dropped + wrong.dropped),
            ("STEPS", expected.steps),
            ("SEQUENCES", expected.sequences),
            ("IRQ_STATUS", raised),
        ):
            self._bench.check(name, got[name], value)
        if (writes["address"][writes["strobe"] == 15] == 0x30).any():
            self._bench.check("IRQ_ENABLE", got["IRQ_ENABLE"], enabled)
        self._bench.clean()

    def _reset_by_register(self) -> None:
        """Write CONTROL.RESET amid frames; expect old results, perhaps a cut one, then new ones."""
        self._bench.set(LENGTH=0)
        steps, _, _, _ = self._traffic(plain=True, length=0)
        x = on_bus(steps, self._rng, streams=self.layout.interface.streams, strict=True)
        writes = np.zeros(1, ACCESS)
        writes["address"], writes["data"], writes["strobe"] = 0x20, ENABLE | RESET, 15
        writes["delay"] = int(self._rng.integers(0, 60 + 12 * len(steps)))
        played = self._bench.play(
            Traffic(x=x, writes=writes, seed=int(self._rng.integers(1 << 62)))
        )
        seen, shown = int(writes["seen"][0]), int(writes["shown"][0])
        got = _listed(played.y)
        after_zero = Follower(self._follower.model, self.layout)
        # A frame has also begun if the core took only some elements of its first beat.
        cuts = [_cut(steps, seen, also=also) for also in (False, True)]
        before = expect(cuts[0][0], self._follower, self.layout, iter(())).y
        matches = []
        for _, new in cuts:
            after_zero.clear()
            after = expect(new, after_zero, self.layout, iter(())).y
            given = got[: len(got) - len(after)]
            whole, closed = self._ended(given, before)
            matches.append(
                whole and got[len(given) :] == after and len(given) <= shown + 1 + closed
            )
            if matches[-1]:
                self._follower = after_zero
                break
        self._bench.check(f"a match of y {got} after {shown} beats of {before}", any(matches), True)
        self._bench.check("STATUS", self._bench.get("STATUS")["STATUS"] & 3, 3)
        self._bench.clean()

    def _ended(
        self, given: list[tuple[int, int]], before: list[tuple[int, int]]
    ) -> tuple[bool, int]:
        """Return whether the results before a reset are right, and the number of closing beats.

        They are right if they equal the golden model's and a beat of zeros closes a cut frame."""
        if given == before[: len(given)]:
            return not given or bool(given[-1][1] & 1), 0
        keep = (1 << (self.core.bus.width // 8)) - 1
        data, beside = given[-1]
        closes = (data, beside & ~(255 << ID)) == (0, 1 | 1 << USER | keep << KEEP)
        cut = len(given) > 1 and not given[-2][1] & 1
        return closes and cut and given[:-1] == before[: len(given) - 1], 1

    def _reset_by_pin(self) -> None:
        """Reset by pin amid traffic; check all beats that came before."""
        length = int(self._rng.choice([0, 2]))
        self._bench.set(LENGTH=length)
        steps, state_in, loads, _ = self._traffic(plain=False, length=length)
        reads, writes, _, _ = random_accesses(self._rng, int(self._rng.integers(1, 8)))
        x = on_bus(steps, self._rng, streams=self.layout.interface.streams, strict=False)
        played = self._bench.play(
            Traffic(
                x=x,
                state_in=state_in,
                reads=reads,
                writes=writes,
                seed=int(self._rng.integers(1 << 62)),
                cycles=int(self._rng.integers(1, 60 + 12 * len(steps))),
            )
        )
        expected = expect(steps, self._follower, self.layout, iter(loads))
        y, states = _listed(played.y), _listed(played.state_out)
        self._bench.check("y", y, expected.y[: len(y)])
        self._bench.check("states", states, expected.states[: len(states)])
        self._start()
        self._bench.check(
            "ERRORS", self._bench.get("ERRORS", "STEPS", settle=60), {"ERRORS": 0, "STEPS": 0}
        )

    def _load(self) -> None:
        """Load an image of weights, good or malformed, and check the status."""
        number = int(self._rng.integers(2))
        plan = self.core.plan(self.core.networks[number])
        words, kind, reason, begun = random_image(self._rng, image(plan))
        self.kinds[f"weights {kind}"] += 1
        last = np.zeros(len(words), np.uint32)
        last[-1] = 1
        self._bench.play(
            Traffic(
                weights=(words.astype(np.uint64), last),
                pause=float(self._rng.choice([0.0, 0.5])),
                seed=int(self._rng.integers(1 << 62)),
                quiet=100,
            )
        )
        if reason == 0:
            self._loaded = True
            self.follow(number)
        elif begun and not self.core.storage.double:
            self._loaded = False
        got = self._bench.get("STATUS", "ERRORS", "IRQ_STATUS")
        self._bench.check("LOADED", got["STATUS"] >> 1 & 1, int(self._loaded))
        self._bench.check("LOAD_REASON", got["STATUS"] >> 4 & 7, reason)
        error = REGISTERS["ERRORS"].field("WEIGHTS").mask if reason else 0
        self._bench.check("ERRORS", got["ERRORS"], error)
        raised = ("LOADED",) if reason == 0 else ("REFUSED", "ERROR")
        status = REGISTERS["IRQ_STATUS"]
        self._bench.check(
            "IRQ_STATUS", got["IRQ_STATUS"], sum(status.field(n).mask for n in raised)
        )
        self._bench.clean()


def _listed(beats: tuple[NDArray[np.uint64], NDArray[np.uint32]]) -> list[tuple[int, int]]:
    return list(zip(beats[0].tolist(), beats[1].tolist(), strict=True))


def _cut(steps: list[Any], beats: int, *, also: bool) -> tuple[list[Any], list[Any]]:
    """Split steps at a reset after ``beats`` beats; return the steps before it and after it.

    The core drops the rest of a frame that had begun. ``also``: the next step's frame had begun.
    """
    old, new, begun = [], [], set()
    at = 0
    for step in steps:
        start, at = at, at + len(step.beats)
        taken = at <= beats
        if taken:
            old.append(step)
        elif start >= beats + also and step.stream not in begun:
            new.append(step)
            continue
        begun.add(step.stream)
        if step.ends:
            begun.discard(step.stream)
    return old, new
