"""``.core`` file of a generated core, for FuseSoC and Edalize."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version

from hdl.export.verilog_names import inner_prefix

_TEMPLATE = """\
CAPI=2:
name: litelstm::{name}:{version}
description: Recurrent network on one MAC array, {lanes} lanes

filesets:
  rtl:
    files:
      - {name}.v
    file_type: verilogSource
{memories}  waivers:
    files:
      - {name}.vlt: {{file_type: vlt}}
{bench}
targets:
  default: &default
    filesets:
      - tool_verilator? (waivers)
      - rtl
{with_memories}    toplevel: {name}
    default_tool: verilator
    tools:
      verilator:
        mode: lint-only
        verilator_options:
          - -Wall
  lint:
    <<: *default
{sim}"""

_MEMORIES = """\
  memories:
    files:
{files}
    file_type: user
"""

_WITH_MEMORIES = "      - memories\n"

_BENCH = """\
  bench:
    files:
      - {name}/tb.v
    file_type: verilogSource
"""

_SIM = """\
  sim:
    filesets:
      - rtl
{with_memories}      - bench
    toplevel: {prefix}tb
    default_tool: icarus
"""


def release(numbers: int) -> str:
    """Return the first numbers of the package's version."""
    return ".".join(re.findall(r"\d+", version("litelstm"))[:numbers])


def core_file(
    *, name: str, lanes: int, has_bench: bool = False, memories: Sequence[str] = ()
) -> str:
    """Write a FuseSoC core description (CAPI2) of ``name.v``, whose default target is ``lint``.

    Args:
        name: of the top module and its file.
        lanes: multipliers in the array.
        has_bench: add a target ``sim``, which runs ``name/tb.v``.
        memories: files that the Verilog reads; tools find them in their working folder.
    """
    files = "\n".join(f"      - {file}: {{copyto: {file}}}" for file in memories)
    with_memories = _WITH_MEMORIES if memories else ""
    sim = _SIM.format(prefix=inner_prefix(name), with_memories=with_memories)
    return _TEMPLATE.format(
        name=name,
        lanes=lanes,
        version=release(3),
        bench=_BENCH.format(name=name) if has_bench else "",
        memories=_MEMORIES.format(files=files) if memories else "",
        with_memories=with_memories,
        sim=sim if has_bench else "",
    )
