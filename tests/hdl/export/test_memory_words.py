"""Contents of memories: the words that Amaranth's own writer gives, in the text or in files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from amaranth.back import verilog
from amaranth.hdl import Module, Shape, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.errors import InputError
from hdl.core import Core
from hdl.export.explicit_rtlil import explicit_rtlil
from hdl.export.memory_words import Words, whole, with_words
from hdl.parts.component import port
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.verilog import Generated, Top, convert, generate
from tests.networks import Recipe, quantized_network

RECIPE = Recipe(inputs=3, units=(5,), outputs=2)


class Roms(wiring.Component):
    """A memory of a shape; some words are left to be 0."""

    at = out = port(Signal)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__({"at": In(3), "out": Out(shape)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        low = -(1 << self.shape.width - 1) if self.shape.signed else (1 << self.shape.width) - 1
        init = [low, 0, 1 if self.shape.width > 1 else -1 if self.shape.signed else 1]
        m.submodules.inner = inner = Module()
        inner.submodules.reg = memory = Memory(shape=self.shape, depth=6, init=init)
        read = memory.read_port()
        m.d.comb += [read.addr.eq(self.at), self.out.eq(read.data)]
        return m


def blocks(text: str) -> list[str]:
    """Initial blocks that write words, without the memory's name."""
    found = re.findall(r"^  initial begin\n((?:    .*\] = .*\n)+)  end\n", text, re.MULTILINE)
    return [re.sub(r"^ *\S+ *(?=\[)", "", block, flags=re.MULTILINE) for block in found]


@pytest.mark.parametrize("shape", [*map(unsigned, (1, 4, 31, 32, 33, 130)), signed(1), signed(32)])
def test_the_words_are_amaranths(shape: Shape) -> None:
    text = convert(Roms(shape), name="top")
    assert blocks(text) == blocks(verilog.convert(Roms(shape), name="top", emit_src=False))
    assert len(blocks(text)) == 1
    assert "memory_words" not in text


def rtlil(units: int) -> str:
    network = quantized_network(Recipe(inputs=3, units=(units,), outputs=2), 1)
    return explicit_rtlil(
        Top(Core(plan=Plan(network=network, options=CoreOptions(lanes=2)))), name="core"
    ).text


def test_the_rtlil_has_no_words() -> None:
    """A hundred times as many weights: it does not grow with them."""
    assert len(rtlil(100)) < 1.2 * len(rtlil(10))


@pytest.fixture(scope="module")
def apart() -> Generated:
    return generate(quantized_network(RECIPE, 1), lanes=2, name="tiny", memory_files=True)


def write(made: Generated, folder: Path) -> Path:
    for file, text in made.memory_files.items():
        (folder / file).write_text(text)
    path = folder / "tiny.v"
    path.write_text(made.verilog)
    return path


def test_files_are_the_text(apart: Generated, tmp_path: Path) -> None:
    """With the words put back it is the usual Verilog, byte for byte."""
    usual = generate(quantized_network(RECIPE, 1), lanes=2, name="tiny")
    assert usual.memory_files == {}
    assert whole(write(apart, tmp_path)) == usual.verilog
    assert list(apart.memory_files) == apart.description.pop("memory_files")
    assert usual.description.pop("memory_files") == []
    assert apart.description == usual.description
    assert apart.verilog.count("$readmemh") == len(apart.memory_files)


def test_files_are_named_after_their_memories(apart: Generated) -> None:
    assert set(apart.memory_files) == {
        "tiny.core.weights.mem",
        "tiny.core.update.bias0_3.mem",
        "tiny.core.update.bias1_2.mem",
        "tiny.core.update.tanh0.rom.mem",
        "tiny.core.update.tanh1.rom.mem",
    }
    for text in apart.memory_files.values():
        assert re.fullmatch(r"([0-9a-f]+\n)+", text)


def test_a_memory_of_zeros_has_no_file() -> None:
    words = [Words(place="a.b", width=4, words=(0, 0)), Words(place="a.$c", width=4, words=(1, -1))]
    empty = "".join(
        f"  (* memory_words = 32'd{number} *)\n  reg [3:0] {name} [1:0];\n"
        f"  initial begin\n    {name}[0] = 4'h0;\n  end\n"
        for number, name in enumerate("bc")
    )
    text, files = with_words(empty, words, apart=True)
    assert files == {"a._c.mem": "1\nf\n"}
    assert text.endswith("reg [3:0] c [0:1];\n" + '  initial $readmemh("a._c.mem", c);\n')
    assert blocks(text) == ["[0] = 4'h0;\n[1] = 4'h0;\n"]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: None, "tiny.core.weights.mem: cannot be read: No such file or directory"),
        (
            lambda text: text[5:],
            r"tiny.core.weights.mem: expected \d+ hexadecimal words of 16 bits",
        ),
        (lambda text: "1" + text, r"expected \d+ hexadecimal words of 16 bits"),
        (lambda text: text + "0\n", r"expected \d+ hexadecimal words of 16 bits"),
        (lambda text: "x" + text[1:], r"expected \d+ hexadecimal words of 16 bits"),
    ],
)
def test_damaged_files_are_refused(
    apart: Generated, tmp_path: Path, damage: object, says: str
) -> None:
    path = write(apart, tmp_path)
    file = tmp_path / "tiny.core.weights.mem"
    text = damage(file.read_text())  # pyright: ignore
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(InputError, match=says):
        whole(path)
