# %% [markdown]
# # A keyword spotter on a UP5K
#
# An iCE40 UP5K is a small FPGA: 5,280 logic cells, 30 block RAMs and 8 multipliers. This notebook
# puts a spotter of one word on it, from sounds to the bitstream of a board. Weights have 4 bits, so
# a multiplier computes two products (a *packed* core). What does not change from one frame to the
# next costs no cycle (a *delta* core). You need the extras `train`, `sim`, `demo` and `fpga`, and
# Verilator.

# %%
from contextlib import nullcontext
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
from python_speech_features import mfcc
from scipy.signal import lfilter
from sklearn.model_selection import train_test_split

import litelstm
from golden.changes import changes
from golden.interface import DEFAULT
from golden.model import IntegerModel
from hdl import verilog
from hdl.cycles import controls_of, count_inputs, cycles_per_sequence
from hdl.plan import Plan
from hdl.spec.multipliers import Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm.architectures import Architecture
from litelstm.data.speech import HOP, RATE, WINDOW, scaled
from litelstm.delta import thresholds
from litelstm.fpga import board_build
from litelstm.fpga.boards import BOARDS
from litelstm.torch.classifier import Classifier
from litelstm.torch.qat import QuantizationAware
from sim.samples import run_compiled

torch.manual_seed(1)
torch.set_num_threads(1)
rng = np.random.default_rng(1)

# %% [markdown]
# ## Sounds
#
# Nothing is downloaded: a word here is two vowels, made by a buzz and three resonances. Each
# speaker has another pitch, size and pace, and there is noise. The keyword is "ai". The other words
# include "ia", which has the same sounds in another order. **These words are easier than speech**,
# so the accuracy below says little about real ones; `python -m bench.spotters` takes recordings.

# %%
FORMANTS = {  # Hz: Peterson and Barney, 1952
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
WORDS = ["ai", "ia", "au", "ua", "oi", "io", "ei", "ue", "eo", "ou"]
FRAMES, SAMPLES = 40, int(RATE * (39 * HOP + WINDOW))


def vowel(name: str, pitch: float, size: float, samples: int) -> np.ndarray:
    """A buzz through three resonances."""
    phase = np.cumsum(pitch * rng.uniform(0.97, 1.03, samples) / RATE)
    sound = np.diff(np.floor(phase), prepend=0.0)
    for formant, width in zip(FORMANTS[name], (80, 100, 140), strict=True):
        radius = np.exp(-np.pi * width / RATE)
        turn = 2 * np.pi * formant * size / RATE
        sound = lfilter([1 - radius], [1, -2 * radius * np.cos(turn), radius**2], sound)
    return sound / np.abs(sound).max() * np.hanning(samples) ** 0.3


def spoken(word: str) -> np.ndarray:
    """MFCC of a word at a random place, (frames, 13)."""
    pitch, size = rng.uniform(90, 240), rng.uniform(0.9, 1.15)
    lengths = (RATE * rng.uniform(0.1, 0.2, len(word))).astype(int)
    sounds = [vowel(name, pitch, size, n) for name, n in zip(word, lengths, strict=True)]
    sound = rng.normal(scale=0.01, size=SAMPLES)
    start = rng.integers(SAMPLES - lengths.sum())
    sound[start : start + lengths.sum()] += rng.uniform(0.3, 1) * np.concatenate(sounds)
    return mfcc(sound, RATE, winlen=WINDOW, winstep=HOP, nfilt=40, nfft=round(WINDOW * RATE))


spoken_words = [*WORDS, *["ai"] * 6] * 120  # the keyword is rare: make more of it
x = np.stack([spoken(word) for word in spoken_words])
y = np.array([word == "ai" for word in spoken_words]).astype(np.int64)
x_train, x_test, y_train, y_test = train_test_split(
    x[:, :FRAMES].astype(np.float32), y, test_size=400, random_state=1, stratify=y
)
parts = scaled({"x_train": x_train, "x_test": x_test})
x_train, x_test = parts["x_train"], parts["x_test"]
print(x_train.shape, x_test.shape, f"{y_test.mean():.0%} of the test sounds are the keyword")

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 2.5), layout="constrained", sharey=True)
for axis, word in zip(axes, ("ai", "ia", "ou"), strict=True):
    axis.imshow(scaled({"x_train": x, "x_test": x[[spoken_words.index(word)]]})["x_test"][0].T)
    axis.set(title=word, xlabel="frame of 16 ms", aspect="auto")
axes[0].set_ylabel("coefficient")
plt.show()

# %% [markdown]
# ## Train, in floats and then in integers
#
# One LiteLSTM of 24 units hears the 40 frames, and a dense layer makes two logits of its last h.
# Training goes on in integers with weights of 4 bits. It also has *thresholds*: an element of x, h
# or c that moves by no more than its threshold counts as unchanged (docs/delta.md).


# %%
def train(model: torch.nn.Module, epochs: int, lr: float) -> torch.nn.Module:
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    sounds, classes = torch.from_numpy(x_train), torch.from_numpy(y_train)
    for _ in range(epochs):
        for batch in torch.randperm(len(sounds)).split(50):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(sounds[batch]), classes[batch]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        schedule.step()
    return model.eval()


def accuracy(logits: np.ndarray) -> float:
    return float((logits.argmax(1) == y_test).mean())


model = Classifier.of(Architecture(cell="litelstm", inputs=13, units=24, head=2))
network = train(model, epochs=20, lr=1e-2).export()
print(f"in floats: {accuracy(network.forward(x_test)):.1%}")

rounded, _ = litelstm.quantize(network, x_train, litelstm.Settings(weight_width=4))
rounded = replace(rounded, thresholds=thresholds("x=8,h=8,c=32", rounded))
spotter = train(QuantizationAware(network, rounded), epochs=8, lr=5e-3).export()
words = spotter.quantize_input(x_test)
logits = IntegerModel(spotter).forward(words)
print(f"in integers, weights of 4 bits, with thresholds: {accuracy(logits):.1%}")

# %%
for vector, sent in changes(spotter, words).masks():
    print(f"{vector:9} {sent.mean():6.1%} of the elements change enough to be sent")

# %% [markdown]
# ## The core
#
# Four lanes are four products per cycle. A multiplier of this part has 16 x 16 bits, enough for two
# products of 4 x 9 bits side by side: a delta core multiplies differences of 8-bit numbers, which
# have 9 bits. So two multipliers serve the four lanes.

# %%
options = CoreOptions(
    lanes=4,
    delta=True,
    multipliers=Multipliers(pack="2", multiplier="16x16"),
    storage=Storage(sums="block"),
)
core = verilog.generated(Plan(network=spotter, options=options))
run = run_compiled(core, list(words), DEFAULT.answer(logits))
print(f"{run.compared} words of the Verilog compared, {run.mismatched} differ {run.wrong_cycle}")

without = Plan(network=replace(spotter, thresholds=None), options=replace(options, delta=False))
frames = words[:100].reshape(-1, 13)
delta_cycles = count_inputs(core.plan, frames, controls_of([FRAMES] * 100)).outputs[-1] / 100
dense_cycles = cycles_per_sequence(without, FRAMES)
print(f"{delta_cycles:,.0f} cycles per word, {dense_cycles:,} without delta")

# %% [markdown]
# ## The bitstream of an iCEBreaker
#
# The board's PLL makes 24 MHz from 12 MHz, and a serial link carries sounds and answers
# (docs/host_link.md). No bitstream of this project has run on a board yet.

# %%
built = board_build.build(
    core.plan,
    BOARDS["icebreaker"],
    mhz=24,
    baud=None,
    capacity=512,
    seeds=3,
    fresh=False,
    progress=lambda *_: nullcontext(lambda _: None),
)
for name, used in built.netlist.used.items():
    print(f"{name:12} {used:6,} of {built.target.available[name]:6,}")
print(f"{built.routed.mhz:.1f} MHz reached, {built.line.clock / 1e6:g} MHz used")
print(f"{1e3 * delta_cycles / built.line.clock:.2f} ms for a word of {1e3 * SAMPLES / RATE:.0f} ms")
print(f"bitstream: {built.bitstream.stat().st_size:,} bytes")
