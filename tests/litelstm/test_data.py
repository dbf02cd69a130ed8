"""Loaders on small files of the public formats, and what they refuse."""

from __future__ import annotations

import gzip
import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.errors import InputError
from litelstm.data import idx, tables
from litelstm.data.dataset import Array, Dataset
from litelstm.tasks import TASKS


def refusal(task: str, path: Path | None) -> str:
    """The one line with which a task refuses its data."""
    with pytest.raises(InputError) as caught:
        TASKS[task].load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- the project's own arrays -----------------------------------------------------------------


def arrays(path: Path, **changes: Any) -> Path:
    rng = np.random.default_rng(0)
    parts = {
        "x_train": rng.random((6, 7, 4)),
        "y_train": np.array([0, 1] * 3),
        "x_test": rng.random((4, 7, 4)),
        "y_test": np.array([0, 1] * 2),
    }
    np.savez(path, **{k: v for k, v in (parts | changes).items() if v is not None})
    return path


def test_arrays(tmp_path: Path) -> None:
    data = TASKS["iot"].load(arrays(tmp_path / "iot.npz"))
    assert (data.steps, data.inputs, data.classes) == (7, 4, ("normal", "attack"))
    assert data.x_test.shape == (4, 7, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, "has x_test, x_train, y_train, expected x_test, y_test"),
        ({"x_train": np.ones((6, 7))}, "x_train: samples are of shape (6, 7)"),
        ({"x_test": np.full((4, 7, 4), np.nan)}, "x_test: samples hold NaN"),
        ({"y_train": np.ones(6)}, "y_train is float64 of shape (6,), expected integers (6,)"),
        ({"y_train": np.arange(6)}, "y_train is 0 to 5, expected 0 to 1 (normal, attack)"),
        ({"x_test": np.ones((4, 6, 4))}, "expected samples of one shape"),
    ],
)
def test_wrong_arrays(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = arrays(tmp_path / "iot.npz", **changes)
    line = refusal("iot", path)
    assert line.startswith(f"{path}: ")
    assert message in line


def test_wrong_paths(tmp_path: Path) -> None:
    assert refusal("mnist", None).startswith("task mnist needs --data: an .npz, or a folder")
    assert refusal("mnist", tmp_path / "no").endswith("no: does not exist")
    file = tmp_path / "file"
    file.write_bytes(b"text")
    for task in ("mnist", "intrusion", "speech", "emotion"):
        assert "is not a folder, expected one with" in refusal(task, file)
    assert "is a folder, expected a file" in refusal("iot", tmp_path)
    assert "is not an .npz file" in refusal("digits", file)


def test_shipped_digits() -> None:
    data = TASKS["digits"].load(None)
    assert (data.steps, data.inputs, len(data.classes)) == (8, 8, 10)
    assert len(data.x_train) + len(data.x_test) == 1797
    assert data.x_train.max() * data.input_scale == 1


# --- MNIST's idx files ------------------------------------------------------------------------


def idx_bytes(array: Array) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def mnist(folder: Path, *, zipped: bool = False) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    made = {
        "train-images-idx3-ubyte": rng.integers(256, size=(20, 28, 28)),
        "train-labels-idx1-ubyte": np.arange(20) % 10,
        "t10k-images-idx3-ubyte": rng.integers(256, size=(10, 28, 28)),
        "t10k-labels-idx1-ubyte": np.arange(10),
    }
    for name, array in made.items():
        data = idx_bytes(array)
        path = folder / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(data) if zipped else data)
    return made


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files(zipped: bool, tmp_path: Path) -> None:
    made = mnist(tmp_path, zipped=zipped)
    data = TASKS["mnist"].load(tmp_path)
    assert np.array_equal(data.x_train, made["train-images-idx3-ubyte"])
    assert np.array_equal(data.y_test, made["t10k-labels-idx1-ubyte"])
    assert data.input_scale == 1 / 255


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "begins with nothing, expected 00000803"),
        (lambda data: b"\x89PNG" + data, "begins with 89504e47, expected 00000803"),
        (lambda data: data[:-1], "holds 15679 bytes, expected 15680 (shape (20, 28, 28))"),
        (lambda data: data + b"x", "holds 15681 bytes, expected 15680"),
        (lambda data: data[:6], "expected 00000803"),
    ],
)
def test_damaged_idx_files(change: Any, message: str, tmp_path: Path) -> None:
    mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    line = refusal("mnist", tmp_path)
    assert line.startswith(f"{path}: ")
    assert message in line


def test_missing_and_mismatched_idx_files(tmp_path: Path) -> None:
    mnist(tmp_path, zipped=True)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.arange(9))))
    assert "t10k has 10 images and 9 labels" in refusal("mnist", tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"no gzip")
    assert "cannot be read" in refusal("mnist", tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    assert "has no t10k-labels-idx1-ubyte" in refusal("mnist", tmp_path)
    with pytest.raises(InputError, match="expected 00000801"):
        idx.read(tmp_path / "t10k-images-idx3-ubyte.gz", 1)


# --- tables of network traffic ----------------------------------------------------------------

FLOWS = """Flow_ID,Src_IP,Dst_Port,Flow_Duration,Flow_Byts/s,Timestamp,Label,Cat
a,1.2.3.4,80,10,1.5,25/07/2019,Normal,Normal
b,1.2.3.4,443,20,Infinity,25/07/2019,Anomaly,Mirai
c,1.2.3.4,80,30,,25/07/2019,Anomaly,DoS
d,1.2.3.4,80,40,2.5,25/07/2019,Normal,Normal
"""


def test_flows(tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text(FLOWS + "".join(FLOWS.split("\n", 1)[1] for _ in range(4)))
    data = TASKS["iot"].load(path)
    assert len(data.x_train) + len(data.x_test) == 20
    assert (data.steps, data.inputs) == (1, 4)  # port, duration and rate, and one zero
    assert data.x_train.min() == 0
    assert data.x_train.max() == 1
    assert not data.x_train[:, :, 3].any()
    assert np.bincount(data.y_train).tolist() == [8, 8]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a CSV file"),
        ("a,b\n1,2\n", "has columns a, b, ..., expected one named Label"),
        ("a,Label\n", "has no rows"),
        ("a,Label\n1,Normal\n2,Normal\n", "Label is 'normal' in every row"),
        ("Src_IP,Label\nx,Normal\ny,Anomaly\n", "has no columns of numbers"),
    ],
)
def test_wrong_flows(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text(text)
    line = refusal("iot", path)
    assert line.startswith(f"{path}: ")
    assert message in line


def kdd_line(attack: str, service: str = "http", duration: int = 0) -> str:
    return ",".join([str(duration), "tcp", service, "SF", *["0"] * 37, attack, "20"]) + "\n"


def test_nsl_kdd(tmp_path: Path) -> None:
    attacks = ("normal", "neptune", "satan", "guess_passwd", "rootkit")
    train = "".join(kdd_line(a, s, d) for d, a in enumerate(attacks) for s in ("http", "ftp"))
    (tmp_path / "KDDTrain+_20Percent.txt").write_text(train)
    (tmp_path / "KDDTest+.txt").write_text("".join(kdd_line(a, "new", 99) for a in attacks))
    data = TASKS["intrusion"].load(tmp_path)
    assert data.classes == tables.KDD_CLASSES
    assert data.y_test.tolist() == [0, 1, 2, 3, 4]
    assert data.inputs == 15
    features = data.x_test.reshape(5, -1)
    assert features[:, 0].tolist() == [1] * 5  # clipped to the training samples' range
    assert features.sum(axis=1).tolist() == [3] * 5  # duration, tcp, SF; the service is unknown


def test_wrong_nsl_kdd(tmp_path: Path) -> None:
    assert "has no KDDTrain+.txt or KDDTrain+_20Percent.txt" in refusal("intrusion", tmp_path)
    path = tmp_path / "KDDTrain+.txt"
    path.write_text("1,2,3\n")
    assert f"{path}: has 3 columns, expected 43" in refusal("intrusion", tmp_path)
    path.write_text(kdd_line("normal") + kdd_line("burglary"))
    assert "line 2: attack is 'burglary'" in refusal("intrusion", tmp_path)


# --- wav files --------------------------------------------------------------------------------


def wav(path: Path, *, seconds: float = 0.5, pitch: float = 440, rate: int = 8000) -> None:
    times = np.arange(int(seconds * rate)) / rate
    sound = (np.sin(2 * np.pi * pitch * times) * 20000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sound.tobytes())


def check_speech(data: Dataset, steps: int, inputs: int) -> None:
    assert (data.steps, data.inputs) == (steps, inputs)
    assert np.abs(data.x_train).max() <= 1
    assert data.x_train.any()
    assert not data.x_train[:, 0].any()  # short recordings are padded before their start


def test_spoken_digits(tmp_path: Path) -> None:
    for digit in (0, 7):
        for number in (0, 5, 6):
            wav(tmp_path / f"{digit}_anna_{number}.wav", pitch=300 + 50 * digit + number)
    data = TASKS["speech"].load(tmp_path)
    check_speech(data, 40, 13)
    assert data.classes == ("0", "7")
    assert data.y_train.tolist() == [0, 0, 1, 1]
    assert data.y_test.tolist() == [0, 1]


def test_emotions(tmp_path: Path) -> None:
    folder = tmp_path / "OAF"
    folder.mkdir()
    for n in range(2):
        for emotion in ("angry", "ps"):
            wav(folder / f"OAF_word{n}_{emotion}.wav", pitch=300 + 9 * n)
        wav(folder / f"0{n}a01Fa.wav", rate=16000)
    data = TASKS["emotion"].load(tmp_path)
    check_speech(data, 96, 20)
    assert data.classes == ("anger", "happiness", "surprise")
    assert sorted([*data.y_train, *data.y_test]) == [0, 0, 1, 1, 2, 2]


def test_wrong_wav_files(tmp_path: Path) -> None:
    assert "has no .wav files, expected DIGIT_SPEAKER_NUMBER.wav" in refusal("speech", tmp_path)
    path = tmp_path / "seven.wav"
    path.write_bytes(b"RIFF")
    for task in ("speech", "emotion"):
        assert refusal(task, tmp_path).startswith(f"{path}: its name does not tell its class")
    path.rename(tmp_path / "7_anna_0.wav")
    wav(tmp_path / "7_anna_5.wav")
    assert "7_anna_0.wav: is not a wav file" in refusal("speech", tmp_path)
    wav(tmp_path / "7_anna_0.wav", seconds=0.01)
    assert "7_anna_0.wav: has 80 samples, expected 256 or more" in refusal("speech", tmp_path)
    (tmp_path / "7_anna_0.wav").unlink()
    assert "has no recordings both below and from 5 on" in refusal("speech", tmp_path)
