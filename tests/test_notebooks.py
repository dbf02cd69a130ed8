"""The notebooks: their pages are of this code, one runs here; `make notebooks` runs all."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_shows_the_notebooks_code_and_pictures(notebook: Path) -> None:
    cells = re.split(r"^# %%(.*)\n", notebook.read_text(), flags=re.MULTILINE)[1:]
    code = [text.strip() for kind, text in zip(cells[::2], cells[1::2], strict=True) if not kind]
    page = ROOT / "docs" / "notebooks" / f"{notebook.stem}.md"
    text = page.read_text()
    assert [found.strip() for found in re.findall(r"```python\n(.*?)```", text, re.DOTALL)] == code
    pictures = {page.parent / name for name in re.findall(r"!\[picture\]\((\S+)\)", text)}
    assert pictures == set(page.parent.glob(f"{notebook.stem}_*.png"))
    assert "Traceback" not in text


@pytest.mark.frameworks
def test_a_pytorch_module_becomes_a_core(capsys: pytest.CaptureFixture[str]) -> None:
    """The notebook prints what its page shows."""
    runpy.run_path(str(ROOT / "examples" / "notebooks" / "own_network.py"))
    shown = (ROOT / "docs" / "notebooks" / "own_network.md").read_text()
    for line in capsys.readouterr().out.splitlines():
        assert line.strip() in shown, line
