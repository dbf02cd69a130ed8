"""The driver in C for a processor on which words must be aligned: RV32, from Debian's compiler."""

from __future__ import annotations

import re
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from hdl.bus.register_map import registers
from hdl.packaging import c_header, c_network
from litelstm.driver import ModelBackend
from tests.litelstm.driver.cores import CASES, NAME
from tests.litelstm.driver.rv32 import DEVICE, Machine, signed

pytestmark = pytest.mark.slow

GCC = "riscv64-unknown-elf-gcc"
COMPILE = [GCC, "-march=rv32im", "-mabi=ilp32", "-ffreestanding", "-std=c99", "-Wall", "-Werror"]
LINK = ["-nostdlib", "-Wl,-Ttext=0x1000,--entry=run,--no-relax"]

PROGRAM = f"""
#include "core_network.h"

#define STEPS 3
double x[STEPS * core_INPUTS];
int32_t y[core_OUTPUTS];
int32_t state[core_STATE_WORDS];

int run(void);
int run(void)
{{
    static int32_t words[STEPS * core_INPUTS];
    static const litelstm_sequence saving = {{1, 0, 0, state}};
    litelstm_core core;
    litelstm_status status;
    int n;

    litelstm_init(&core, &core_network, litelstm_mmio_read, litelstm_mmio_write,
                  (void *){DEVICE:#x});
    status = litelstm_open(&core);
    for (n = 0; n < STEPS * core_INPUTS; n++)
        words[n] = core_quantize(x[n]);
    if (status == LITELSTM_OK)
        status = litelstm_run(&core, &saving, words, STEPS, y, core_OUTPUTS);
    return (int)status;
}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that ``generate`` writes for C."""
    (tmp_path / c_header.NAME).write_text(c_header.register_header())
    header = c_network.network_header(CASES["window"].json)
    (tmp_path / c_network.file_name(NAME)).write_text(header)
    for end in ("h", "c"):
        source = files("litelstm.driver") / "c" / f"litelstm.{end}"
        (tmp_path / f"litelstm.{end}").write_text(source.read_text())
    return tmp_path


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
def test_registers_through_a_pointer(level: str, folder: Path) -> None:
    """Each is read and written by one load and one store of a word, at its offset."""
    functions = "\n".join(
        f"uint32_t read_{r.name}(volatile litelstm_t *core) {{ return core->{r.name}; }}\n"
        f"void write_{r.name}(volatile litelstm_t *core) {{ core->{r.name} = 0; }}"
        for r in registers()
    )
    (folder / "access.c").write_text(f'#include "litelstm_registers.h"\n{functions}\n')
    run(folder, *COMPILE, level, "-fomit-frame-pointer", "-S", "access.c", "-o", "access.s")
    assembly = (folder / "access.s").read_text()
    for r in registers():
        for kind, load in (("read", True), ("write", False)):
            body = re.search(rf"^{kind}_{r.name}:\n(.*?)^\s*\.size", assembly, re.M | re.S)
            assert body
            accesses = re.findall(r"^\s*([ls][bhw]u?)\t\w+,(-?\d+)\((\w+)\)", body[1], re.M)
            mine = [(name, int(offset)) for name, offset, base in accesses if base != "sp"]
            assert mine == [("lw" if load else "sw", r.address)], f"{kind} {r.name} {level}"


@pytest.mark.parametrize("level", ["-O2", "-Os"])
def test_a_program_runs(level: str, folder: Path) -> None:
    """Right words from the model of a core, and every access to it is one of a word."""
    case = CASES["window"]
    (folder / "program.c").write_text(PROGRAM)
    run(folder, *COMPILE, level, *LINK, "litelstm.c", "program.c", "-lgcc", "-o", "program.elf")
    run(folder, "riscv64-unknown-elf-objcopy", "-O", "binary", "program.elf", "program.bin")
    symbols = {
        name: int(address, 16)
        for address, name in re.findall(
            r"^(\w+) \w (\w+)$", run(folder, "riscv64-unknown-elf-nm", "program.elf"), re.M
        )
    }
    program = bytes(0x1000) + (folder / "program.bin").read_bytes()
    machine = Machine(program, ModelBackend(case.description, case.network))
    samples = np.random.default_rng(4).normal(size=(3, case.network.inputs))
    at = symbols["x"]
    machine.memory[at : at + samples.nbytes] = samples.astype("<f8").tobytes()
    assert machine.call(symbols["run"]) == 0
    expected = case.result(case.network.quantize_input(samples)).tolist()
    found = [signed(machine.word(symbols["y"] + 4 * n)) for n in range(len(expected))]
    assert found == expected
    assert len(machine.accesses) > 3 * case.network.inputs + len(expected)
    assert {size for size, _ in machine.accesses} == {4}


def test_a_packed_struct_would_be_seen(folder: Path) -> None:
    """With the attribute GCC accesses bytes: what the tests above look for is there to be found."""
    path = folder / c_header.NAME
    packed = "typedef struct __attribute__((__packed__)) {"
    path.write_text(path.read_text().replace("typedef struct {", packed))
    with pytest.raises(AssertionError, match=r"lbu|sb"):
        test_registers_through_a_pointer("-O2", folder)


@pytest.mark.parametrize("standard", ["c99", "c11", "c++11"])
def test_a_register_at_another_place_does_not_compile(standard: str, folder: Path) -> None:
    """The header checks every offset itself."""
    language = "c++" if "+" in standard else "c"
    check = ["gcc", f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    check += ["-fsyntax-only", "-x", language, "all.c"]
    (folder / "all.c").write_text('#include "litelstm_registers.h"\n')
    run(folder, *check)
    path = folder / c_header.NAME
    text = path.read_text()
    for register in registers():
        wrong = f"uint8_t MORE;\n    uint32_t {register.name};"
        path.write_text(text.replace(f"uint32_t {register.name};", wrong))
        with pytest.raises(AssertionError):
            run(folder, *check)
    path.write_text(text)
