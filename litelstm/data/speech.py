"""Loader of wav files: spoken digits (FSDD) and emotions (TESS, Berlin), as MFCC sequences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from golden.errors import InputError
from golden.packages import load
from litelstm.data.dataset import Array, split_test

RATE = 8000
"""Samples per second to which recordings are resampled."""

WINDOW, HOP = 0.032, 0.016
"""Length of a frame, and distance of frames, in seconds."""

FILTERS = 40
"""Bands of the mel scale."""

SPREAD = 4.0
"""Standard deviations of a coefficient that fill the range of a feature, [-1, 1]."""

DIGITS = tuple("0123456789")

EMOTIONS = ("anger", "boredom", "disgust", "fear", "happiness", "sadness", "neutral", "surprise")

_TESS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "ps": "surprise",
    "sad": "sadness",
    "neutral": "neutral",
}
"""TESS: the last word of a name, as in ``OAF_back_angry.wav``; ps is a pleasant surprise."""

_BERLIN = dict(zip("WLEAFTN", EMOTIONS, strict=False))
"""Berlin: the sixth letter of a name, as in ``03a01Fa.wav``."""

FSDD_TEST = 5
"""FSDD: recordings with this number or a larger one are for training."""


def digit_of(path: Path) -> str | None:
    """Return the digit of an FSDD recording, as in ``7_jackson_32.wav``."""
    parts = path.stem.split("_")
    return parts[0] if len(parts) == 3 and parts[0] in DIGITS and parts[2].isdigit() else None


def emotion_of(path: Path) -> str | None:
    """Return the emotion of a recording of TESS or Berlin."""
    stem = path.stem
    if "_" in stem:
        return _TESS.get(stem.rsplit("_", 1)[1].lower())
    return _BERLIN.get(stem[5]) if len(stem) == 7 and stem[:2].isdigit() else None


def load_digits(folder: Path, *, coefficients: int = 13, frames: int = 40) -> dict[str, Array]:
    """Read FSDD with its official split: recordings 0 to 4 of each speaker and digit are the test.

    Raises:
        InputError: see :func:`read_folder`.
    """
    paths, y = labelled(folder, digit_of, DIGITS, "DIGIT_SPEAKER_NUMBER.wav (FSDD)")
    test = np.array([int(path.stem.split("_")[2]) < FSDD_TEST for path in paths])
    if test.all() or not test.any():
        raise InputError(f"{folder}: has no recordings both below and from {FSDD_TEST} on")
    x = spectra(paths, coefficients, frames)
    parts = {"x_train": x[~test], "y_train": y[~test], "x_test": x[test], "y_test": y[test]}
    return scaled(parts)


def load_emotions(folder: Path, *, coefficients: int = 20, frames: int = 96) -> dict[str, Array]:
    """Read TESS or Berlin; always the same fifth of the recordings is the test.

    Raises:
        InputError: see :func:`read_folder`.
    """
    shape = "SPEAKER_WORD_EMOTION.wav (TESS) or names like 03a01Fa.wav (Berlin)"
    paths, y = labelled(folder, emotion_of, EMOTIONS, shape)
    return scaled(split_test(spectra(paths, coefficients, frames), y))


def labelled(
    folder: Path, label_of: Callable[[Path], str | None], classes: tuple[str, ...], shape: str
) -> tuple[list[Path], Array]:
    """List the wav files in a folder and its subfolders, in order, with their class numbers.

    Raises:
        InputError: there is no file, or a file's name does not contain a class.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".wav")
    if not paths:
        raise InputError(f"{folder}: has no .wav files, expected {shape}")
    labels = [label_of(path) for path in paths]
    for path, label in zip(paths, labels, strict=True):
        if label is None:
            raise InputError(f"{path}: its name does not tell its class, expected {shape}")
    return paths, np.array([classes.index(label) for label in labels if label], dtype=np.int64)


def spectra(paths: list[Path], coefficients: int, frames: int) -> Array:
    """Compute MFCC, (recordings, frames, coefficients): cut at the end, NaN before the start.

    Raises:
        InputError: a file is no sound, or shorter than a frame.
        MissingToolError: python_speech_features is not installed.
    """
    mfcc = load("python_speech_features", extra="train").mfcc
    result = np.full((len(paths), frames, coefficients), np.nan, dtype=np.float32)
    for row, path in zip(result, paths, strict=True):
        made = mfcc(
            _sound(path),
            RATE,
            winlen=WINDOW,
            winstep=HOP,
            numcep=coefficients,
            nfilt=FILTERS,
            nfft=round(WINDOW * RATE),
        )
        kept = made[:frames]
        row[frames - len(kept) :] = kept
    return result


def _sound(path: Path) -> Array:
    """Read a recording's first channel at ``RATE``."""
    from scipy.io import wavfile
    from scipy.signal import resample_poly

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # unknown chunks
            rate, sound = wavfile.read(path)
    except Exception as error:  # of many kinds, also UnboundLocalError without a data chunk
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: is not a wav file: {reason}") from None
    if sound.ndim > 1:
        sound = sound[:, 0]
    if rate != RATE:
        sound = resample_poly(sound.astype(np.float64), RATE, rate)
    if len(sound) < WINDOW * RATE:
        least = round(WINDOW * RATE)
        raise InputError(f"{path}: has {len(sound)} samples, expected {least} or more")
    return sound


def scaled(parts: dict[str, Array]) -> dict[str, Array]:
    """Scale coefficients to [-1, 1] by mean and spread of the training part.

    Frames before a recording's start become 0.
    """
    train = parts["x_train"]
    mean, deviation = np.nanmean(train, axis=(0, 1)), np.nanstd(train, axis=(0, 1))
    for name in ("x_train", "x_test"):
        around_zero = (parts[name] - mean) / (SPREAD * (deviation + 1e-6))
        parts[name] = np.nan_to_num(np.clip(around_zero, -1, 1))
    return parts
