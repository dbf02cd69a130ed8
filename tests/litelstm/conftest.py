"""A tiny network in files, and a caller of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from litelstm.cli import main
from tests import networks
from tests.networks import Recipe

SAMPLES, STEPS = 6, 3


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str


Call = Callable[..., Outcome]


@dataclass(frozen=True, kw_only=True)
class Files:
    """A float network, samples with labels, and the quantized network."""

    folder: Path

    @property
    def floats(self) -> Path:
        return self.folder / "net.npz"

    @property
    def samples(self) -> Path:
        return self.folder / "samples.npz"

    @property
    def network(self) -> Path:
        return self.folder / "net.q.npz"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs ``litelstm ARGUMENTS`` in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(status=ended.value.code, out=out, err=err)

    return run


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Files that nobody changes; the network has 3 inputs, 4 units and 2 logits."""
    made = Files(folder=tmp_path_factory.mktemp("tiny"))
    network = networks.float_network(Recipe(inputs=3, units=(4,), outputs=2), 1)
    network.save(made.floats)
    x = networks.samples(network, batch=SAMPLES, steps=STEPS, seed=1)
    y = np.random.default_rng(1).integers(2, size=SAMPLES)
    np.savez(made.samples, x=x, y=y)
    with pytest.raises(SystemExit) as ended:
        main(f"quantize {made.floats} --calibrate {made.samples} -o {made.network}".split())
    assert ended.value.code == 0
    return made
