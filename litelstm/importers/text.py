"""Networks in words, for the command that imports them."""

from __future__ import annotations

from itertools import pairwise

from golden.cells import cell_options
from golden.network import Layer, Network
from golden.windows import FINAL


def summary(network: Network) -> str:
    """Describe a network in one line."""
    chain = all(sources == (index,) for index, sources in enumerate(network.sources))
    chain = chain and not network.windowed
    reads = ["" if chain else reads_text(*read) for read in reads_of(network)]
    parts = [layer_text(layer, read) for layer, read in zip(network.layers, reads, strict=True)]
    if network.head:
        parts[-1] = f"{network.head.outputs} logits{reads[-1]}"
    if network.results != (len(network.layers),):
        parts.append(f"results {', '.join(f'layer{n - 1}' for n in network.results or ())}")
    read = f"index of {network.sizes[0]}" if network.indexed else str(network.inputs)
    return f"{read} in, {', '.join(parts)}; {network.parameters} parameters"


def reads_of(network: Network) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """List what each layer reads: vectors and lags."""
    return list(zip(network.sources, network.lags, strict=True))


def reads_text(sources: tuple[int, ...], lags: tuple[int, ...]) -> str:
    """Name the vectors that a layer reads, with the steps by which it reads them late."""
    told = []
    for n in dict.fromkeys(sources):
        own = sorted(lag for source, lag in zip(sources, lags, strict=True) if source == n)
        name = f"layer{n - 1}" if n else "x"
        if FINAL in own:
            name += " at the end"
        elif own != [0]:
            name += f" {_numbers(own)} steps before"
        told.append(name)
    return " of " + " and ".join(told)


def _numbers(own: list[int]) -> str:
    """Write ascending numbers."""
    if len(own) > 3 and len({b - a for a, b in pairwise(own)}) == 1:
        near = own[1] == own[0] + 1
        return f"{own[0]} to {own[-1]}" if near else f"{own[0]}, {own[1]}, ... {own[-1]}"
    return ", ".join(map(str, own))


def layer_text(layer: Layer, reads: str = "") -> str:
    """Describe a layer, for example ``gru of 64 units (reset after, logistic gates)``."""
    cell = layer.cell
    told = [] if layer.direction == "forward" else [layer.direction]
    if not cell.state:
        activation = str(getattr(cell, "activation", ""))
        told += [f"slope {getattr(cell, 'slope', '')}"] if activation == "leaky" else []
        told += [layer.sigmoid] if activation == "sigmoid" else []
        pieces = len(cell.gates)
        told += [f"largest of {pieces}"] if pieces > 1 else []
        kind = f"dense {activation}"
    elif cell.kind == "pool":
        kind = {"sum": "sum", "max": "largest"}[str(getattr(cell, "over", ""))] + " over the steps"
    else:
        kind = cell.kind
        told += [f"{name} {value}" for name, value in cell_options(cell).items()]
        if "gate" in cell.formats and any(not (gate.tanh or gate.wide) for gate in cell.gates):
            told.append(f"{layer.sigmoid} gates")
    if layer.first:
        told.append(f"starts at its own {' and '.join(layer.first)}")
    return f"{kind} of {layer.units} units" + (f" ({', '.join(told)})" if told else "") + reads
