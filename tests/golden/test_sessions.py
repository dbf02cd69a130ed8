"""Streams and state in the golden model: what is cut, interleaved or restored stays the same."""

from __future__ import annotations

import numpy as np
import pytest

from golden.cells import GRU, LSTM, RNN, LiteLSTM
from golden.errors import InputError
from golden.interface import Control, Interface
from golden.model import IntegerModel
from golden.quantized import Integers
from golden.sessions import pack_state, serve, state_vectors, state_words, unpack_state
from tests.networks import Recipe, input_words, quantized_network

NETWORK = quantized_network(
    Recipe(inputs=3, units=(4, 3, 2), outputs=5, cells=(LiteLSTM(), GRU(), LSTM())), 7
)
MODEL = IntegerModel(NETWORK)
STEPS = 6


def sequence(seed: int) -> Integers:
    """Input words of one sequence, (STEPS, inputs)."""
    return input_words(NETWORK, batch=1, steps=STEPS, seed=seed)[0]


def ends(count: int = STEPS, **fields: object) -> list[Control]:
    """Controls of a sequence that ends with its last step."""
    return [Control(last=n == count - 1, **fields) for n in range(count)]  # type: ignore[arg-type]


def test_plain_sequences_are_the_models() -> None:
    x = [sequence(1), sequence(2)]
    served = serve(MODEL, Interface(), np.concatenate(x), ends() + ends())
    assert (served.words == MODEL.forward(np.stack(x))).all()
    assert served.last.all()


def test_a_sequence_cut_in_two_and_kept_is_the_whole() -> None:
    x = sequence(1)
    controls = ends(2) + ends(4, keep=True)
    served = serve(MODEL, Interface(state="keep"), x, controls)
    assert (served.words[1] == MODEL.forward(x[np.newaxis])[0]).all()
    cleared = serve(MODEL, Interface(state="keep"), x, ends(2) + ends(4))
    assert (cleared.words[1] == MODEL.forward(x[np.newaxis, 2:])[0]).all()
    assert (cleared.words[1] != served.words[1]).any()


def test_a_new_stream_has_nothing_to_keep() -> None:
    x = sequence(1)
    served = serve(MODEL, Interface(state="keep"), x, ends(keep=True))
    assert (served.words == MODEL.forward(x[np.newaxis])).all()


def test_streams_do_not_touch_each_other() -> None:
    x, y = sequence(1), sequence(2)
    mixed = np.stack([x, y], axis=1).reshape(2 * STEPS, -1)
    pairs = zip(ends(stream=1), ends(stream=0), strict=True)
    served = serve(MODEL, Interface(streams=2), mixed, [c for pair in pairs for c in pair])
    assert served.streams.tolist() == [1, 0]
    assert (served.words == MODEL.forward(np.stack([x, y]))).all()


def test_every_step_and_classes() -> None:
    x = sequence(1)
    served = serve(MODEL, Interface(every_step=True), x, ends())
    assert (served.words == MODEL.forward_steps(x[np.newaxis])[0]).all()
    assert served.last.tolist() == [0] * (STEPS - 1) + [1]
    named = serve(MODEL, Interface(every_step=True, classes=True), x, ends())
    assert (named.words[:, 0] == served.words.argmax(axis=1)).all()


def test_what_was_saved_can_be_loaded() -> None:
    x = sequence(1)
    interface = Interface(state="load", streams=2)
    saving = [Control(save=n == 2, last=n == STEPS - 1) for n in range(STEPS)]
    whole = serve(MODEL, interface, x, saving)
    loading = [Control(load=n == 0, stream=1, last=n == 2) for n in range(3)]
    rest = serve(MODEL, interface, x[3:], loading, whole.saved)
    assert (rest.words == whole.words).all()


def test_words_of_the_state() -> None:
    vectors = [("h", 0), ("h", 1), ("h", 2), ("c", 0), ("c", 2)]
    assert state_vectors(NETWORK) == vectors
    assert state_words(NETWORK) == 4 + 3 + 2 + 4 + 2
    state = MODEL.run(sequence(1)[np.newaxis]).state
    words = pack_state(NETWORK, state)
    again = unpack_state(NETWORK, words)
    assert all((again[layer][name] == state[layer][name]).all() for name, layer in vectors)
    assert words[0, 4:7].tolist() == state[1]["h"][0].tolist()


def test_bad_state_and_interfaces_are_refused() -> None:
    words = np.zeros((1, state_words(NETWORK)), dtype=np.int64)
    with pytest.raises(InputError, match=r"state words are of shape \(1, 14\), expected"):
        unpack_state(NETWORK, words[:, 1:])
    words[0, 5] = 1 << 20
    with pytest.raises(InputError, match="layer1 h is 0 to 1048576, expected"):
        unpack_state(NETWORK, words)
    with pytest.raises(InputError, match="streams is 0, expected 1 to 256"):
        Interface(streams=0)
    with pytest.raises(InputError, match="state is 'kept', expected clear, keep or load"):
        Interface(state="kept")
    with pytest.raises(InputError, match="there are 6 steps, but controls of 12"):
        serve(MODEL, Interface(), sequence(1), ends() + ends())
    bare = quantized_network(Recipe(units=(2,), outputs=None, cells=(RNN(),)), 1)
    with pytest.raises(InputError, match="class output needs a dense head"):
        Interface(classes=True).check(bare)
