"""Loader of network traffic from text tables: flow CSVs (IoTID20, IEEE IoT) and NSL-KDD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import InputError
from golden.packages import load
from litelstm.data.dataset import Array, as_steps, in_unit_range, require_file, split_test

FLOW_INPUTS, KDD_INPUTS = 4, 15
"""Features per step."""

IDENTIFIERS = ("flow id", "src ip", "dst ip", "src port", "timestamp", "cat", "sub cat", "label")
"""Columns of a flow that are no features: addresses, time, and the class."""

NORMAL = ("normal", "benign", "benigntraffic", "0")

KDD_COLUMNS = 43
"""Columns: 41 features, the attack's name, and its difficulty."""

KDD_TEXT = (1, 2, 3)
"""Columns of text: protocol, service, flag."""

KDD_CLASSES = ("normal", "dos", "probe", "r2l", "u2r")

KDD_ATTACKS = {
    "normal": "normal",
    "dos": "back land neptune pod smurf teardrop apache2 udpstorm processtable worm mailbomb",
    "probe": "satan ipsweep nmap portsweep mscan saint",
    "r2l": "guess_passwd ftp_write imap phf multihop warezmaster warezclient spy xlock xsnoop "
    "snmpguess snmpgetattack httptunnel sendmail named",
    "u2r": "buffer_overflow loadmodule rootkit perl sqlattack xterm ps",
}
"""The data set's own grouping of its attacks."""


def load_flows(path: Path) -> dict[str, Array]:
    """Read CICFlowMeter's flows, with a column ``Label``: 0 normal, 1 attack.

    Numbers are scaled to [0, 1]; always the same fifth of the flows is for testing.

    Raises:
        InputError: the file is no such table.
    """
    table = _read_csv(require_file(path), header=0)
    names = {str(name).strip().lower().replace("_", " "): name for name in table.columns}
    if "label" not in names:
        found = ", ".join(" ".join(str(name).split()) for name in table.columns[:5])
        raise InputError(f"{path}: has columns {found}, ..., expected one named Label")
    labels = table[names["label"]].astype(str).str.strip().str.lower()
    y = np.where(labels.isin(NORMAL), 0, 1).astype(np.int64)
    if len(np.unique(y)) < 2:
        raise InputError(
            f"{path}: Label is {labels.iloc[0]!r} in every row, expected normal flows and attacks"
        )
    columns = [column for name, column in names.items() if name not in IDENTIFIERS]
    x = _numbers(table[columns])
    if not x.shape[1]:
        raise InputError(f"{path}: has no columns of numbers")
    parts = split_test(x, y)
    train, test = in_unit_range(parts["x_train"], parts["x_test"])
    parts |= {"x_train": as_steps(train, FLOW_INPUTS), "x_test": as_steps(test, FLOW_INPUTS)}
    return parts


def load_nsl_kdd(folder: Path) -> dict[str, Array]:
    """Read NSL-KDD's text files, with five classes: numbers scaled to [0, 1], text one-hot.

    Args:
        folder: folder with ``KDDTrain+.txt`` (or ``KDDTrain+_20Percent.txt``) and ``KDDTest+.txt``.

    Raises:
        InputError: a file is missing or not as expected.
    """
    train = _read_kdd(folder, ("KDDTrain+.txt", "KDDTrain+_20Percent.txt"))
    test = _read_kdd(folder, ("KDDTest+.txt",))
    numeric = [n for n in range(KDD_COLUMNS - 2) if n not in KDD_TEXT]
    parts = in_unit_range(_numbers(train[numeric]), _numbers(test[numeric]))
    for column in KDD_TEXT:
        train[column], test[column] = (table[column].map(str) for table in (train, test))
        words = sorted(set(train[column]))
        one_hot = (
            (table[column].to_numpy()[:, None] == np.array(words)[None]).astype(np.float64)
            for table in (train, test)
        )
        parts = tuple(np.hstack(pair) for pair in zip(parts, one_hot, strict=True))
    return {
        "x_train": as_steps(parts[0], KDD_INPUTS),
        "y_train": train["class"].to_numpy(dtype=np.int64),
        "x_test": as_steps(parts[1], KDD_INPUTS),
        "y_test": test["class"].to_numpy(dtype=np.int64),
    }


def _read_kdd(folder: Path, names: tuple[str, ...]) -> Any:
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        raise InputError(f"{folder}: has no {' or '.join(names)}")
    table = _read_csv(path, header=None)
    if table.shape[1] != KDD_COLUMNS:
        raise InputError(f"{path}: has {table.shape[1]} columns, expected {KDD_COLUMNS}")
    group = {attack: kind for kind, attacks in KDD_ATTACKS.items() for attack in attacks.split()}
    kinds = table[KDD_COLUMNS - 2].astype(str).str.strip().map(group)
    if kinds.isna().any():
        row = int(np.flatnonzero(kinds.isna())[0])
        attack = table[KDD_COLUMNS - 2][row]
        raise InputError(f"{path}: line {row + 1}: attack is {attack!r}, which NSL-KDD has not")
    table["class"] = kinds.map(KDD_CLASSES.index)
    return table


def _read_csv(path: Path, *, header: int | None) -> Any:
    pandas = load("pandas", extra="train")
    try:
        table = pandas.read_csv(path, header=header, skipinitialspace=True, low_memory=False)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path}: is not a CSV file: {' '.join(str(error).split())}") from None
    if table.empty:
        raise InputError(f"{path}: has no rows")
    return table


def _numbers(table: Any) -> Array:
    """Select the columns of numbers as float64; values that are not finite become 0."""
    import pandas

    numbers = table.apply(pandas.to_numeric, errors="coerce").dropna(axis=1, how="all")
    return np.nan_to_num(numbers.to_numpy(dtype=np.float64), posinf=0.0, neginf=0.0)
