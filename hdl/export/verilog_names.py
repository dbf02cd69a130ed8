"""Names in the Verilog: rules for those of modules, and a port that no stream has."""

import re
import zlib

from golden.errors import InputError

MAX_LENGTH = 64

FAULT = "fault"
"""Port of a core with parity; it belongs to the top, which guards all memories inside."""

KEYWORDS = frozenset(
    """
    always always_comb always_ff always_latch and assert assign assume automatic begin bind bit
    break buf byte case casex casez cell chandle checker class clocking config const constraint
    context continue cover covergroup cross deassign default defparam design disable dist do
    edge else end endcase endclass endfunction endgenerate endinterface endmodule endpackage
    endtask enum event export extends extern final first_match for force foreach forever fork
    function generate genvar global if iff import include initial inout input inside instance
    int integer interface intersect join let library local localparam logic longint macromodule
    module nand negedge new nor not null or output package packed parameter posedge primitive
    priority program property protected pulldown pullup pure rand randc real realtime ref reg
    release repeat restrict return scalared sequence shortint shortreal signed small specify
    static string strong struct super supply0 supply1 table tagged task this throughout time
    timeprecision timeunit tran tri tri0 tri1 triand trior type typedef union unique unsigned
    until use var vectored virtual void wait wand weak while wildcard wire with within wor xnor
    xor
    """.split()  # noqa: SIM905
)
"""Words of Verilog (IEEE 1364) and SystemVerilog (IEEE 1800)."""


def check_name(name: str) -> None:
    """Refuse a name that a module cannot have.

    Raises:
        InputError: the name is no Verilog identifier, or an inner module of another core may have
            it.
    """
    plain = re.fullmatch(rf"[A-Za-z_][A-Za-z0-9_]{{0,{MAX_LENGTH - 1}}}", name)
    if not plain or name in KEYWORDS:
        raise InputError(f"name is {name!r}, expected a Verilog identifier")
    for end in (place.start() for place in re.finditer("_", name)):
        if f"{name}_".startswith(inner_prefix(name[:end])):
            raise InputError(
                f"name is {name!r}, expected one that does not begin as the inner modules of a "
                f"core named {name[:end]!r} do"
            )


def inner_prefix(name: str) -> str:
    """Return the prefix of the names of a core's inner modules.

    A check sum of the core's name keeps the modules of two cores apart, such as ``lstm_core`` and
    ``lstm``. If two of their modules had one name, the longer core's name would begin with the
    shorter one's prefix, which :func:`check_name` refuses.
    """
    return f"{name}_{zlib.crc32(name.encode()) & 0xFFFFFF:06x}_"
