"""Execute the notebooks of examples/notebooks, and render them as pages of the docs.

    python tools/notebooks.py [NAME ...]

A notebook is a Python file with cells, as jupytext and editors read it. Its page, with the outputs
and pictures of this run, is docs/notebooks/NAME.md.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import jupytext
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from nbconvert.filters import strip_ansi
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

ROOT = Path(__file__).parents[1]
NOTEBOOKS, PAGES = ROOT / "examples" / "notebooks", ROOT / "docs" / "notebooks"
SECONDS = 1200
"""Time that one cell may take."""


def render(name: str) -> None:
    """Execute one notebook, and write its page and pictures."""
    notebook = jupytext.read(NOTEBOOKS / f"{name}.py")
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": ROOT}}
    ).execute()
    for cell in notebook.cells:  # progress and warnings are not part of the page
        if "outputs" in cell:
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    text, resources = MarkdownExporter().from_notebook_node(notebook)
    text = re.sub(
        r"!\[png\]\(output_(\S+?)\.png\)", rf"![picture]({name}_\1.png)", strip_ansi(text)
    )
    source = f"examples/notebooks/{name}.py"
    note = f"*`{source}`; `make notebooks` executed it and wrote this page.*"
    title, _, rest = text.strip().partition("\n")
    (PAGES / f"{name}.md").write_text(f"{title}\n\n{note}\n{rest}\n")
    for old in PAGES.glob(f"{name}_*.png"):
        old.unlink()
    for output, data in resources["outputs"].items():
        (PAGES / output.replace("output", name, 1)).write_bytes(data)


def main() -> None:
    """Render the named notebooks, or all."""
    PAGES.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or sorted(path.stem for path in NOTEBOOKS.glob("*.py")):
        print(name, flush=True)
        render(name)


if __name__ == "__main__":
    main()
