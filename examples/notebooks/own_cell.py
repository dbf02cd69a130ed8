# %% [markdown]
# # A cell of your own
#
# A cell is described twice: its numbers for the golden model, its gates for the hardware.
# docs/cells.md adds a *minimal gated unit*, a GRU with one gate. This notebook takes both
# descriptions from that page and makes a core of them. (To keep a cell, put them into
# golden/cells.py and hdl/cells.py.)

# %%
import numpy as np

import golden.cells
import hdl.cells
import litelstm
from bench import pages
from golden.interface import DEFAULT
from sim.samples import run_compiled

page = pages.read("docs/cells.md")
for room in (golden.cells, hdl.cells):
    code = pages.block(page, f"python {room.__name__.split('.')[0]}", "")
    print(code)
    exec(compile(code, room.__name__, "exec"), vars(room))
MGU = golden.cells.MGU
golden.cells.CELLS["mgu"] = MGU
hdl.cells.CELLS["mgu"] = hdl.cells.mgu

# %% [markdown]
# ## A network of that cell

# %%
random = np.random.default_rng(1)
shapes = {
    "W_fx": (12, 4),
    "U_fh": (12, 12),
    "b_f": (12,),
    "W_nx": (12, 4),
    "U_nh": (12, 12),
    "b_n": (12,),
}
weights = {name: random.normal(0, 0.4, shape) for name, shape in shapes.items()}
layer = litelstm.Layer(cell=MGU(), weights=weights, sigmoid="hard")
network = litelstm.Network(layers=(layer,))

samples = random.uniform(-1, 1, (30, 10, 4))
quantized, report = litelstm.quantize(network, samples)
words = quantized.quantize_input(samples)
raw = litelstm.IntegerModel(quantized).forward(words)
h = quantized.layers[0].formats.h
print(f"largest error of h: {np.abs(h.to_float(raw) - network.forward(samples)).max():.4f}")

# %% [markdown]
# ## Its core
#
# File format, quantizer, integer model, memories, sequencer, state update and cycle count all
# follow from the two descriptions. So does the bench.

# %%
core = litelstm.generate(quantized, lanes=4, name="mgu_core")
run = run_compiled(core, list(words), DEFAULT.answer(raw))
print(f"{run.compared} words compared, {run.mismatched} differ {run.wrong_cycle}")
print(f"{run.cycles_per_step:.1f} cycles per step")
