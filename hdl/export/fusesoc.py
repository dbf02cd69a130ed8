"""``.core`` file of a generated core, for FuseSoC and Edalize."""

from __future__ import annotations

import re
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
  waivers:
    files:
      - {name}.vlt: {{file_type: vlt}}
{bench}
targets:
  default: &default
    filesets:
      - tool_verilator? (waivers)
      - rtl
    toplevel: {name}
    default_tool: verilator
    tools:
      verilator:
        mode: lint-only
        verilator_options:
          - -Wall
  lint:
    <<: *default
{sim}"""

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
      - bench
    toplevel: {prefix}tb
    default_tool: icarus
"""


def release(numbers: int) -> str:
    """Return the first numbers of the package's version."""
    return ".".join(re.findall(r"\d+", version("litelstm"))[:numbers])


def core_file(*, name: str, lanes: int, has_bench: bool = False) -> str:
    """Write a FuseSoC core description (CAPI2) of ``name.v``, whose default target is ``lint``.

    Args:
        name: of the top module and its file.
        lanes: multipliers in the array.
        has_bench: add a target ``sim``, which runs ``name/tb.v``.
    """
    return _TEMPLATE.format(
        name=name,
        lanes=lanes,
        version=release(3),
        bench=_BENCH.format(name=name) if has_bench else "",
        sim=_SIM.format(prefix=inner_prefix(name)) if has_bench else "",
    )
