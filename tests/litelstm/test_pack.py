"""``litelstm pack``: images for cores, and what is refused."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from golden.quantized import QuantizedNetwork
from hdl.spec.capacity import Capacity
from sim.draw.sharing import symmetric
from tests.litelstm.conftest import Call, Files
from tests.networks import Recipe, quantized_network


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with the formats of no other."""
    path = tmp_path_factory.mktemp("larger") / "larger.q.npz"
    quantized_network(Recipe(inputs=2, units=(6, 5), outputs=3), 2).save(path)
    return path


def generated(call: Call, folder: Path, *arguments: object) -> Path:
    done = call("generate", *arguments, "--lanes", 3, "-o", folder)
    assert done.status == 0, done.err
    return folder / "litelstm_core.json"


@pytest.mark.slow
def test_an_image_for_the_core_of_a_network(call: Call, files: Files, tmp_path: Path) -> None:
    """It is the one that generate leaves beside the core."""
    core = generated(call, tmp_path / "one", files.network, "--storage", "ram")
    image = tmp_path / "weights.bin"
    done = call("pack", files.network, "--for", core, "-o", image)
    assert done.status == 0, done.err
    assert image.read_bytes() == core.with_suffix(".weights.bin").read_bytes()
    told = json.loads(core.read_text())["weight_stream"]
    assert done.out.startswith(f"{image}: {told['words']} words for core {told['core_id']:08x}, ")


@pytest.mark.slow
def test_an_image_as_a_c_array(call: Call, files: Files, tmp_path: Path) -> None:
    """The compiler makes the same bytes of it, whatever the file is called."""
    core = generated(call, tmp_path / "one", files.network, "--storage", "ram")
    header = tmp_path / "2nd-try.h"
    assert call("pack", files.network, "--for", core, "--c-array", "-o", header).status == 0
    (tmp_path / "print.c").write_text(
        '#include "2nd-try.h"\n#include <stdio.h>\nint main(void) {\n'
        "fwrite(_2nd_try_weights, sizeof _2nd_try_weights, 1, stdout); return 0; }\n"
    )
    strict = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-o", "print"]
    subprocess.run([*strict, "print.c"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "print"], capture_output=True, check=True)
    assert done.stdout == core.with_suffix(".weights.bin").read_bytes()


@pytest.mark.slow
def test_images_for_a_core_of_two_networks(
    call: Call, files: Files, larger: Path, tmp_path: Path
) -> None:
    first = QuantizedNetwork.load(files.network).tanh
    assert first == QuantizedNetwork.load(larger).tanh
    core = generated(call, tmp_path / "two", files.network, "--storage", "double", "--also", larger)
    told = json.loads(core.read_text())["weight_stream"]
    assert Capacity.from_json(told["capacity"]).number == told["core_id"]
    images = []
    for network in (files.network, larger):
        image = tmp_path / "weights.bin"
        assert call("pack", network, "--for", core, "-o", image).status == 0
        images.append(np.frombuffer(image.read_bytes(), "<u4"))
    one, two = images
    assert one.size == two.size == told["words"]
    assert np.array_equal(one[:4], two[:4])
    assert not np.array_equal(one, two)


@pytest.mark.slow
def test_what_does_not_fit_is_refused(
    call: Call, files: Files, larger: Path, tmp_path: Path
) -> None:
    core = generated(call, tmp_path, files.network, "--storage", "ram")
    image = tmp_path / "weights.bin"
    done = call("pack", larger, "--for", core, "-o", image)
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"litelstm: {larger}: the network does not fit the core: layers 2, the core offers 1\n"
    )
    assert not image.exists()


@pytest.mark.slow
def test_a_core_whose_lanes_share_multipliers(call: Call, tmp_path: Path) -> None:
    """It says how many there are; a network with the most negative weight is refused."""
    recipe = Recipe(inputs=2, units=(4,), weight_width=4, extremes=True)
    least = tmp_path / "least.q.npz"
    network = quantized_network(recipe, 2)
    network.save(least)
    fits = tmp_path / "fits.q.npz"
    symmetric(network).save(fits)
    options = ["--lanes", 4, "--storage", "ram", "--pack", 2, "-o", tmp_path / "core"]
    refusal = "the smallest weight is -8, expected -7 or more: 2 products share a multiplier\n"
    done = call("generate", least, *options)
    assert (done.status, done.err.splitlines(keepends=True)[-1]) == (2, f"litelstm: {refusal}")
    done = call("generate", fits, *options)
    assert done.status == 0, done.err
    assert "litelstm_core.v: 4 lanes in 2 multipliers, " in done.out
    core = tmp_path / "core" / "litelstm_core.json"
    assert json.loads(core.read_text())["multipliers"]["array"] == 2
    done = call("pack", least, "--for", core, "-o", tmp_path / "weights.bin")
    assert (done.status, done.err) == (2, f"litelstm: {least}: {refusal}")


@pytest.mark.slow
def test_cores_that_take_no_images(call: Call, files: Files, tmp_path: Path) -> None:
    core = generated(call, tmp_path, files.network)
    loads = generated(call, tmp_path / "ram", files.network, "--storage", "ram")
    told = json.loads(loads.read_text())
    stream = told["weight_stream"]
    bad = {
        "no.json": ("{", "is no JSON: "),
        "list.json": ("[]", "is no description of a core: it has no field weight_stream"),
        "id.json": (
            json.dumps({**told, "weight_stream": {**stream, "core_id": 7}}),
            f"core_id is 7, expected {stream['core_id']}, that of the capacity beside it",
        ),
        "kinds.json": (
            json.dumps({**told, "weight_stream": {**stream, "capacity": {"lanes": 1}}}),
            "weight_stream is not as generated: KeyError('tail_multipliers')",
        ),
    }
    for name, (text, _) in bad.items():
        (tmp_path / name).write_text(text)
    found = {tmp_path / name: says for name, (_, says) in bad.items()}
    found[core] = "the core has its weights in the Verilog, expected weights ram or double"
    found[tmp_path / "absent.json"] = "cannot be read: No such file or directory"
    for path, says in found.items():
        done = call("pack", files.network, "--for", path, "-o", tmp_path / "w.bin")
        assert done.status == 2
        assert done.err.startswith(f"litelstm: {path}: {says}")
        assert done.err.count("\n") == 1
    assert not (tmp_path / "w.bin").exists()


def test_also_needs_loaded_weights(call: Call, files: Files, larger: Path, tmp_path: Path) -> None:
    done = call("generate", files.network, "--also", larger, "-o", tmp_path / "made")
    says = "litelstm: several networks can share a core only with weights ram or double\n"
    assert (done.status, done.err) == (2, says)
    assert not (tmp_path / "made").exists()
