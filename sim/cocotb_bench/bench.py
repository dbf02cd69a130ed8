"""The cocotb bench of one core: clock, reset, driver, monitor, and the record of a run.

The core's top module has these ports, X and Y from 2 to 32::

    input  clk, rst (synchronous, active high)
    input  signed [X-1:0] i_data, input  i_last, i_valid, output i_ready
    output signed [Y-1:0] o_data, output o_last, o_valid, input  o_ready

and perhaps those of other fields (`sim.fields`) and the streams ``i_state``, ``o_state`` and
``i_weights``.

A run has the meaning, the arguments and the errors of `CompiledBench.run`; the same
core, seed and stalls give the same cycles in both benches. In a test::

    @cocotb.test()
    async def every_word(dut):
        bench = Bench(dut)
        board = Scoreboard(expected)
        await bench.run_sequences(samples, words=10, scoreboard=board)
        board.check()
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from sim.cocotb_bench.agents import Driver, Monitor
from sim.cocotb_bench.bench_ports import BenchPorts
from sim.cocotb_bench.bench_run import BenchRun
from sim.patterns import NO_STALLS, Stalls
from sim.scoreboard import Difference, Scoreboard
from sim.streams import (
    PATIENCE,
    SETTLE,
    BenchError,
    Progress,
    Reset,
    Sequences,
    StreamRun,
    Terms,
    Traffic,
    flatten,
)

__all__ = ["Bench", "Difference", "Driver", "Monitor", "Scoreboard"]


class Bench(BenchPorts):
    """Runs of a core: the agents of :class:`BenchPorts`, and what they send and take."""

    async def run(
        self,
        beats: ArrayLike,
        last: ArrayLike,
        *,
        outputs: int,
        loads: ArrayLike = (),
        saves: int = 0,
        weights: ArrayLike = (),
        stalls: Stalls = NO_STALLS,
        seed: int = 0,
        fresh: bool = True,
        reset: Reset | None = None,
        patience: int = PATIENCE,
        settle: int = SETTLE,
        progress: Progress | None = None,
    ) -> StreamRun:
        """Send `beats`, take `outputs` words, and record the cycle of each.

        Args:
            beats: (N,) integers that fit ``i_data``, N >= 1.
            last: (N,) last flags as booleans, or all fields as integers, see `sim.fields`.
            outputs: words M to wait for, 0 or more.
            loads: state words for ``i_state``.
            saves: words to wait for on ``o_state``.
            weights: an image for ``i_weights``, its last word marked.
            stalls: patterns of both streams.
            seed: of the patterns' random gaps.
            fresh: reset the core first, and count cycles from 0; False: go on as the core is.
            reset: a reset in the middle of the run.
            patience: cycles without a transfer after which the run fails.
            settle: cycles in which no word may come after the last one expected.
            progress: called after every word.

        Raises:
            TypeError: `beats` are not integers.
            ValueError: a shape or a value does not fit, or the run was over before `reset`.
            CycleLimitError, ProtocolError: the run failed; ``error.run`` is its record until then.
        """
        traffic = Traffic.checked(beats, last, loads, weights, **self._widths)
        terms = Terms(
            outputs=outputs,
            saves=saves,
            stalls=stalls,
            seed=seed,
            patience=patience,
            settle=settle,
            reset=reset,
        )
        terms.check(traffic)
        if fresh:
            await self.reset()
        return await BenchRun(self, traffic, terms, progress).finish()

    async def run_sequences(
        self,
        sequences: Sequences,
        *,
        words: int,
        weights: ArrayLike = (),
        stalls: Stalls = NO_STALLS,
        seed: int = 0,
        patience: int = PATIENCE,
        progress: Progress | None = None,
        scoreboard: Scoreboard | None = None,
    ) -> StreamRun:
        """`run` over whole sequences, back to back, from a fresh reset.

        Args:
            sequences: (N, T, I) integers, or a list of (T, I) as in `sim.streams.flatten`.
            words: output words K that the core answers to each.
            weights, stalls, seed, patience, progress: as in `run`; it raises the same, too.
            scoreboard: gets all words in the end, also those of a run that failed.
        """
        beats, last = flatten(sequences)
        try:
            run = await self.run(
                beats,
                last,
                outputs=words * int(last.sum()),
                weights=weights,
                stalls=stalls,
                seed=seed,
                patience=patience,
                progress=progress,
            )
        except BenchError as error:
            if scoreboard is not None:
                scoreboard.add(error.run.words, error.run.last)
            raise
        if scoreboard is not None:
            scoreboard.add(run.words, run.last)
        return run
