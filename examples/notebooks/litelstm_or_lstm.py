# %% [markdown]
# # LiteLSTM or LSTM?
#
# The paper says that a LiteLSTM is a third smaller than an LSTM and as accurate. Both learn the
# same digits here, and both become cores of eight lanes. It needs the extra `train`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import litelstm
from golden.model import IntegerModel
from hdl import cycles
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.architectures import Architecture
from litelstm.torch.classifier import Classifier

torch.set_num_threads(1)
digits = load_digits()
x, y = (digits.images / 16).astype(np.float32), digits.target
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=600, random_state=1)

# %% [markdown]
# ## Accuracy
#
# Three seeds each; one seed says nothing.


# %%
def trained(cell: str, seed: int) -> litelstm.Network:
    torch.manual_seed(seed)
    model = Classifier.of(Architecture(cell=cell, inputs=8, units=24, head=10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    pictures, classes = torch.from_numpy(x_train), torch.from_numpy(y_train)
    for _ in range(15):
        for batch in torch.randperm(len(pictures)).split(100):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(pictures[batch]), classes[batch]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return model.eval().export()


def accuracy(logits: np.ndarray) -> float:
    return float((logits.argmax(1) == y_test).mean())


cells, found = ("litelstm", "lstm"), {}
for cell in cells:
    for seed in (1, 2, 3):
        network = trained(cell, seed)
        quantized, _ = litelstm.quantize(network, x_train)
        words = quantized.quantize_input(x_test)
        in_floats, in_integers = (
            accuracy(network.forward(x_test)),
            accuracy(IntegerModel(quantized).forward(words)),
        )
        found.setdefault(cell, []).append(in_integers)
        print(f"{cell:9} seed {seed}: {in_floats:.1%} in floats, {in_integers:.1%} in integers")

# %% [markdown]
# ## Parameters and cycles

# %%
costs = {}
for cell in cells:
    quantized = Architecture(cell=cell, inputs=8, units=24, head=10).quantized(litelstm.Settings())
    plan = Plan(network=quantized, options=CoreOptions(lanes=8))
    numbers = sum(weight.size for layer in quantized.layers for weight in layer.weights.values())
    costs[cell] = {
        "parameters": numbers,
        "cycles per step": cycles.steady_state(plan).cycles_per_step,
    }
    print(cell, costs[cell])

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
axes[0].bar(cells, [100 * np.mean(found[cell]) for cell in cells])
axes[0].errorbar(
    cells,
    [100 * np.mean(found[cell]) for cell in cells],
    [100 * np.std(found[cell]) for cell in cells],
    fmt="none",
    ecolor="black",
    capsize=5,
)
axes[0].set(title="accuracy in %", ylim=(80, 100))
for axis, name in zip(axes[1:], ("parameters", "cycles per step"), strict=True):
    axis.bar(cells, [costs[cell][name] for cell in cells])
    axis.set(title=name)
plt.show()

# %% [markdown]
# Gates: `litelstm compare --target ecp5-25f --inputs 8 --units 24` places and routes both. LUTs
# and multipliers belong to the lanes, which both cells share, so they hardly differ; docs/fpga.md
# has the table for a larger layer.
