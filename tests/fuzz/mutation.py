"""Mutations of files that know their structure: archives, JSON, NumPy headers, tables, bytes."""

from __future__ import annotations

import copy
import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from typing import Any

Mutate = Callable[[bytes, random.Random], bytes]

NUMBERS = (0, 1, -1, 2, 127, 128, 255, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**63, 10**30)
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    *(None, True, False, "", "../outside/secret", "x" * 300, [], {}, [[]], 0.5, -0.0),
    *(float("nan"), float("inf"), [1, 2, 3], {"a": 1}, "tanh", "none", "\ud800", "\0"),
)
WORDS = (b"", b"nan", b"inf", b"-1", b"1e999", b'"', b",", b"\n", b"\0", b"\xff\xfe", b"normal")
NAMES = ("../outside/evil", "/tmp/evil", "metadata.json", "a" * 500, "data.pkl", "layers/x", "é")


def of_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, repeat, insert, or overwrite with a number of 1 to 8 bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(changed) + 1)
        size = rng.choice((1, 2, 4, 8, 16, 64))
        way = rng.randrange(6)
        if way == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            del changed[at : at + size]
        elif way == 2:
            changed[at:at] = changed[at : at + size]
        elif way == 3:
            changed[at:at] = rng.randbytes(size)
        elif way == 4:
            number = rng.choice(NUMBERS) & (1 << 8 * size) - 1
            changed[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
        elif rng.random() < 0.2:
            del changed[at:]
    return bytes(changed)


def of_json(data: bytes, rng: random.Random) -> bytes:
    """Replace, drop or double a value; now and then break the text itself."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return of_bytes(data, rng)
    if rng.random() < 0.1:
        return of_bytes(data, rng)
    if rng.random() < 0.02:
        return b"[" * 100_000
    for _ in range(rng.choice((1, 1, 2))):
        told = _of_value(told, rng)
    return json.dumps(told).encode("utf-8", "surrogatepass")


def _of_value(told: Any, rng: random.Random) -> Any:
    places: list[tuple[Any, Any]] = []
    left = [told] if isinstance(told, (dict, list)) else []
    while left:
        node = left.pop()
        keys = node if isinstance(node, dict) else range(len(node))
        for key in keys:
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                left.append(node[key])
    if not places or rng.random() < 0.03:
        return copy.deepcopy(rng.choice(VALUES))
    node, key = rng.choice(places)
    way = rng.random()
    if way < 0.15:
        del node[key]
    elif way < 0.3 and isinstance(node, list):
        node.insert(key, node[key])
    elif way < 0.4 and isinstance(node, dict):
        node[rng.choice(("name", "units", "x", "", key + "_"))] = node.pop(key)
    elif way < 0.6:
        other, place = rng.choice(places)
        node[key] = copy.deepcopy(other[place])
    else:
        node[key] = copy.deepcopy(rng.choice(VALUES))
    return told


def of_npy(data: bytes, rng: random.Random) -> bytes:
    """Change shape, type or order in a NumPy header; or its bytes."""
    end = data.find(b"\n", 10)
    if end < 0 or rng.random() < 0.4:
        return of_bytes(data, rng)
    header = data[10:end].decode("latin-1").rstrip()
    way = rng.randrange(4)
    if way == 0:
        shape = ", ".join(str(rng.choice(NUMBERS)) for _ in range(rng.randrange(5)))
        header = re.sub(r"'shape': \([^)]*\)", f"'shape': ({shape},)", header)
    elif way == 1:
        kind = rng.choice(("|O", "<f8", "<i8", "<U300", "|V8", "<c16", "<M8[s]", "|b1", ">f2", "x"))
        header = re.sub(r"'descr': '[^']*'", f"'descr': '{kind}'", header)
    elif way == 2:
        header = header.replace("False", "True")
    else:
        header = of_bytes(header.encode("latin-1"), rng).decode("latin-1")
    text = header.encode("latin-1", "replace") + b"\n"
    return data[:8] + (len(text) & 0xFFFF).to_bytes(2, "little") + text + data[end + 1 :]


def of_zip(data: bytes, rng: random.Random) -> bytes:
    """Change, rename, drop or double a member of an archive; or the archive's bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:
        return of_bytes(data, rng)
    if not members or rng.random() < 0.1:
        return of_bytes(data, rng)
    at = rng.randrange(len(members))
    name, content = members[at]
    way = rng.random()
    if way < 0.1:
        del members[at]
    elif way < 0.2:
        members[at] = (rng.choice((*NAMES, members[rng.randrange(len(members))][0])), content)
    elif way < 0.25:
        members.append((name, content))
    elif way < 0.3:
        members[at] = (name, members[rng.randrange(len(members))][1])
    else:
        members[at] = (name, _inner(name)(content, rng))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as made:
        for name, content in members:
            made.writestr(name, content)
    return out.getvalue()


def _inner(name: str) -> Mutate:
    return {"json": of_json, "npy": of_npy}.get(name.rsplit(".", 1)[-1], of_bytes)


def of_safetensors(data: bytes, rng: random.Random) -> bytes:
    """Change the JSON header and its length's field along with it; or the bytes."""
    size = int.from_bytes(data[:8], "little")
    if size > len(data) or rng.random() < 0.2:
        return of_bytes(data, rng)
    header = of_json(data[8 : 8 + size], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def of_table(data: bytes, rng: random.Random) -> bytes:
    """Replace a field of a table, or its bytes."""
    fields = re.split(rb"([,\n])", data)
    if rng.random() < 0.3:
        return of_bytes(data, rng)
    for _ in range(rng.choice((1, 2, 20))):
        fields[rng.randrange(len(fields))] = rng.choice(WORDS)
    return b"".join(fields)
