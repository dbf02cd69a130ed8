"""Random operations on cores with AXI buses, the golden model followed step by step.

    python -m sim.bus.soak [--operations 1000000] [--seed 1]

Operations are accesses to registers, beats of all streams, loads of weights, and resets: by pin or
by register, in the middle of anything. What comes out, every counter and every bit of ERRORS is
compared; the first difference ends the run, with the seed of its episode.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from golden.model import IntegerModel
from golden.quantized import Integers, QuantizedNetwork
from hdl.bus.identity import absent, constants
from hdl.bus.register_block import is_window
from hdl.bus.register_map import registers
from hdl.layout.weight_image import HEADER, image
from sim.bus.bench import ACCESS, ID, KEEP, SLVERR, USER, BusBench, Played, Traffic, bus_library
from sim.bus.cores import CORES, SoakCore
from sim.bus.follower import Expected, Follower, expect
from sim.bus.state_traffic import any_states, state_frames
from sim.bus.traffic import frames, interleaved, on_bus
from sim.errors import SimulationError

REGISTERS = {register.name: register for register in registers()}

ENABLE, RESET, CLEAR = (
    REGISTERS["CONTROL"].field(name).mask for name in ("ENABLE", "RESET", "CLEAR_COUNTERS")
)


SHORT = 50_000
"""Operations for which the compiler's time for fast models does not pay."""


class DifferentError(Exception):
    """The core did something that golden does not."""


def write_response(write: Any) -> int:
    """Return what the core answers to a write of :meth:`Soak._accesses`."""
    whole = write["address"] == 0x30 and write["strobe"] == 15
    return 0 if whole or write["strobe"] == 0 else SLVERR


class Soak:
    """One core under random traffic; ``episode`` after ``episode``."""

    def __init__(self, core: SoakCore, bench: BusBench, seed: int) -> None:
        self.core = core
        self.layout = core.layout
        self._bench = bench
        self._models = [IntegerModel(network) for network in core.networks]
        self._follower = Follower(self._models[0], self.layout)
        self._loaded = not core.storage.loadable
        self._seed = seed
        self._number = 0
        self.operations = 0
        self.kinds: Counter[str] = Counter()
        plan, bus = core.plan(core.networks[0]), core.bus
        self._constants = {**constants(plan, bus), **dict.fromkeys(absent(plan, bus), 0)}
        self._start()

    def _start(self) -> None:
        """After a reset by pin."""
        self._bench.reset()
        self._follower.clear()
        self._loaded = not self.core.storage.loadable
        self._set(CONTROL=ENABLE)

    def follow(self, network: int) -> None:
        """Expect what one of the core's networks gives, from zero states on."""
        self._follower = Follower(self._models[network], self.layout)

    def episode(self) -> None:
        """Some frames at once, with accesses, perhaps a reset; then all that is to be seen."""
        self._number += 1
        self._rng = np.random.default_rng([self._seed, self._number])
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

    def _check(self, what: str, got: Any, expected: Any) -> None:
        if got != expected:
            raise DifferentError(
                f"{self.core.name}, seed {self._seed}, episode {self._number}: {what} is {got}, "
                f"expected {expected}"
            )

    def _play(self, traffic: Traffic) -> Played:
        try:
            played = self._bench.play(traffic)
        except SimulationError as error:
            where = f"{self.core.name}, seed {self._seed}, episode {self._number}"
            raise DifferentError(f"{where}: {error}") from error
        self.operations += played.operations
        return played

    def _set(self, **words: int) -> None:
        writes = np.zeros(len(words), ACCESS)
        writes["address"] = [REGISTERS[name].address for name in words]
        writes["data"], writes["strobe"] = list(words.values()), 15
        self._play(Traffic(writes=writes, quiet=2))
        self._check("response", writes["response"].tolist(), [0] * len(words))

    def _get(self, *names: str, settle: int = 40) -> dict[str, int]:
        reads = np.zeros(len(names), ACCESS)
        reads["address"] = [REGISTERS[name].address for name in names]
        reads["delay"][0] = settle  # counters tell a round later
        self._play(Traffic(reads=reads, quiet=2, pause=0.1))
        self._check("response", reads["response"].tolist(), [0] * len(names))
        return dict(zip(names, reads["answer"].tolist(), strict=True))

    def _x(self, network: QuantizedNetwork) -> Iterator[Integers]:
        """Endless random steps' inputs."""
        while True:
            half = 1 << (network.x.width - 1)
            yield self._rng.integers(-half, half, size=network.inputs)

    def _accesses(self, count: int) -> tuple[NDArray[Any], NDArray[Any], int, int]:
        """Reads and writes without consequences, good and bad ones; refused, and IRQ_ENABLE."""
        reads, writes = np.zeros(count, ACCESS), np.zeros(count, ACCESS)
        reads["delay"], writes["delay"] = self._rng.integers(0, 60, size=(2, count))
        reads["address"] = self._rng.integers(0, 256, size=count)
        writes["strobe"], enabled = 15, 0
        readable = {r.address for r in REGISTERS.values() if r.readable and not is_window(r)}
        refused = sum(address & ~3 not in readable for address in reads["address"].tolist())
        for write in writes:
            kind = self._rng.integers(4)
            write["data"] = int(self._rng.integers(1 << 32))
            if kind == 0:
                enabled = int(self._rng.integers(64))
                write["address"], write["data"] = 0x30, enabled
            elif kind == 1:  # no byte: nothing happens
                write["address"], write["strobe"] = int(self._rng.integers(256)), 0
            elif kind == 2:  # part of a word
                write["address"], write["strobe"] = 0x28, int(self._rng.integers(1, 15))
            else:
                write["address"] = self._rng.choice([0x00, 0x24, 0x40, 0x60, 0x70, 0x84, 0xFC])
            refused += write_response(write) == SLVERR
        return reads, writes, refused, enabled

    def _check_reads(self, reads: NDArray[Any]) -> None:
        known = {register.address: register for register in REGISTERS.values()}
        for read in reads:
            register = known.get(int(read["address"]) & ~3)
            if register is None or not register.readable or is_window(register):
                self._check("response", int(read["response"]), SLVERR)
                continue
            self._check("response", int(read["response"]), 0)
            for one in register.fields:
                value = self._constants.get(f"{register.name}.{one.name}")
                if value is None and not one.writable:
                    value = one.reset
                if value is not None:
                    got = (int(read["answer"]) & one.mask) >> one.low
                    self._check(f"{register.name}.{one.name}", got, value)

    def _traffic(
        self, *, plain: bool, length: int
    ) -> tuple[Any, Any, list[tuple[Integers, bool]], Expected]:
        """Steps, their beats of state, the states that are taken, and what they count."""
        x = self._x(self._follower.model.network)
        made = frames(self.layout, self._rng, x, length=length, whole=plain)
        steps = interleaved(made, self._rng)
        loads = sum(bool(s.user & 2) for s in steps if s.first)
        states = any_states(self._follower.model, loads, x)
        beats, taken, counts = state_frames(self.layout, self._rng, states)
        return steps, beats, taken, counts

    def _run(self) -> None:
        """Frames to their end: every beat, every counter."""
        length = int(self._rng.choice([0, 0, 1, 2, 3]))
        self._set(LENGTH=length, CONTROL=ENABLE | CLEAR)
        steps, state_in, loads, wrong = self._traffic(plain=False, length=length)
        beats = on_bus(steps, self._rng, streams=self.layout.interface.streams, strict=False)
        reads, writes, refused, enabled = self._accesses(int(self._rng.integers(1, 8)))
        played = self._play(
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
        self._check("y", _listed(played.y), expected.y)
        self._check("states", _listed(played.state_out), expected.states)
        self._check_reads(reads)
        answers = [write_response(write) for write in writes]
        self._check("responses", writes["response"].tolist(), answers)
        events = [*expected.events, *wrong.events, *["ACCESS"] * refused]
        got = self._get(
            "STATUS", "ERRORS", "PROTOCOL_ERRORS", "DROPPED", "STEPS", "SEQUENCES", "IRQ_STATUS",
            "IRQ_ENABLE",
        )  # fmt: skip
        self._check("STATUS", got["STATUS"] & 3, 3)
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
            self._check(name, got[name], value)
        if (writes["address"][writes["strobe"] == 15] == 0x30).any():
            self._check("IRQ_ENABLE", got["IRQ_ENABLE"], enabled)
        self._clean()

    def _clean(self) -> None:
        """No errors, no interrupts."""
        self._set(ERRORS=0xFFFFFFFF, IRQ_STATUS=0xFFFFFFFF)

    def _reset_by_register(self) -> None:
        """CONTROL.RESET while frames come: old results, perhaps a broken one, then new ones."""
        self._set(LENGTH=0)
        steps, _, _, _ = self._traffic(plain=True, length=0)
        x = on_bus(steps, self._rng, streams=self.layout.interface.streams, strict=True)
        writes = np.zeros(1, ACCESS)
        writes["address"], writes["data"], writes["strobe"] = 0x20, ENABLE | RESET, 15
        writes["delay"] = int(self._rng.integers(0, 60 + 12 * len(steps)))
        played = self._play(Traffic(x=x, writes=writes, seed=int(self._rng.integers(1 << 62))))
        seen, shown = int(writes["seen"][0]), int(writes["shown"][0])
        got = _listed(played.y)
        after_zero = Follower(self._follower.model, self.layout)
        # Of a frame's first beat some elements may be taken, and the beat not: that is begun, too.
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
        self._check(f"a match of y {got} after {shown} beats of {before}", any(matches), True)
        self._check("STATUS", self._get("STATUS")["STATUS"] & 3, 3)
        self._clean()

    def _ended(
        self, given: list[tuple[int, int]], before: list[tuple[int, int]]
    ) -> tuple[bool, int]:
        """Whether what a reset left of results is right: all of it golden's, and a frame that was
        cut is ended by one beat of zeros. And whether there is that beat."""
        if given == before[: len(given)]:
            return not given or bool(given[-1][1] & 1), 0
        keep = (1 << (self.core.bus.width // 8)) - 1
        data, beside = given[-1]
        closes = (data, beside & ~(255 << ID)) == (0, 1 | 1 << USER | keep << KEEP)
        cut = len(given) > 1 and not given[-2][1] & 1
        return closes and cut and given[:-1] == before[: len(given) - 1], 1

    def _reset_by_pin(self) -> None:
        """The reset pin while anything happens: what came until then is right."""
        length = int(self._rng.choice([0, 2]))
        self._set(LENGTH=length)
        steps, state_in, loads, _ = self._traffic(plain=False, length=length)
        reads, writes, _, _ = self._accesses(int(self._rng.integers(1, 8)))
        x = on_bus(steps, self._rng, streams=self.layout.interface.streams, strict=False)
        played = self._play(
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
        self._check("y", y, expected.y[: len(y)])
        self._check("states", states, expected.states[: len(states)])
        self._start()
        self._check("ERRORS", self._get("ERRORS", "STEPS", settle=60), {"ERRORS": 0, "STEPS": 0})

    def _load(self) -> None:
        """An image of weights, or something that is none."""
        number = int(self._rng.integers(2))
        words = image(self.core.plan(self.core.networks[number]))
        kind = str(self._rng.choice(["good", "cut", "long", "bits"], p=[0.6, 0.14, 0.13, 0.13]))
        self.kinds[f"weights {kind}"] += 1
        place = int(self._rng.integers(len(words)))
        reason, begun = 0, True
        if kind == "cut":
            words = words[: max(1, place)]
            reason, begun = 1, len(words) > HEADER
        elif kind == "long":
            words = np.append(words, words[: int(self._rng.integers(1, 5))])
            reason = 2
        elif kind == "bits":
            words = words.copy()
            words[place] ^= np.uint32(1 << int(self._rng.integers(32)))
            reason, begun = (4, False) if place < HEADER else (3, True)
        last = np.zeros(len(words), np.uint32)
        last[-1] = 1
        self._play(
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
        got = self._get("STATUS", "ERRORS", "IRQ_STATUS")
        self._check("LOADED", got["STATUS"] >> 1 & 1, int(self._loaded))
        self._check("LOAD_REASON", got["STATUS"] >> 4 & 7, reason)
        error = REGISTERS["ERRORS"].field("WEIGHTS").mask if reason else 0
        self._check("ERRORS", got["ERRORS"], error)
        raised = ("LOADED",) if reason == 0 else ("REFUSED", "ERROR")
        status = REGISTERS["IRQ_STATUS"]
        self._check("IRQ_STATUS", got["IRQ_STATUS"], sum(status.field(n).mask for n in raised))
        self._clean()


def _listed(beats: tuple[NDArray[np.uint64], NDArray[np.uint32]]) -> list[tuple[int, int]]:
    return list(zip(beats[0].tolist(), beats[1].tolist(), strict=True))


def _cut(steps: list[Any], beats: int, *, also: bool) -> tuple[list[Any], list[Any]]:
    """Steps that were taken before so many beats were; those that begin afterwards, but for the
    rest of frames that had begun: that of the next step, too, if ``also``."""
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


@click.command()
@click.option("--operations", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(operations: int, seed: int) -> None:
    """Play random operations on every core, and print what was done."""
    try:
        total = soak(operations, seed, optimize=operations > SHORT)
    except DifferentError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    for name, done in total.items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(done.items()))
        print(f"{name}: none different; {kinds}")
    print(f"{sum(done['operations'] for done in total.values())} operations, seed {seed}")


def soak(operations: int, seed: int, *, optimize: bool) -> dict[str, Counter[str]]:
    """Play random operations, a share on each core.

    Returns:
        For each core how many, and how many episodes of which kind.

    Raises:
        DifferentError: a core did something that golden does not.
    """
    library = bus_library({core.name: core.verilog() for core in CORES}, optimize=optimize)
    total: dict[str, Counter[str]] = {}
    for which, core in enumerate(CORES):
        with BusBench(library, which) as bench:
            run = Soak(core, bench, seed)
            while run.operations < operations // len(CORES):
                run.episode()
            total[core.name] = run.kinds + Counter(operations=run.operations)
    return total


if __name__ == "__main__":
    main()
