"""`litelstm report`: what the page says, and that a browser shows it without an error."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from golden.quantized import QuantizedNetwork
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm import samples
from litelstm.report.contents import Request, answers_of, gather
from litelstm.report.page import page
from litelstm.samples import Samples
from tests.litelstm.conftest import Call, Files

pytestmark = pytest.mark.slow

BROWSER = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
    "--host-resolver-rules=MAP * ~NOTFOUND",  # the page must need no network
    *("--virtual-time-budget=8000", "--window-size=1000,3000"),
)


def shown(path: Path, *, dark: bool) -> tuple[str, list[str]]:
    """Open a page in the browser; return the page as shown, and the console's messages."""
    theme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    done = subprocess.run(
        [*BROWSER, theme, f"--user-data-dir={path.parent}/browser", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.simulator
def test_the_page_tells_of_samples_and_rtl(call: Call, files: Files, tmp_path: Path) -> None:
    made = tmp_path / "report.html"
    done = call(
        *("report", files.network, "--float", files.floats, "--samples", files.samples),
        *("--rtl", 2, "--lanes", 2, "-o", made),
    )
    assert done.status == 0, done
    assert str(made) in done.out
    text = made.read_text()
    assert "4 words compared, 0 different; every word in the counted cycle" in text
    assert (
        f"litelstm simulate {files.network} --samples {files.samples} --batch --count 2 --lanes 2"
        in text
    )
    assert re.search(r"[\d.]+ nJ per inference, between", text)
    assert "all 13 tensors" in text  # x, seven weights of the layer, h, c, two of the head, output


def test_the_confusion_matrix_has_each_sample_once(files: Files) -> None:
    network = QuantizedNetwork.load(files.network)
    data = samples.load(files.samples, network=network, count=None)
    request = _request(files, data)
    found = gather(request, _quiet, answers=answers_of(request, _quiet))
    assert found.confusion is not None
    assert data.y is not None
    assert found.confusion.sum(axis=1).tolist() == np.bincount(data.y, minlength=2).tolist()
    assert found.accuracy is not None
    assert found.accuracy["golden"] == np.trace(found.confusion) / len(data.x)


def test_a_browser_shows_it_in_both_themes(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(gather(_request(files, None), _quiet)))
    inks = set()
    for dark in (False, True):
        text, messages = shown(path, dark=dark)
        assert messages == []
        plots = re.findall(r'<div id="plot-([a-z-]+)"[^>]*js-plotly-plot', text)
        assert plots == ["schedule", "cycle-use", "memories"]
        inks.update(re.findall(r'class="xtitle"[^>]*fill: (rgb\([^)]*\))', text))
    assert len(inks) == 2  # axis titles follow the theme


def test_bad_input_is_one_line(call: Call, files: Files, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = call("report", files.network, "--float", files.floats, "-o", page)
    assert (done.status, done.err) == (2, "litelstm: --float needs --samples\n")
    done = call("report", files.network, "--rtl", 3, "-o", page)
    assert (done.status, done.err) == (2, "litelstm: --rtl needs --samples\n")
    other = Path("models/mnist_litelstm.npz")
    done = call(
        *("report", files.network, "--float", other, "--samples", files.samples, "-o", page)
    )
    assert done.status == 2
    assert done.err.startswith(f"litelstm: {other}: its layers are [('litelstm', 64, 28)")
    assert done.err.count("\n") == 1
    assert not page.exists()


def _request(files: Files, data: Samples | None) -> Request:
    plan = Plan(network=QuantizedNetwork.load(files.network), options=CoreOptions(lanes=2))
    return Request(
        path=files.network,
        plan=plan,
        floats=None,
        source="",
        data=data,
        checked="",
        steps=5,
        chosen="--lanes 2",
    )


def _quiet(what: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda done: None)
