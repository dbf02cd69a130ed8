"""The report as one HTML page that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator

from litelstm.energy.model import FIGURES, shown
from litelstm.report import frame, plots
from litelstm.report.contents import Contents
from litelstm.report.diagram import svg


def page(contents: Contents) -> str:
    """Return the page as HTML."""
    described = (
        ("network", "Network", _network(contents)),
        ("accuracy", "Accuracy", _accuracy(contents)),
        ("errors", "What each tensor lost", _errors(contents)),
        ("schedule", "Schedule of two steps", _schedule(contents)),
        ("cycles", "Where each cycle goes", _cycles(contents)),
        ("area", "Area", _area(contents)),
        ("clock", "Clock", _clock(contents)),
        ("memory", "Memories", _memory(contents)),
        ("energy", "Energy", _energy(contents)),
        ("verified", "What was verified", _verified(contents)),
    )
    versions = contents.description["versions"]
    return frame.render(
        title=contents.request.path.name,
        subtitle=f"{contents.request.plan.options.lanes} lanes; litelstm {versions['litelstm']}, "
        f"Amaranth {versions['amaranth']}",
        cards=list(_cards(contents)),
        sections=described,
    )


def _cards(contents: Contents) -> Iterator[dict[str, str]]:
    """Yield the figures at the top."""
    yield frame.card(f"{contents.steady.cycles_per_step:,}", "cycles per step")
    yield frame.card(f"{contents.steady.utilization:.1%}", "of the multipliers at work")
    if contents.accuracy:
        yield frame.card(f"{contents.accuracy['golden']:.2%}", "accuracy, integers")
    if contents.energy:
        yield frame.card(f"{shown(contents.energy.nj)} nJ", "per inference, by the model")
    if contents.run:
        yield frame.card(
            f"{contents.run.mismatched:,}", f"of {contents.run.compared:,} RTL words differ"
        )
    if measured := contents.measured:
        for name in ("LUT", "multiplier"):
            found = measured["resources"].get(name)
            if found and found["used"]:
                plural = f"{name}s" if found["used"] != 1 else name
                yield frame.card(f"{found['used']:,}", f"of {found['available']:,} {plural}")
        if clock := measured["clock"]:
            yield frame.card(f"{clock['median_mhz']:.1f} MHz", f"on {measured['target']}")
            yield frame.card(f"{measured['inferences_per_second']:,}", "inferences per second")


def _network(contents: Contents) -> Iterator[frame.Part]:
    plan = contents.request.plan
    network = plan.network
    yield frame.figure(
        svg(network),
        f"{network.products:,} products per step; a lane multiplies "
        f"{plan.sizes.operand_width} x {plan.sizes.weight_width} bits into "
        f"{plan.sizes.accumulator_width}-bit sums",
    )


def _accuracy(contents: Contents) -> Iterator[frame.Part]:
    data, found = contents.request.data, contents.accuracy
    if data is None:
        return
    count = f"{len(data.x):,} samples of {contents.request.source}"
    if found:
        names = {"float": "float network", "golden": "integers (golden model, RTL)"}
        rows = [(names[name], f"{share:.2%}") for name, share in found.items()]
        yield frame.table(("on " + count, "right"), rows)
    if contents.agreement is not None:
        yield frame.text(
            f"Float network and integers decide alike on {contents.agreement:.2%} of {count}."
        )
    if contents.confusion is not None:
        yield frame.figure(
            plots.html(plots.confusion(contents.confusion), "confusion"),
            "Answers of the integers by label; the colour is the share of the label's samples.",
        )
    if not found and contents.agreement is None:
        yield frame.text(f"{count}: without classes or labels there is no accuracy.")


def _errors(contents: Contents) -> Iterator[frame.Part]:
    if not contents.tensors:
        return
    yield frame.figure(
        plots.html(plots.errors(contents.tensors), "errors"),
        "Power of each tensor over power of its error, the worst first; orange is the output, "
        "which has the errors of all others.",
    )
    rows = [
        (
            *(one.name, str(one.format), str(one.format.width)),
            f"{one.sqnr_db:.1f}" if math.isfinite(one.sqnr_db) else "exact",
            *(f"{one.saturated:.2%}", f"{one.max_error:.2g}"),
        )
        for one in contents.tensors
    ]
    head = ("tensor", "format", "bits", "SQNR dB", "saturated", "largest error")
    yield frame.table(head, rows, texts=("format",), folded=f"all {len(rows)} tensors")


def _schedule(contents: Contents) -> Iterator[frame.Part]:
    shown = contents.schedule
    yield frame.figure(
        plots.html(plots.schedule(shown), "schedule", zoom=True),
        f"{len(shown.steps)} steps in the steady state, {shown.cycles:,} cycles. Drag to zoom, "
        "double-click to see all.",
    )


def _cycles(contents: Contents) -> Iterator[frame.Part]:
    steady, request = contents.steady, contents.request
    parts = {
        "products": steady.ideal_cycles_per_step,
        "lanes without a unit": steady.issued_per_step - steady.ideal_cycles_per_step,
        **{f"waits for {reason}": float(n) for reason, n in steady.waited.items()},
    }
    yield frame.figure(
        plots.html(plots.shares(parts, "cycles"), "cycle-use"),
        f"{steady.cycles_per_step:,} cycles per step, ideal {steady.ideal_cycles_per_step:g}; "
        f"a sequence of {request.steps} steps takes {contents.sequence:,} cycles.",
    )
    yield {"kind": "command", "text": _command(contents, "cycles", f"--steps {request.steps}")}


def _area(contents: Contents) -> Iterator[frame.Part]:
    if not (measured := contents.measured):
        return
    yield frame.figure(plots.html(plots.resources(measured), "resources"), measured["part"])
    shown = [name for name, have in measured["resources"].items() if have["used"]]
    rows = [
        (part, *(f"{amounts[name]:,}" if name in amounts else "" for name in shown))
        for part, amounts in measured["parts"].items()
    ]
    for title, kind in (("all", "used"), ("available", "available")):
        rows.append((title, *(f"{measured['resources'][name][kind]:,}" for name in shown)))
    yield frame.table(("part of the core", *shown), rows)


def _clock(contents: Contents) -> Iterator[frame.Part]:
    measured = contents.measured
    if not measured:
        return
    if not (clock := measured["clock"]):
        yield frame.text(measured["note"])
        return
    seeds = len(clock["mhz_by_seed"])
    spread = f", median of {seeds} seeds ({clock['min_mhz']:.1f} to {clock['max_mhz']:.1f})"
    note = f"; {measured['note']}" if measured["note"] else ""
    yield frame.text(
        f"{clock['median_mhz']:.1f} MHz{spread if seeds > 1 else ''}{note}. A step takes "
        f"{measured['microseconds_per_step']:.2f} us."
    )
    path = clock["paths"][0]
    yield frame.text(
        f"The longest path takes {path['ns']:.2f} ns, {path['cells_ns']:.2f} in cells and "
        f"{path['wires_ns']:.2f} in wires:"
    )
    rows = [
        (
            *(f"{stage['cell']} {stage['name']}", f"{stage['wire_ns']:.2f}" if place else ""),
            *(f"{stage['cell_ns']:.2f}", f"{stage['at_ns']:.2f}", stage["part"]),
        )
        for place, stage in enumerate(path["stages"])
    ]
    head = ("cell", "wire ns", "cell ns", "at ns", "part of the core")
    yield frame.table(head, rows, texts=("part of the core",), folded="the path")
    yield {
        "kind": "command",
        "text": _command(contents, "synth", f"--target {measured['target']} --seeds {seeds}"),
    }


def _memory(contents: Contents) -> Iterator[frame.Part]:
    bits = {name: n for name, n in contents.description["memory_bits"].items() if n}
    yield frame.figure(
        plots.html(plots.shares({name: float(n) for name, n in bits.items()}, "bits"), "memories"),
        f"{sum(bits.values()):,} bits in all",
    )
    yield frame.table(("memory", "bits"), [(name, f"{n:,}") for name, n in bits.items()])


def _energy(contents: Contents) -> Iterator[frame.Part]:
    if not (energy := contents.energy):
        return
    low, high = energy.range
    found = {part: values["nj"] for part, values in energy.as_json()["parts"].items()}
    yield frame.figure(
        plots.html(plots.shares(found, "nJ"), "energy"),
        f"{shown(energy.nj)} nJ per inference, between {shown(low)} and {shown(high)}: a model of "
        "the core alone, without pins and leakage. Activity is counted in the RTL on samples.",
    )
    counts = energy.counts
    rows = [
        (
            figure.event,
            f"{counts[name]:,.0f}",
            f"{figure.pj:g}",
            f"{figure.low:g} to {figure.high:g}",
        )
        for name, figure in FIGURES.items()
    ]
    yield frame.table(("event", "per inference", "pJ each", "range"), rows)
    sources = [(figure.event, figure.source) for figure in FIGURES.values()]
    yield frame.table(
        ("event", "source of its energy"),
        sources,
        texts=("source of its energy",),
        folded="sources",
    )


def _verified(contents: Contents) -> Iterator[frame.Part]:
    rows = []
    if run := contents.run:
        words = f"{run.compared:,} words compared, {run.mismatched:,} different"
        timing = run.wrong_cycle or "every word in the counted cycle"
        name = f"RTL against golden model, {len(run.words):,} samples"
        rows.append((name, f"{words}; {timing}", contents.request.checked))
    rows += [
        ("random cores like this one", "not run for this page", "litelstm regress"),
        ("handshakes, for any input", "not run for this page", "make formal"),
    ]
    yield frame.table(("check", "result", "command"), rows, texts=("result", "command"))


def _command(contents: Contents, name: str, more: str) -> str:
    """Return the command that prints some figures of this page."""
    request = contents.request
    return " ".join(filter(None, ["litelstm", name, str(request.path), request.chosen, more]))
