"""Commands, one module per command, in the order of a user's work."""

import click

from litelstm.commands.build import build
from litelstm.commands.compare import compare
from litelstm.commands.cycles import cycles
from litelstm.commands.demo import demo
from litelstm.commands.explore import explore
from litelstm.commands.generate import generate
from litelstm.commands.host import host
from litelstm.commands.import_ import import_
from litelstm.commands.pack import pack
from litelstm.commands.prove import prove
from litelstm.commands.quantize import quantize
from litelstm.commands.regress import regress
from litelstm.commands.report import report
from litelstm.commands.run import run
from litelstm.commands.samples import samples
from litelstm.commands.simulate import simulate
from litelstm.commands.synth import synth
from litelstm.commands.train import train

ALL: tuple[click.Command, ...] = (
    import_,
    samples,
    train,
    quantize,
    generate,
    pack,
    simulate,
    run,
    prove,
    cycles,
    synth,
    report,
    explore,
    build,
    host,
    compare,
    regress,
    demo,
)

HELP = {"help_option_names": ["-h", "--help"]}

# Click keeps a command's help option from the first context, also one without the group's settings.
for _command in ALL:
    _command.context_settings.update(HELP)
