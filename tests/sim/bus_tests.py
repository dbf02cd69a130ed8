"""cocotb tests of a core with AXI buses: words against golden, registers, malformed traffic."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiResp

from golden.interface import Control
from hdl import cycles
from hdl.bus.identity import absent, constants
from hdl.bus.register_block import is_window
from tests.sim.bus_bench import REGISTERS, BusBench, handshakes, last_of


@cocotb.test()
async def registers(dut: Any) -> None:
    """Every address: what it reads as after a reset, what can be written, what is refused."""
    bench = await BusBench(dut).start(enable=False)
    bench.pause(0.4)
    case = bench.case
    known = {**constants(case.plan, case.bus), **dict.fromkeys(absent(case.plan, case.bus), 0)}
    map_ = {r.address: r for r in REGISTERS.values() if case.bus.window or not is_window(r)}
    live = {"STATUS.IDLE": 1}
    refused = 0
    for address in range(0, 256, 4):
        register = map_.get(address)
        word, error = await bench.read_at(address)
        assert error == (
            register is None or not register.readable or register.name in ("Y", "STATE_OUT")
        )
        refused += error
        if error or register is None or register.name in ("ERRORS", "PROTOCOL_ERRORS"):
            continue
        for field in register.fields:
            name = f"{register.name}.{field.name}"
            expected = live.get(name, known.get(name, field.reset or 0))
            assert (word & field.mask) >> field.low == expected, name
    for address in range(0, 256, 4):
        register = map_.get(address)
        if register is None or not register.writable:
            assert await bench.write_at(address, 0xFFFFFFFF)
            refused += 1
    for register in map_.values():
        kept = [
            f
            for f in register.fields
            if f.writable
            and not (f.pulse or f.clears or f.strobe)
            and f"{register.name}.{f.name}" not in known
        ]
        if kept and register.name != "CONTROL":
            word = bench.random.getrandbits(32)
            await bench.write(register.name, word)
            assert await bench.read(register.name) == word & sum(f.mask for f in kept)
    answer: Any = await bench.lite.write(REGISTERS["LENGTH"].address, b"\1")  # one byte of four
    assert answer.resp == AxiResp.SLVERR
    refused += 1
    assert await bench.read("ERRORS", "ACCESS") == 1
    await ClockCycles(dut.aclk, 40)
    assert await bench.read("PROTOCOL_ERRORS") == refused
    await bench.write("ERRORS", 0xFFFFFFFF)
    assert await bench.read("ERRORS") == 0


@cocotb.test()
async def sequences(dut: Any) -> None:
    """Sequences of all lengths over pausing buses: every word, and the counters exactly."""
    bench = await BusBench(dut).start()
    bench.pause(0.5)
    steps = beats = 0
    xs = []
    for number in range(8):
        x = bench.case.x(bench.random.randint(1, 5), number)
        xs.append(x)
        steps += len(x)
        beats += len(bench.case.frame(x)) // (bench.case.bus.width // 8)
        await bench.send_x(x)
    for x in xs:
        await bench.expect(x)
        await bench.read("STATUS")
    await bench.settle()
    assert await bench.read("STEPS") == steps
    assert await bench.read("SEQUENCES") == len(xs)
    for name in ("DROPPED", "PROTOCOL_ERRORS", "ERRORS"):
        assert await bench.read(name) == 0
    await bench.write("CONTROL", ENABLE=1, CLEAR_COUNTERS=1)
    assert [await bench.read(n) for n in ("STEPS", "SEQUENCES", "CYCLES", "CYCLES_HIGH")] == [0] * 4


@cocotb.test()
async def throughput(dut: Any) -> None:
    """Without pauses each result is complete a cycle after the last word of the bare core's."""
    bench = await BusBench(dut).start()
    plan = bench.case.plan
    lengths = [3, 1, 2, 4]
    given: list[int] = []
    taken: list[int] = []
    cocotb.start_soon(handshakes(dut, "m_axis", given))
    cocotb.start_soon(handshakes(dut, "s_axis", taken))
    xs = [bench.case.x(steps, seed) for seed, steps in enumerate(lengths)]
    for x in xs:
        await bench.send_x(x)
    for x in xs:
        await bench.expect(x)
    await bench.settle()
    words = plan.result_words
    per_result = bench.case.y_packing.beats(words)
    controls = [Control(last=n == steps - 1) for steps in lengths for n in range(steps)]
    timing = cycles.count_steps(plan, controls)
    last_words = timing.outputs[words - 1 :: words]
    ends = np.array(given[per_result - 1 :: per_result])
    assert len(ends) == len(last_words)
    # A beat stays on the bus until its last element is used.
    in_beat = min(plan.network.inputs, bench.case.bus.width // bench.case.x_packing.container)
    first = taken[0] - max(0, in_beat - 1)
    (later,) = set((ends - first - last_words).tolist())
    if bench.case.x_packing.container <= bench.case.bus.width:
        assert later == 1
        assert await bench.read("CYCLES") == given[-1] - first


@cocotb.test()
async def stalls_are_counted(dut: Any) -> None:
    """Cycles in which x is waited for, and in which nobody takes a result."""
    bench = await BusBench(dut).start()
    x = bench.case.x(2, 1)
    data = bench.case.frame(x)
    half = bench.case.x_packing.beats(bench.case.network.inputs)  # those of a step
    counts = []
    for wait in (400, 500):
        await bench.write("CONTROL", ENABLE=1, CLEAR_COUNTERS=1)
        await bench.send(data)
        await bench.beats_taken(half)
        bench.x.pause = True
        await ClockCycles(dut.aclk, wait)
        bench.x.pause = False
        await bench.expect(x)
        await bench.settle()
        counts.append(await bench.read("STALLED_INPUT"))
    assert counts[1] - counts[0] == 100
    stalled = []
    for wait in (800, 900):
        await bench.write("CONTROL", ENABLE=1, CLEAR_COUNTERS=1)
        bench.y.pause = True
        await bench.send(data)
        await ClockCycles(dut.aclk, wait)
        bench.y.pause = False
        await bench.expect(x)
        await bench.settle()
        stalled.append(await bench.read("STALLED_OUTPUT"))
    assert stalled[1] - stalled[0] == 100


@cocotb.test()
async def early_last(dut: Any) -> None:
    """A frame that ends in any beat of a step, or with too few steps: padded, marked, counted."""
    bench = await BusBench(dut).start()
    case = bench.case
    bench.pause(0.3)
    per_beat = case.bus.width // 8
    each = case.x_packing.beats(case.network.inputs)
    wrong = 0
    for cut in range(1, each + 1):
        x = case.x(2, cut)
        beats = each + cut
        await bench.send(case.frame(x)[: beats * per_beat])
        present = min(case.network.inputs, cut * case.bus.width // case.x_packing.container)
        x[1, present:] = 0
        inside = cut < each
        wrong += inside
        await bench.expect(x, wrong=inside)
        await bench.good(cut)
    await bench.write("LENGTH", STEPS=3)
    x = case.x(2, 99)
    await bench.send_x(x)
    await bench.expect(x, wrong=True)
    await bench.good(98, steps=3)
    await bench.settle()
    assert await bench.read("ERRORS") == join_errors(EARLY_LAST=1)
    assert await bench.read("PROTOCOL_ERRORS") == wrong + 1
    assert await bench.read("DROPPED") == 0
    await bench.write("ERRORS", EARLY_LAST=1)
    assert await bench.read("ERRORS") == 0


@cocotb.test()
async def late_last(dut: Any) -> None:
    """More steps than there should be, and a word too many: cut off there, the rest dropped."""
    bench = await BusBench(dut).start()
    case = bench.case
    bench.pause(0.3)
    per_beat = case.bus.width // 8
    await bench.write("LENGTH", STEPS=2)
    dropped = 0
    for more in (1, 2, 7):
        x = case.x(2, more)
        await bench.send(case.frame(x) + bytes(range(more * per_beat)))
        dropped += more
        await bench.expect(x, wrong=True)
        await bench.good(more, steps=2)
    await bench.settle()
    assert await bench.read("ERRORS") == join_errors(LATE_LAST=1)
    assert await bench.read("PROTOCOL_ERRORS") == 3
    assert await bench.read("DROPPED") == dropped


@cocotb.test()
async def too_many_steps(dut: Any) -> None:
    """More than the core can buffer: a result of those that fit, marked; the rest dropped."""
    bench = await BusBench(dut).start()
    case = bench.case
    most = case.max_steps
    each = case.x_packing.beats(case.network.inputs)
    dropped = 0
    for more, length in ((1, 0), (3, 0), (2, most), (2, most + 5), (0, most + 5)):
        await bench.write("LENGTH", STEPS=length)
        x = case.x(most + more, more)
        await bench.send_x(x)
        dropped += more * each
        await bench.expect(x[:most], wrong=True)
    await bench.settle()
    assert await bench.read("ERRORS") == join_errors(LATE_LAST=1, EARLY_LAST=1)
    assert await bench.read("PROTOCOL_ERRORS") == 5
    assert await bench.read("DROPPED") == dropped
    for length in (0, most):
        await bench.write("LENGTH", STEPS=length)
        await bench.send_x(case.x(most, 9))
        await bench.expect(case.x(most, 9))
    assert await bench.read("PROTOCOL_ERRORS") == 5


def join_errors(**fields: int) -> int:
    """A word of ERRORS."""
    register = REGISTERS["ERRORS"]
    return sum(value << register.field(name).low for name, value in fields.items())


@cocotb.test()
async def enable(dut: Any) -> None:
    """Without ENABLE nothing begins, and what has begun ends."""
    bench = await BusBench(dut).start(enable=False)
    x = bench.case.x(3, 1)
    await bench.send_x(x)
    await bench.quiet(500)
    assert await bench.read("STATUS", "IDLE") == 1
    await bench.write("CONTROL", ENABLE=1)
    while await bench.read("STATUS", "IDLE"):
        pass
    await bench.write("CONTROL", ENABLE=0)
    await bench.expect(x)
    await bench.send_x(x)
    await bench.quiet(500)
    await bench.write("CONTROL", ENABLE=1)
    await bench.expect(x)


@cocotb.test()
async def soft_resets(dut: Any) -> None:
    """CONTROL.RESET at any time. With ENABLE what is left of a frame is dropped; a frame of
    results that had begun is ended, and marked; the next sequence is right."""
    bench = await BusBench(dut).start()
    case = bench.case
    for round_ in range(8):
        bench.pause(bench.random.choice((0, 0.4)))
        x = case.x(4, round_)
        await bench.send_x(x)
        await bench.send_x(x)
        await ClockCycles(dut.aclk, bench.random.randint(1, 260))
        await bench.write("CONTROL", ENABLE=1, RESET=1)
        await bench.x.wait()
        await bench.settle()
        wholes = 0
        while not bench.y.empty():
            frame = await bench.frame()
            data, whole = bytes(frame.tdata), case.answer_bytes(x)
            if last_of(frame.tuser):  # cut short: beats of zeros end it
                end = case.bus.width // 8
                assert data[-end:] == bytes(end)
                assert whole.startswith(data[:-end])
                continue
            assert data == whole
            wholes += 1
        assert wholes <= 2
        await bench.good(round_)
    assert await bench.read("PROTOCOL_ERRORS") == 0
    if not case.max_steps:  # else x is in the memory before a reset comes
        assert await bench.read("DROPPED") > 0


@cocotb.test()
async def soft_reset_without_enable(dut: Any) -> None:
    """The rest of a frame is forgotten: the next beat begins a new one."""
    bench = await BusBench(dut).start()
    x = bench.case.x(3, 1)
    each = bench.case.x_packing.beats(bench.case.network.inputs)
    for beats in range(1, 2 * each):
        await bench.send_x(x)
        await bench.beats_taken(beats)
        # The next beat waits from now on. The reset finds it on offer, as a new frame's first.
        bench.x.pause = True
        await ClockCycles(dut.aclk, 20)
        await bench.write("CONTROL", RESET=1)
        assert await bench.read("STATUS", "IDLE") == 1
        await bench.write("CONTROL", ENABLE=1)
        bench.x.pause = False
        await bench.x.wait()
        await bench.settle()
        bench.y.clear()
        await bench.write("CONTROL", RESET=1)
        await bench.write("CONTROL", ENABLE=1)
        await bench.good(beats)


@cocotb.test()
async def resets(dut: Any) -> None:
    """The reset pin at any time, in accesses and frames: everything is as at first."""
    bench = await BusBench(dut).start()
    for round_ in range(8):
        bench.pause(bench.random.choice((0, 0.5)))
        await bench.send_x(bench.case.x(4, round_))
        reading = cocotb.start_soon(bench.lite.read(0, 4))
        writing = cocotb.start_soon(bench.lite.write(0x28, bytes(4)))
        await ClockCycles(dut.aclk, bench.random.randint(1, 120))
        await bench.reset(bench.random.randint(1, 3))
        bench.x.clear()
        bench.y.clear()
        for task in (reading, writing):
            task.cancel()
        assert await bench.read("CONTROL") == 0
        assert await bench.read("STEPS") == 0
        await bench.write("CONTROL", ENABLE=1)
        await bench.good(round_)


@cocotb.test()
async def interrupts(dut: Any) -> None:
    """Each bit of IRQ_STATUS that this core has raises irq, if it is let through, until cleared."""
    bench = await BusBench(dut).start()
    status = REGISTERS["IRQ_STATUS"]

    async def happens(name: str) -> None:
        if name == "ERROR":
            await bench.write_at(0, 1)
        else:
            await bench.good(5)

    for name in ("RESULT", "SEQUENCE", "ERROR"):
        field = status.field(name)
        await bench.write("IRQ_STATUS", 0xFFFFFFFF)
        await bench.write("IRQ_ENABLE", MASK=0)
        await happens(name)
        await ClockCycles(dut.aclk, 4)
        assert await bench.read("IRQ_STATUS", name) == 1
        assert dut.irq.value == 0
        await bench.write("IRQ_ENABLE", MASK=field.mask)
        await ClockCycles(dut.aclk, 2)
        assert dut.irq.value == 1
        await bench.write("IRQ_STATUS", ~field.mask & 0xFFFFFFFF)
        await ClockCycles(dut.aclk, 2)
        assert dut.irq.value == 1
        await bench.write("IRQ_STATUS", field.mask)
        await ClockCycles(dut.aclk, 2)
        assert dut.irq.value == 0
        await happens(name)
        await ClockCycles(dut.aclk, 4)
        assert dut.irq.value == 1
