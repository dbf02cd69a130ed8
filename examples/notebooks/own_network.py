# %% [markdown]
# # Your own network
#
# A PyTorch module becomes a core in four lines. Files of ONNX, Keras and TFLite take the same way
# with `litelstm.import_network(path)`. It needs the extra `train`.

# %%
import torch
from torch import nn

import litelstm
from hdl.cycles import cycles_per_sequence

torch.manual_seed(1)


class Gesture(nn.Module):
    """Six accelerations and rotations per step; four gestures."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(6, 16, batch_first=True)
        self.out = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps, _ = self.lstm(x)
        return self.out(steps[:, -1])


model = Gesture().eval()  # load your weights here

# %% [markdown]
# ## Import
#
# litelstm reads the module's graph, and runs module and network on random sequences: both must
# agree.

# %%
imported = litelstm.import_torch_module(model)
print(*imported.notes, sep="\n")
network = imported.network
for layer in network.layers:
    print(layer.cell.kind, "inputs", layer.inputs, "units", layer.units)

# %% [markdown]
# ## Quantize
#
# Take real samples: they decide the formats. Here they are random.

# %%
samples = torch.randn(64, 20, 6).clamp(-2, 2).numpy()
quantized, report = litelstm.quantize(network, samples)
integers = litelstm.IntegerModel(quantized)
words = integers.forward(quantized.quantize_input(samples))
same = (words.argmax(1) == network.forward(samples).argmax(1)).mean()
print(f"same gesture as in floats: {same:.1%}")

# %% [markdown]
# ## Generate
#
# The cycle count is exact, so the rate at a clock is known before synthesis.

# %%
core = litelstm.generate(quantized, lanes=8)
print(*core.verilog.splitlines()[:12], sep="\n")
cycles = cycles_per_sequence(core.plan, 20)
print(f"{cycles} cycles per gesture: {50e6 / cycles:,.0f} per second at 50 MHz")
