"""Networks for a core: images of weights, or the network in its Verilog."""

from __future__ import annotations

from pathlib import Path
from typing import Union

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from golden.interface import Interface
from golden.link.messages import fingerprint
from golden.quantized import QuantizedNetwork
from litelstm.driver.description import Description

NetworkOrImage = Union[QuantizedNetwork, bytes, str, Path]
"""A quantized network, or its ``.npz`` file; an image of weights, or its file."""

IMAGE_WORD = 4
"""Bytes of an image's words."""


def require_network(description: Description, network: NetworkOrImage) -> None:
    """Check that a network is the one in a core's Verilog.

    Raises:
        InputError: the Verilog has another one, or ``network`` is an image of weights.
    """
    if not isinstance(network, (bytes, QuantizedNetwork)):
        network = read(network)
    if isinstance(network, bytes):
        raise InputError(
            f"{description.name} has its weights in the Verilog and takes no image; generate it "
            "with --storage ram"
        )
    found = fingerprint(network, Interface(classes=description.classes)).hex()
    if found != description.network:
        raise InputError(
            f"{description.name} is for network {description.network}, not for {found}; its "
            "weights are in the Verilog"
        )


def image_words(description: Description, network: NetworkOrImage) -> NDArray[np.int64]:
    """Make the words of an image for a core.

    Raises:
        InputError: an image is not whole words, or a network does not fit the core.
    """
    image = read(network) if isinstance(network, (str, Path)) else network
    if isinstance(image, QuantizedNetwork):
        image = _image_of(image, description)
    if not image or len(image) % IMAGE_WORD:
        raise InputError(f"image has {len(image)} bytes, expected words of {IMAGE_WORD}")
    return np.frombuffer(image, "<u4").astype(np.int64)


def _image_of(network: QuantizedNetwork, description: Description) -> bytes:
    """Make the image of a network for a core; this needs the generator.

    Raises:
        InputError: the network does not fit the core, or the generator is not installed.
    """
    try:
        from hdl.layout.weight_image import image
        from litelstm.packing import capacity_of, plan_for
    except ModuleNotFoundError:
        raise InputError(
            "an image of weights is needed here, where the generator is not installed: make it "
            "elsewhere with litelstm pack"
        ) from None

    plan = plan_for(network, capacity_of(description.values))
    return image(plan).astype("<u4").tobytes()


def read(path: str | Path) -> QuantizedNetwork | bytes:
    """A network from a ``.npz`` file, or the bytes of any other.

    Raises:
        InputError: the file cannot be read.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return QuantizedNetwork.load(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
