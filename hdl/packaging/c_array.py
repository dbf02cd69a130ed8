"""C array of an image of weights."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

_PER_LINE = 8


def array_name(stem: str) -> str:
    """Make the array's name from a file's: letters, digits and ``_``, no digit first."""
    return re.sub(r"^(?=\d)|\W", "_", stem, flags=re.ASCII) + "_weights"


def array_header(words: NDArray[np.uint32], stem: str) -> bytes:
    """Write a C header with the words of an image.

    Args:
        words: of :func:`hdl.layout.weight_image.image`, (words,).
        stem: of the file's name; the array's name is made from it.
    """
    name = array_name(stem)
    hexadecimal = [f"0x{word:08x}u," for word in words.tolist()]
    lines = [
        "    " + " ".join(hexadecimal[at : at + _PER_LINE])
        for at in range(0, len(hexadecimal), _PER_LINE)
    ]
    return "\n".join(
        [
            "/* An image of weights, for litelstm_load. */",
            f"#ifndef {name}_H",
            f"#define {name}_H",
            "",
            "#include <stdint.h>",
            "",
            f"static const uint32_t {name}[{len(words)}] = {{",
            *lines,
            "};",
            "",
            "#endif",
            "",
        ]
    ).encode()
