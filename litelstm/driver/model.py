"""Model of a core with its registers: runs programs without a core and without a simulator.

The model computes a whole sequence when its last element arrives, so it has no timing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from golden.errors import InputError
from golden.interface import Interface
from golden.model import IntegerModel, State
from golden.quantized import QuantizedNetwork
from golden.sessions import pack_state, unpack_state
from litelstm.driver.backend import WallTime
from litelstm.driver.description import STATE_IN, STATE_OUT, WEIGHTS, Description, X, Y
from litelstm.driver.errors import CoreTimeoutError, DriverError
from litelstm.driver.registers import join, split

Words = NDArray[np.int64]

_INTO = {
    **{"X": (X, 0), "X_LAST": (X, 1), "WEIGHT": (WEIGHTS, 0), "WEIGHT_LAST": (WEIGHTS, 1)},
    "STATE_IN": (STATE_IN, 0),
}
_OUT_OF = {"Y": Y, "STATE_OUT": STATE_OUT}


class ModelBackend(WallTime):
    """Behaves like a core with the register map, as far as a correct program can observe.

    Args:
        description: description of the core.
        networks: network of each image of weights; or the one network in the Verilog.

    Raises:
        InputError: ``networks`` is of the wrong kind for the core.
    """

    def __init__(
        self,
        description: Description,
        networks: QuantizedNetwork | Mapping[bytes, QuantizedNetwork],
    ) -> None:
        rom = description.network is not None
        if rom != isinstance(networks, QuantizedNetwork):
            raise InputError(f"{description.name} has its weights {'not ' * (not rom)}built in")
        self._description = description
        self._images = {} if isinstance(networks, QuantizedNetwork) else dict(networks)
        self._words = dict.fromkeys(description.registers, 0)
        self._addresses = {r.address: name for name, r in description.registers.items()}
        self._waiting: dict[str, deque[int]] = {Y: deque(), STATE_OUT: deque()}
        self._frames: dict[str, list[int]] = {X: [], STATE_IN: [], WEIGHTS: []}
        self._model: IntegerModel | None = None
        self._states: dict[int, State | None] = {}
        self._before: dict[int, Words] = {}
        if isinstance(networks, QuantizedNetwork):
            self._model = IntegerModel(networks)
        self._set("ID", MAGIC=int.from_bytes(b"LSTM", "little"))
        self._set("VERSION", MAJOR=1)
        self._set("CORE", HASH=description.core)
        self._set(
            "FEATURES",
            SETS=0 if rom else 1,
            KEEP=description.state != "clear",
            STATE=description.state == "load",
            EVERY_STEP=description.every_step,
            CLASSES=description.classes,
            WINDOW=description.window,
            STREAMS=description.number_of_streams,
        )
        self._set("STATUS", IDLE=1, LOADED=rom)

    def read(self, address: int) -> int:
        """See :class:`litelstm.driver.backend.Backend`."""
        name = self._name(address)
        if name in _OUT_OF:
            return self._waiting[_OUT_OF[name]].popleft() & 0xFFFFFFFF
        if name == "ROOM":
            y, state = self._waiting[Y], self._waiting[STATE_OUT]
            self._set("ROOM", X=1, Y=bool(y), WEIGHT=1, STATE_IN=1, STATE_OUT=bool(state))
        return self._words[name]

    def write(self, address: int, word: int) -> None:
        """See :class:`litelstm.driver.backend.Backend`."""
        name = self._name(address)
        if name in _INTO:
            stream, last = _INTO[name]
            signed = word - (1 << 32) if word >> 31 and stream != WEIGHTS else word
            self._frames[stream].append(signed)
            if last:
                self._frame_ends(stream)
        elif name in ("IRQ_STATUS", "ERRORS"):
            self._words[name] &= ~word
        elif name == "CONTROL":
            self._control(split(self._description.register(name), word))
        else:
            self._words[name] = word

    def transfer(
        self, outgoing: Mapping[str, bytes], incoming: Mapping[str, int], *, timeout: float
    ) -> dict[str, bytes]:
        """See :class:`litelstm.driver.backend.StreamBackend`."""
        streams = self._description.streams
        # The state to start from must arrive before x completes the sequence.
        for name in sorted(outgoing, key=lambda name: name == X):
            stream, data = streams[name], outgoing[name]
            vectors = len(data) // stream.byte_count(1)
            elements = stream.unpack(data, vectors)
            self._frames[name] += (elements & 0xFFFFFFFF if name == WEIGHTS else elements).tolist()
            self._frame_ends(name)
        came: dict[str, bytes] = {}
        for name, size in incoming.items():
            stream = streams[name]
            count = size // stream.byte_count(1) * stream.vector
            if len(self._waiting[name]) < count:
                raise CoreTimeoutError(f"after {timeout:g} s not done: {name}")
            words = [self._waiting[name].popleft() for _ in range(count)]
            came[name] = stream.pack(np.array(words, np.int64))
        return came

    def settle(self) -> None:
        """Do nothing: a reset of the model leaves no words."""

    def close(self) -> None:
        """Do nothing: the model holds no resource."""

    def _name(self, address: int) -> str:
        if address not in self._addresses:
            raise DriverError(f"no register at 0x{address:02x}")
        return self._addresses[address]

    def _set(self, name: str, **fields: int) -> None:
        register = self._description.register(name)
        self._words[name] = join(register, {**split(register, self._words[name]), **fields})

    def _happened(self, *fields: str) -> None:
        self._set("IRQ_STATUS", **dict.fromkeys(fields, 1))

    def _count(self, name: str, by: int) -> None:
        self._words[name] += by

    def _control(self, fields: dict[str, int]) -> None:
        self._set("CONTROL", ENABLE=fields["ENABLE"], BY_REGISTER=fields["BY_REGISTER"])
        if fields["CLEAR_COUNTERS"]:
            for name in ("STEPS", "SEQUENCES"):
                self._words[name] = 0
        if fields["RESET"]:
            for queue in (*self._waiting.values(), *self._frames.values()):
                queue.clear()
            self._states.clear()
            self._before.clear()

    def _frame_ends(self, stream: str) -> None:
        frame = self._frames[stream]
        if stream == X:
            self._run(np.array(frame, np.int64).reshape(-1, self._description.inputs))
        elif stream == WEIGHTS:
            self._load(np.array(frame, "<u4").tobytes())
        else:
            return  # _run reads state words with their sequence
        frame.clear()

    def _load(self, image: bytes) -> None:
        network = self._images.get(image)
        if network is None:
            self._set("STATUS", LOAD_REASON=4)
            self._set("ERRORS", WEIGHTS=1)
            self._happened("REFUSED", "ERROR")
            return
        self._model = IntegerModel(network)
        self._states.clear()
        self._set("STATUS", LOADED=1, LOAD_REASON=0)
        self._happened("LOADED")

    def _run(self, x: Words) -> None:
        model, description = self._model, self._description
        assert model is not None, "no weights yet"
        steps = len(x)
        wanted = split(description.register("SEQUENCE"), self._words["SEQUENCE"])
        stream = wanted["STREAM"]
        state = self._states.get(stream) if wanted["KEEP"] else None
        before = self._before.get(stream, x[:0]) if wanted["KEEP"] else x[:0]
        if wanted["LOAD"]:
            words = self._frames[STATE_IN][: description.state_words]
            del self._frames[STATE_IN][: description.state_words]
            state = unpack_state(model.network, np.array([words], np.int64))
        x = np.concatenate([before, x])
        run = model.run(x[np.newaxis], state=state)
        if model.network.windowed:  # such a core goes on from earlier steps, not from a state
            self._before[stream] = x
        else:
            self._states[stream] = state = run.state
        results = run.steps[0][-steps:] if description.every_step else run.output
        for words in Interface(classes=description.classes).answer(results):
            self._waiting[Y].extend(words.tolist())
        self._count("STEPS", steps)
        self._count("SEQUENCES", 1)
        self._happened("RESULT", "SEQUENCE")
        if wanted["SAVE"] and state is not None:
            self._waiting[STATE_OUT].extend(pack_state(model.network, state)[0].tolist())
            self._happened("SAVED")
