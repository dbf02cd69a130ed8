"""One module a command."""

import click

from litelstm.commands.compare import compare
from litelstm.commands.cycles import cycles
from litelstm.commands.demo import demo
from litelstm.commands.generate import generate
from litelstm.commands.quantize import quantize
from litelstm.commands.regress import regress
from litelstm.commands.simulate import simulate
from litelstm.commands.synth import synth

ALL: tuple[click.Command, ...] = (
    quantize,
    generate,
    simulate,
    cycles,
    synth,
    compare,
    regress,
    demo,
)
