"""Networks in words, for the command that imports them."""

from __future__ import annotations

from golden.cells import cell_options
from golden.network import Layer, Network


def summary(network: Network) -> str:
    """Describe a network in one line."""
    chain = all(sources == (index,) for index, sources in enumerate(network.sources))
    reads = ["" if chain else reads_text(sources) for sources in network.sources]
    parts = [layer_text(layer, read) for layer, read in zip(network.layers, reads, strict=True)]
    if network.head:
        parts[-1] = f"{network.head.outputs} logits{reads[-1]}"
    if network.results != (len(network.layers),):
        parts.append(f"results {', '.join(f'layer{n - 1}' for n in network.results or ())}")
    return f"{network.inputs} in, {', '.join(parts)}; {network.parameters} parameters"


def reads_text(sources: tuple[int, ...]) -> str:
    """Name the vectors that a layer reads."""
    return " of " + " and ".join(f"layer{n - 1}" if n else "x" for n in sources)


def layer_text(layer: Layer, reads: str = "") -> str:
    """Describe a layer, for example ``gru of 64 units (reset after, logistic gates)``."""
    cell = layer.cell
    told = [] if layer.direction == "forward" else [layer.direction]
    if not cell.state:
        activation = str(getattr(cell, "activation", ""))
        told += [f"slope {getattr(cell, 'slope', '')}"] if activation == "leaky" else []
        told += [layer.sigmoid] if activation == "sigmoid" else []
        kind = f"dense {activation}"
    else:
        kind = cell.kind
        told += [f"{name} {value}" for name, value in cell_options(cell).items()]
        if "gate" in cell.formats and any(not (gate.tanh or gate.wide) for gate in cell.gates):
            told.append(f"{layer.sigmoid} gates")
    if layer.first:
        told.append(f"starts at its own {' and '.join(layer.first)}")
    return f"{kind} of {layer.units} units" + (f" ({', '.join(told)})" if told else "") + reads
