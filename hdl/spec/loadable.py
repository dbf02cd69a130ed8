"""Networks whose weights a core can load."""

from __future__ import annotations

from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from hdl.spec.passes import Work


def check_loadable(network: QuantizedNetwork) -> None:
    """Refuse a network that a core cannot run whose passes are loaded.

    Raises:
        InputError: its first layer has no state, several layers read x, or several are results.
    """
    work, found = Work(network=network, lanes=1), ""
    if work.step_passes[0].completes is not None:
        found = f"layer0 is {network.layers[0].cell.kind}"
    elif work.rereads:
        found = "several layers read x"
    elif len(network.result_vectors) > 1:
        found = "several layers are results"
    if network.indexed:
        raise InputError(
            "x is an index: a core whose weights are loaded takes vectors; leave the weights in "
            "the Verilog (--storage rom)"
        )
    for index, layer in enumerate(network.layers):
        if any(values.any() for values in layer.start(1).values()):
            raise InputError(
                f"layer{index} starts at a state that is not zero: a core whose weights are loaded "
                "starts at zero, or at a state that the host loads (--state load)"
            )
    if found:
        raise InputError(
            f"{found}: a core whose weights are loaded takes a network in which one recurrent "
            "layer reads x, and one layer is the result"
        )


def is_loadable(network: QuantizedNetwork) -> bool:
    """Tell whether a core can run a network whose passes are loaded."""
    try:
        check_loadable(network)
    except InputError:
        return False
    return True
