"""C header of one core: sizes and formats of its network, conversion of floats and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from golden.formats import Format
from golden.packing import Packing

_TEXT = """\
/* {name}: the network that the core was generated for. For litelstm.h. */
#ifndef {name}_NETWORK_H
#define {name}_NETWORK_H

#include "litelstm.h"

#ifdef __cplusplus
extern "C" {{
#endif

#define {name}_INPUTS {inputs}u /* elements of a step's x */
#define {name}_OUTPUTS {outputs}u /* words of a result: {meaning} */
#define {name}_RESULTS(steps) {results} /* of a sequence */
#define {name}_STATE_WORDS {state_words}u /* words of a state; 0: none is loaded or saved */
#define {name}_STREAMS {streams}u /* sequences that share the core */
#define {name}_WEIGHT_WORDS {weight_words}u /* of an image; 0: the weights are in the Verilog */

/* Words are two's complement: the real number is word / 2^FRAC, of an input also / SCALE. */
#define {name}_X_WIDTH {x.width}
#define {name}_X_FRAC ({x.frac})
#define {name}_X_MIN ({x.min})
#define {name}_X_MAX {x.max}
#define {name}_X_SCALE {scale}
#define {name}_Y_WIDTH {y.width}
#define {name}_Y_FRAC ({y.frac})

/* Bytes of litelstm_core.buffer for so many steps; 0 where there are data registers. */
#define {name}_BUFFER_BYTES(steps) {buffer}

static const litelstm_shape {name}_network = {{
    {core}u, {inputs}u, {outputs}u, {state_words}u,
    {{{packing_x}}},
    {{{packing_y}}},
    {{{packing_state}}},
}};

/* The word of a real input: the nearest, halves up, limited to the format. NaN gives the
 * smallest. */
static inline int32_t {name}_quantize(double value)
{{
    const double place = value * {scale} * {x_factor} + 0.5;
    int32_t word;

    if (!(place > (double){name}_X_MIN))
        return {name}_X_MIN;
    if (place >= (double){name}_X_MAX)
        return {name}_X_MAX;
    word = (int32_t)place; /* towards 0 */
    return (double)word > place ? word - 1 : word;
}}
{real}
#ifdef __cplusplus
}}
#endif

#endif
"""

_REAL = """
/* The real number of a word of a result. */
static inline double {name}_real(int32_t word)
{{
    return word * {y_factor};
}}
"""


def file_name(name: str) -> str:
    """Return the name of a core's header."""
    return f"{name}_network.h"


def network_header(description: Mapping[str, Any]) -> str:
    """Write the header of a core with a bus from its JSON."""
    name, bus, interface = description["name"], description["bus"], description["interface"]
    x, y = (Format(**description[side]["format"]) for side in ("input", "output"))
    streams = {} if bus["window"] else {one["name"]: one for one in bus["streams"]}
    weights = description["weight_stream"]
    first = description["output"].get("first_step", 0)
    results = f"((steps) - {first}u)" if first else "(steps)"
    results = results if interface["every_step"] else "1u"
    return _TEXT.format(
        name=name,
        inputs=description["input"]["words_per_step"],
        outputs=description["output"]["words_per_result"],
        meaning=description["output"]["meaning"],
        results=results,
        state_words=bus["state_words"],
        streams=interface["streams"],
        weight_words=weights["words"] if weights else 0,
        x=x,
        y=y,
        scale=repr(float(description["input"]["scale"])),
        x_factor=repr(2.0**x.frac),
        buffer=_buffer(streams, results=results),
        core=f"0x{bus['core']:08x}",
        packing_x=_packing(streams.get("x")),
        packing_y=_packing(streams.get("y")),
        packing_state=_packing(streams.get("state_in")),
        real="" if interface["classes"] else _REAL.format(name=name, y_factor=repr(2.0**-y.frac)),
    )


def _packed(stream: Mapping[str, Any]) -> Packing:
    return Packing(element=stream["element"], bus=stream["bus"], tight=stream["tight"])


def _packing(stream: Mapping[str, Any] | None) -> str:
    """Initialize a ``litelstm_packing``; a stream that the core lacks has empty vectors."""
    if stream is None:
        return "1u, 8u, 8u, 0u"
    packing = _packed(stream)
    return f"{packing.element}u, {packing.container}u, {packing.bus}u, {stream['vector']}u"


def _buffer(streams: Mapping[str, Mapping[str, Any]], *, results: str) -> str:
    """Write the bytes of all frames of a sequence as a C expression."""
    vectors = {"x": "(steps)", "y": results}
    frames = []
    for name, stream in streams.items():
        if name != "weights":
            size = _packed(stream).beats(stream["vector"]) * stream["bus"] // 8
            frames.append(f"LITELSTM_FRAME_ROOM({vectors.get(name, '1u')} * {size}u)")
    return "\\\n    (" + " + \\\n     ".join(frames) + ")" if frames else "0u"
