"""``litelstm compare``: Table 1 of the paper, by hand for one size."""

from __future__ import annotations

import pytest

from litelstm.architectures import CELLS
from litelstm.comparison import ROWS, activations
from litelstm.energy import comparison as energy
from litelstm.paper import PAPER, TABLE_1
from tests.litelstm.commands import refuse, run, run_json

Capture = pytest.CaptureFixture[str]

# x is 28, h and c are 64: a matrix on x has 1792 weights, one on h or c 4096.
X, H, B = 28 * 64, 64 * 64, 64
EXPECTED = {
    # gates, sigmoids, tanhs, matrices, vectors, biases, products, weights
    "rnn": (0, 0, 1, 2, 0, 1, 0, X + H),
    "gru": (2, 2, 1, 6, 0, 3, 2, 3 * (X + H)),
    "lstm": (3, 3, 2, 8, 0, 4, 3, 4 * (X + H)),
    "plstm": (3, 3, 2, 8, 3, 4, 6, 4 * (X + H) + 3 * B),
    "litelstm": (1, 1, 2, 5, 0, 2, 2, 2 * X + 3 * H),
    "litelstm-diagonal": (1, 1, 2, 4, 1, 2, 3, 2 * X + 2 * H + B),
    "litelstm-none": (1, 1, 2, 4, 0, 2, 2, 2 * X + 2 * H),
}


def test_the_table(capsys: Capture) -> None:
    report = run_json(capsys, "compare")
    cells = {row["cell"]: row for row in report["cells"]}
    assert list(cells) == list(EXPECTED) == list(ROWS)
    for name, row in cells.items():
        gates, sigmoids, tanhs, matrices, vectors, biases, products, weights = EXPECTED[name]
        counted = [row[key] for key in ("gates", "matrices", "vectors", "biases", "products")]
        assert counted == [gates, matrices, vectors, biases, products], name
        assert row["activations"] == {"sigmoid": sigmoids, "tanh": tanhs}
        assert row["parameters"] == weights + biases * B
        assert row["weight_bits"] == 8 * weights
        # Nothing waits at this size; diagonals take none of the array's cycles.
        assert row["cycles_per_step"] == (weights - vectors * B) / 16
    assert cells["litelstm"]["cycles_ratio"] == pytest.approx(992 / 1472)
    assert cells["litelstm"]["parameters_ratio"] == pytest.approx(16000 / 23808)
    assert cells["lstm"]["parameters_ratio"] == cells["lstm"]["cycles_ratio"] == 1


def test_what_the_equations_have_as_printed(capsys: Capture) -> None:
    """Counted twice and alike, but for the products that the core saves; see the notes."""
    report = run_json(capsys, "compare", "--inputs", "3", "--units", "5", "--lanes", "2")
    rows = [row for row in report["cells"] if row["paper"]]
    assert [row["cell"] for row in rows] == list(PAPER)
    for row in rows:
        paper = row["paper"]
        assert row["gates"] == paper["sigmoids"]
        assert row["activations"] == {"sigmoid": paper["sigmoids"], "tanh": paper["tanhs"]}
        for name in ("matrices", "vectors", "biases", "parameters"):
            assert row[name] == paper[name], (row["cell"], name)
        saved = {"gru": 1, "litelstm": 1}.get(row["cell"], 0)
        assert row["products"] == paper["products"] - saved


def test_table_1_and_where_it_differs(capsys: Capture) -> None:
    """Every figure of the paper's table is what is counted, but for those that a note names."""
    report = run_json(capsys, "compare", "--inputs", "3", "--units", "5", "--lanes", "2")
    differing = {
        ("rnn", "products"): (2, 0),
        ("plstm", "matrices"): (11, 8),
        ("litelstm", "matrices"): (6, 5),
    }
    assert list(TABLE_1) == list(PAPER)
    for row in report["cells"]:
        if row["table"] is None:
            assert row["cell"] not in PAPER
            continue
        paper = row["paper"]
        counted = {
            "gates": row["gates"],
            "activations": row["activations"]["tanh"],
            "memory": row["memory"],
            "peephole": row["peephole"],
            "matrices": row["matrices"],
            "products": paper["products"],
            "biases": row["biases"],
            "shares": PAPER[row["cell"]].shares,
        }
        assert row["table"].keys() == counted.keys()
        for name, printed in row["table"].items():
            expected = differing.get((row["cell"], name), (counted[name],) * 2)
            assert (printed, counted[name]) == expected, (row["cell"], name)
            if printed != counted[name]:
                assert any("Table 1" in note for note in paper["notes"])


def test_what_is_printed(capsys: Capture) -> None:
    text = run(capsys, "compare")
    assert "28 inputs, 64 units, 8-bit weights, 16 lanes" in text
    assert "five matrices" in text
    assert "Table 1 says six" in text
    lines = text.splitlines()
    (matrices,) = (n for n, line in enumerate(lines) if line.startswith(" matrices"))
    assert lines[matrices + 2].split() == ["Table", "1", "2", "6", "8", "11", "6", "-", "-"]
    table = text[: text.index("(1) RNN")]
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= 80


def test_widths_and_sigmoids_count(capsys: Capture) -> None:
    small = ("compare", "--inputs", "2", "--units", "4", "--lanes", "2")
    plain = run_json(capsys, *small)["cells"]
    wide = run_json(capsys, *small, "--weight-bits", "16")["cells"]
    logistic = run_json(capsys, *small, "--sigmoid", "logistic")["cells"]
    for a, b, c in zip(plain, wide, logistic, strict=True):
        assert b["weight_bits"] == 2 * a["weight_bits"]
        assert c["activations"] == a["activations"]
        assert c["parameters"] == a["parameters"]


def test_variants_with_the_same_activations() -> None:
    assert activations(CELLS["gru-after"]) == activations(CELLS["gru"])
    assert activations(CELLS["plstm-current"]) == activations(CELLS["plstm"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--units", "8", "--lanes", "9"), "--lanes is 9, expected 1 to 8"),
        (("--units", "0"), "--units is 0, expected 1 to 2048"),
        (("--weight-bits", "1"), "--weight-bits is 1, expected 2 to 18 bits"),
        (
            ("--sigmoid", "soft"),
            "Invalid value for '--sigmoid': 'soft'",
        ),
    ],
)
def test_bad_input_is_one_line(capsys: Capture, arguments: tuple[str, ...], message: str) -> None:
    assert refuse(capsys, "compare", *arguments).startswith(message)


@pytest.mark.simulator
def test_energies(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "PAPER", ("lstm",))
    sizes = ("--inputs", "2", "--units", "2", "--lanes", "1")
    report = run_json(capsys, "compare", "--energy", *sizes)
    assert report["ratios_to"] == "lstm W8"
    rows = {row["name"]: row for row in report["cells"]}
    assert list(rows) == ["lstm W8", "lstm W4", "litelstm W4"]
    assert rows["lstm W8"]["ratio"] == 1
    for row in rows.values():
        assert row["low_nj"] < row["nj"] < row["high_nj"]
        assert row["least_ratio"] <= row["ratio"] <= row["most_ratio"]
    products = rows["lstm W8"]["counts"]["products"]
    assert products == 8 * 8 * 4 * (2 * 2 + 2 * 2)
    assert rows["lstm W4"]["counts"]["products"] == products / 2


def test_energies_need_no_part(capsys: Capture) -> None:
    said = refuse(capsys, "compare", "--energy", "--target", "ecp5-25f")
    assert said == "--energy goes without --target"
