"""Time and memory to generate a large core.

    python -m bench.generate_large [--inputs N] [--units N] [--network FILE] [--lanes N]

A separate process generates a one-layer LiteLSTM of random 8-bit weights, 256 in, 512 units
(1,048,576 weights in its matrices), 16 lanes, or a network from a file, and then does it again.
Prints CPU time, that of all imports included, and memory beside the limits.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

LIMITS = {
    0: {"cpu_seconds": 5.0, "again_seconds": 1.5, "peak_mib": 300.0},
    200_000: {"cpu_seconds": 5.0, "again_seconds": 5.0, "peak_mib": 300.0},
    2_000_000: {"cpu_seconds": 60.0, "again_seconds": 60.0, "peak_mib": 2048.0},
}
"""Most time and memory that generation may take, by the least number of weights."""


def measure(inputs: int, units: int, lanes: int, path: Path | None) -> dict[str, Any]:
    """Generate the core in this process, and measure it with imports and the choice of weights."""
    start = time.perf_counter()
    from golden.quantized import QuantizedNetwork
    from hdl.verilog import generate

    network = QuantizedNetwork.load(path) if path else random_network(inputs, units)
    ready = time.perf_counter()
    made = generate(network, lanes=lanes)
    end = time.perf_counter()
    used = {
        "cpu_seconds": cpu_seconds(),
        "own_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    generate(network, lanes=lanes)
    return {
        "inputs": network.inputs,
        "units": [layer.units for layer in network.layers],
        "lanes": lanes,
        "weights": network.products,
        "verilog_bytes": len(made.verilog),
        "prepare_seconds": ready - start,
        "seconds": end - ready,
        "again_seconds": cpu_seconds() - used["cpu_seconds"],
        **used,
    }


def cpu_seconds() -> float:
    """Return the CPU time of this process and of the processes that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def random_network(inputs: int, units: int) -> Any:
    """Make a one-layer LiteLSTM of random 8-bit weights, without head."""
    from golden.activations import TanhTable
    from golden.cells import LiteLSTM
    from golden.formats import Format
    from golden.layer_formats import LayerFormats
    from golden.network import weight_shapes
    from golden.quantized import QuantizedLayer, QuantizedNetwork

    rng = np.random.default_rng(0)
    cell = LiteLSTM()
    weights = {
        name: rng.integers(-128, 127, size=shape, endpoint=True)
        for name, shape in weight_shapes(cell, inputs, units).items()
    }
    formats = LayerFormats(
        x=Format(width=8, frac=7),
        h=Format(width=8, frac=7),
        c=Format(width=12, frac=9),
        pre=Format(width=12, frac=9),
        gate=Format(width=10, frac=8),
        weight_width=8,
        product_fracs={"f": 16, "g": 16},
    )
    layer = QuantizedLayer(cell=cell, sigmoid="hard", formats=formats, weights=weights)
    tanh = TanhTable(out=Format(width=10, frac=8))
    return QuantizedNetwork(layers=(layer,), tanh=tanh)


def run_apart(arguments: Sequence[str]) -> dict[str, Any]:
    """Call :func:`measure` in a fresh process; add the memory of the Yosys that it starts.

    The memory is sampled while both run: the kernel's maximum of a child includes the memory that
    its parent had at the fork, and would count that twice.
    """
    command = [sys.executable, "-m", "bench.generate_large", *arguments, "--here"]
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(0.02)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"generate_large: the generating process ended with {process.returncode}")
    result = json.loads(output)
    return {**result, "peak_mib": max(peak / 2**20, result["own_peak_mib"])}


def resident(pid: int) -> int:
    """Return the resident bytes of a process and its descendants; 0 on systems without /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * resource.getpagesize() + sum(resident(int(child)) for child in children)


def report(result: dict[str, Any]) -> list[str]:
    """Format the result as lines."""
    limits = result["limits"]
    units = " and ".join(map(str, result["units"]))
    return [
        f"{result['inputs']} in, {units} units, {result['lanes']} lanes, "
        f"{result['weights']:,} products per step",
        f"{'':12}{'measured':>12}{'limit':>12}",
        f"{'CPU time':12}{result['cpu_seconds']:10.1f} s{limits['cpu_seconds']:10.1f} s",
        f"{'once more':12}{result['again_seconds']:10.1f} s{limits['again_seconds']:10.1f} s",
        f"{'time':12}{result['seconds']:10.1f} s",
        f"{'peak memory':12}{result['peak_mib']:8.0f} MiB{limits['peak_mib']:8.0f} MiB",
        f"{'Verilog':12}{result['verilog_bytes'] / 2**20:8.1f} MiB",
    ]


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(prog="generate_large", description=__doc__)
    parser.add_argument("--inputs", type=int, default=256)
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--network", type=Path, metavar="FILE", help="a quantized network")
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--json", type=Path, metavar="PATH", help="JSON; - is standard output")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    sizes = [f"--{name}={getattr(args, name)}" for name in ("inputs", "units", "lanes")]
    sizes += [f"--network={args.network}"] if args.network else []
    if args.here:
        print(json.dumps(measure(args.inputs, args.units, args.lanes, args.network)))
        return 0
    from litelstm import outputs  # imports count in `measure`

    result = run_apart(sizes)
    result["limits"] = LIMITS[max(least for least in LIMITS if least <= result["weights"])]
    outputs.give(result, args.json, report(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
