"""docs/timeline.txt and docs/waveform.svg show the schedule as it is."""

from __future__ import annotations

from pathlib import Path

from bench import timeline, waveform
from litelstm.architectures import Architecture

PAGE = "docs/timeline.txt, made by python -m bench.timeline, is not what it prints now"


def test_the_page_is_what_the_command_prints() -> None:
    page = Path(__file__).parents[1] / "docs" / "timeline.txt"
    assert page.read_text(encoding="utf-8") == timeline.text(), PAGE


def test_the_waveform_is_what_the_command_prints() -> None:
    picture = Path(__file__).parents[1] / "docs" / "waveform.svg"
    assert picture.read_text(encoding="utf-8") == waveform.drawn()


def test_a_core_that_waits_says_so() -> None:
    small = Architecture(cell="rnn", inputs=1, units=4)
    assert "array waits" in timeline.drawn(small, 4)
    large = Architecture(cell="rnn", inputs=28, units=64)
    assert "array waits" not in timeline.drawn(large, 16)
