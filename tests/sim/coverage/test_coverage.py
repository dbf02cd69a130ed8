"""Coverage of two small cores, one with planted lines, and what the page and the waivers say."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pytest

from golden.errors import InputError
from hdl.verilog import Generated, generated
from sim.compiled.counts import Point
from sim.coverage import waivers
from sim.coverage.lines import has_code, never_run
from sim.coverage.measure import LEFT, PROVED, REACHED, WAIVED, Covered, Task, cover, word
from sim.coverage.page import Tally, page, row
from sim.coverage.reach import Never, proved
from sim.coverage.waivers import Waiver
from sim.mutants.cores import SmallCase

PLANTED = """
  reg [2:0] held = 3'h0;
  reg long, never;
  always @(posedge clk)
    held <= rst ? held + 3'h1 : 3'h0;
  always @* begin
    long = 1'h0;
    never = 1'h0;
    if (held[2]) begin
      long = 1'h1;
    end
    casez ({ held[2], long })
      2'h1:
          never = 1'h1;
    endcase
  end
endmodule
"""
"""Lines that run after four cycles of reset, and never."""

CASE = """\
module counts();
  wire [1:0] here;
  always @* begin
    if (auto_3) begin end
    casez (here)
      2'h1, 2'h2:
          there = 1'h1;
      default: ;
    endcase
    if (one) begin
      there = 1'h0;
    end else if (here[1]) begin
      there = 1'h1;
    end
  end
endmodule
""".splitlines()

COUNTER = """\
module top(clk, go);
  input clk, go;
  reg [1:0] count = 2'h0;
  always @(posedge clk)
    count <= count[1] ? 2'h0 : count + go;
endmodule
"""
"""Counts 0, 1, 2."""


def shares(covered: Covered) -> tuple[float, float]:
    return Tally.of(covered.lines.values()).share, Tally.of(covered.toggles.values()).share


@pytest.mark.simulator
def test_a_core_without_a_hole() -> None:
    lines, toggles = shares(cover(Task(number=3, seconds=2, runs=4, waivers=waivers.read())))
    assert lines == 100
    assert toggles > 95


@pytest.mark.simulator
def test_planted_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(case: SmallCase) -> Generated:
        core = generated(case.plan, name=case.name)
        return replace(core, verilog=core.verilog.replace("\nendmodule\n", PLANTED, 1))

    name = cached_property(planted)
    name.__set_name__(SmallCase, "core")
    monkeypatch.setattr(SmallCase, "core", name)
    found = cover(Task(number=129, seconds=2, runs=4, waivers=waivers.read()))
    left = [line for line, fate in found.lines.items() if fate == LEFT]
    assert [line.split(":")[0] for line in left] == [""], left  # the top
    assert found.toggles["long:0->1"] == LEFT
    assert found.toggles["never:0->1"] == PROVED
    assert found.toggles["clk:1->0"] == WAIVED
    assert shares(found)[1] > 95


@pytest.mark.proof
def test_what_a_counter_can_reach(tmp_path: Path) -> None:
    claims = [
        [Never(now={"count[0]": 1, "count[1]": 1})],
        [Never(now={"count[0]": 0, "count[1]": 1})],
        [Never(before={"count[1]": 1}, now={"count[1]": 1})],
        [Never(before={"count[0]": 1}, now={"count[0]": 0})],
        [Never(now={"other": 1})],
        [Never(now={"count[0]": 1, "count[1]": 1}), Never(now={"go": 0, "clk": 1})],
    ]
    found = proved(COUNTER, "top", claims, tmp_path, seconds=5)
    assert found == [True, False, True, False, False, False]


def at(line: int, what: str, kind: str = "line") -> Point:
    return Point(kind=kind, module="counts", place="core", what=what, line=line, count=0)


@pytest.mark.quick
def test_conditions_of_lines() -> None:
    assert never_run(CASE, at(6, "case")) == [
        Never(now={"core.here[1]": 0, "core.here[0]": 1}),
        Never(now={"core.here[1]": 1, "core.here[0]": 0}),
    ]
    assert never_run(CASE, at(10, "if")) == [Never(now={"core.one": 1})]
    assert never_run(CASE, at(12, "if")) == [Never(now={"core.here[1]": 1, "core.one": 0})]
    assert never_run(CASE, at(3, "block")) == []
    assert has_code(CASE, at(12, "if"))
    assert not has_code(CASE, at(4, "if"))
    assert not has_code(CASE, at(8, "case"))


@pytest.mark.quick
def test_the_table_of_waivers(tmp_path: Path) -> None:
    path = tmp_path / "waivers.tsv"
    assert word("core.memory[3][2]:0->1") == "core.memory[3]"
    assert word("core.sum[2]:1->0") == "core.sum[2]"
    path.write_text("a.*\tnever\nb\tidle\n")
    table = waivers.read(path)
    assert waivers.idle(table, ["abc", "bb"]) == [Waiver("b", "idle")]
    for text, why in (("a\n", "a pattern, a tab and a reason"), ("(\tx\n", "is no pattern")):
        path.write_text(text)
        with pytest.raises(InputError, match=why):
            waivers.read(path)


@pytest.mark.quick
def test_the_page_names_what_is_left() -> None:
    covered = Covered(
        core="rnn",
        lines={"core:3 if": LEFT, "core:4 if": REACHED, "core:5 if": PROVED},
        toggles={"core.a[3]:0->1": LEFT, "core.a[3]:1->0": LEFT, "b:1->0": LEFT, "c": WAIVED},
    )
    text = page([covered], [Waiver("c", "of no use")], {("shape", "head"): 2}, 7)
    assert "| rnn | 3 | 1 | 50.00 % | 4 | 0 | 1 | 0.00 % |" in text
    assert "- line `core:3 if`\n- `core`: a[3]\n- `top`: b falls" in text
    assert "| `c` | of no use | 1 |" in text
    assert "- missed: shape: one lane" in text
    assert "missed: shape: head" not in text
    assert row(covered) == "rnn: 50.00 % of lines, 0.00 % of changes"
