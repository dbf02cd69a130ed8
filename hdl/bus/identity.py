"""Constants by which a core with a bus identifies itself in its registers."""

from __future__ import annotations

import json
import zlib

from golden.sessions import state_words
from hdl.bus.options import Bus
from hdl.export.description import describe
from hdl.layout.weight_image import core_id
from hdl.plan import Plan


def core_hash(plan: Plan) -> int:
    """Compute the register CORE: a CRC-32 of the core's JSON, or, where the core loads weights, the
    id that an image must name.
    """
    if plan.options.storage.loadable:
        return core_id(plan)
    told = describe(plan, name="")
    for name in ("versions", "ports"):
        del told[name]
    return zlib.crc32(json.dumps(told, sort_keys=True).encode())


def constants(plan: Plan, bus: Bus) -> dict[str, int]:
    """Give the values of fields that never change, by ``REGISTER.FIELD``."""
    network, interface = plan.network, plan.options.interface
    out = interface.out(network)
    sets = {"rom": 0, "ram": 1, "double": 2}[plan.options.storage.weights]
    found = {
        "CORE.HASH": core_hash(plan),
        "FEATURES.SETS": sets,
        "FEATURES.KEEP": interface.state != "clear",
        "FEATURES.STATE": interface.state == "load",
        "FEATURES.EVERY_STEP": interface.every_step,
        "FEATURES.CLASSES": interface.classes,
        "FEATURES.TIGHT": bus.tight,
        "FEATURES.WINDOW": bus.window,
        "FEATURES.STREAMS": interface.streams,
        "FEATURES.PARITY": plan.options.parity,
        "FEATURES.BUS": 0 if bus.window else bus.width,
        "SIZES.INPUTS": plan.sizes.inputs,
        "SIZES.OUTPUTS": plan.sizes.outputs,
        "SHAPE.LAYERS": plan.sizes.layers,
        "SHAPE.LANES": plan.options.lanes,
        "STATE_WORDS.WORDS": state_words(network),
        "FORMATS.X_WIDTH": plan.sizes.x_width,
        "FORMATS.X_FRAC": network.x.frac & 0xFF,
        "FORMATS.Y_WIDTH": plan.sizes.out_width,
        "FORMATS.Y_FRAC": out.frac & 0xFF,
    }
    if not sets:
        found |= {"STATUS.LOADED": 1, "STATUS.LOADING": 0, "STATUS.LOAD_REASON": 0}
    return {name: int(value) for name, value in found.items()}


def absent(plan: Plan, bus: Bus) -> list[str]:
    """List the fields that a core has no use for."""
    streams, state = plan.options.interface.streams > 1, plan.options.interface.state
    loadable = plan.options.storage.loadable
    unless = {
        "CONTROL.BY_REGISTER": not bus.window and (streams or state != "clear"),
        "SEQUENCE.STREAM": streams,
        "SEQUENCE.KEEP": state != "clear",
        "SEQUENCE.LOAD": state == "load",
        "SEQUENCE.SAVE": state == "load",
        "IRQ_STATUS.LOADED": loadable,
        "IRQ_STATUS.REFUSED": loadable,
        "IRQ_STATUS.SAVED": state == "load",
        "ERRORS.STREAM": streams,
        "ERRORS.WEIGHTS": loadable,
        "ERRORS.STATE": state == "load",
        "ERRORS.WINDOW": bus.window,
        "ERRORS.MEMORY": plan.options.parity,
    }
    return [name for name, wanted in unless.items() if not wanted]
