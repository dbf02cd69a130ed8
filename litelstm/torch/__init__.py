"""The cells as PyTorch modules, drop-in replacements of ``torch.nn.LSTM`` (extra ``train``).

Parameters have the names of :mod:`golden.network`: layer ``n`` of a module has
``layers.n.W_fx`` (units, inputs), ``layers.n.U_fh`` (units, units), ``layers.n.b_f`` (units,), ...
A :class:`Classifier` has them as ``recurrent.layers.n.W_fx``, and its dense head as
``head.weight`` (outputs, units) and ``head.bias`` (outputs,).

Raises:
    MissingToolError: PyTorch is not installed.
"""

from golden.packages import missing

try:
    import torch as _torch  # noqa: F401
except ImportError:
    raise missing("torch", extra="train") from None

from litelstm.torch.classifier import Classifier, from_network, to_network
from litelstm.torch.layer import RecurrentLayer
from litelstm.torch.recurrent import LiteLSTM, Recurrent

__all__ = ["Classifier", "LiteLSTM", "Recurrent", "RecurrentLayer", "from_network", "to_network"]
