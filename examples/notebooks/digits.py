# %% [markdown]
# # Digits, from nothing to a core
#
# Trains a LiteLSTM on digits of 8 x 8 pixels, turns it into integers, runs its Verilog, looks at
# the hidden state, and places and routes it. It needs the extras `train`, `sim`, `demo` and
# `fpga`, and Verilator.

# %%
from contextlib import nullcontext

import numpy as np
import torch
from IPython.display import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import litelstm
from golden.interface import DEFAULT
from golden.model import IntegerModel
from hdl.cycles import cycles_per_sequence
from litelstm import picture
from litelstm.architectures import Architecture
from litelstm.fpga.flow import Flow
from litelstm.fpga.measure import measure
from litelstm.fpga.targets import TARGETS
from litelstm.torch.classifier import Classifier
from sim.samples import run_compiled

torch.manual_seed(1)
torch.set_num_threads(1)
digits = load_digits()
x, y = (digits.images / 16).astype(np.float32), digits.target
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=300, random_state=1)
print(x_train.shape, x_test.shape)

# %% [markdown]
# ## Train
#
# The network reads a picture row by row: 8 steps of 8 pixels. A dense head makes ten logits of h
# after the last row.

# %%
model = Classifier.of(Architecture(cell="litelstm", inputs=8, units=24, head=10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
pictures, classes = torch.from_numpy(x_train), torch.from_numpy(y_train)
for _ in range(20):
    for batch in torch.randperm(len(pictures)).split(100):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(pictures[batch]), classes[batch])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
network = model.eval().export()
print(f"accuracy in floats: {(network.forward(x_test).argmax(1) == y_test).mean():.1%}")

# %% [markdown]
# ## Integers
#
# The training pictures calibrate the formats: 8 bits for weights, x and h, 12 for c.

# %%
quantized, report = litelstm.quantize(network, x_train)
integers = IntegerModel(quantized)
words = quantized.quantize_input(x_test)
logits = integers.forward(words)
print(f"accuracy in integers: {(logits.argmax(1) == y_test).mean():.1%}")

# %% [markdown]
# ## The core, and its Verilog against the integers
#
# Eight lanes are eight products per cycle. The bench feeds the test pictures to the Verilog and
# compares every logit, and the cycle of every transfer.

# %%
core = litelstm.generate(quantized, lanes=8)
run = run_compiled(core, list(words), DEFAULT.answer(logits))
print(f"{run.compared} words compared, {run.mismatched} differ {run.wrong_cycle}")
print(f"{run.cycles_per_step:.1f} cycles per step, {cycles_per_sequence(core.plan, 8)} per picture")

# %% [markdown]
# ## The hidden state
#
# Left h in floats, right in integers: the same picture, in 8 bits.

# %%
to = quantized.layers[0].formats.h
figure = picture.hidden_state(
    x_test[0],
    network.run(x_test[:1]).layers[0]["h"][0],
    to.to_float(integers.run(words[:1]).layers[0]["h"][0]),
    title=f"hidden state while reading a {y_test[0]}",
    lsb=2.0**-to.frac,
)
Image(picture.png(figure, dpi=80))

# %% [markdown]
# ## Area and clock on an ECP5
#
# `litelstm synth` prints the same with a table of the parts.

# %%
measured = measure(
    quantized,
    Flow(target=TARGETS["ecp5-25f"]),
    options=core.plan.options,
    seeds=1,
    steps=8,
    bare_array=False,
    bitstream=False,
    progress=lambda *_: nullcontext(lambda _: None),
).as_json()
for name, amount in measured["resources"].items():
    print(f"{name:12} {amount['used']:6,} of {amount['available']:6,}")
mhz, rate = measured["clock"]["median_mhz"], measured["inferences_per_second"]
print(f"{mhz:.0f} MHz, {rate:,} pictures per second")
