"""The ``.core`` file of a generated core, for FuseSoC and Edalize flows."""

from __future__ import annotations

import re
from importlib.metadata import version

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

targets:
  default: &default
    filesets:
      - rtl
    toplevel: {name}
  lint:
    <<: *default
    filesets:
      - waivers
      - rtl
    default_tool: verilator
    tools:
      verilator:
        mode: lint-only
        verilator_options:
          - -Wall
  sim:
    <<: *default
    default_tool: icarus
  synth:
    <<: *default
    default_tool: yosys
    tools:
      yosys:
        arch: ecp5
"""


def core_file(*, name: str, lanes: int) -> str:
    """A FuseSoC core description (CAPI2) of ``name.v``.

    Args:
        name: of the top module and its file.
        lanes: multipliers in the array.
    """
    number = re.match(r"\d+\.\d+\.\d+", version("litelstm"))
    return _TEMPLATE.format(name=name, lanes=lanes, version=number[0] if number else "0.0.0")
