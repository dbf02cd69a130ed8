/* Driver of a litelstm core, for programs without an operating system. C99, no allocation.
 *
 *     #include "litelstm_core_network.h"
 *
 *     litelstm_core core;
 *     int32_t y[litelstm_core_OUTPUTS];
 *     litelstm_init(&core, &litelstm_core_network, litelstm_mmio_read, litelstm_mmio_write,
 *                   (void *)0x43C00000);
 *     if (litelstm_open(&core) == LITELSTM_OK)
 *         litelstm_run(&core, NULL, x, steps, y, litelstm_core_OUTPUTS);
 *
 * `litelstm generate` writes litelstm_registers.h and NAME_network.h beside the Verilog.
 * Use a core from one thread at a time, and call no function from an interrupt.
 *
 * Required calls
 *
 *   at the start of a program     litelstm_init, litelstm_open
 *   if weights are loadable       litelstm_load, once after power-up or a reset of the chip;
 *                                 litelstm_run returns LITELSTM_NO_WEIGHTS until then
 *   after LITELSTM_TIMEOUT,       litelstm_reset or litelstm_open: the call may have left words in
 *   LITELSTM_ERROR, LITELSTM_DMA  the core. Until then load and run return LITELSTM_UNSETTLED
 *   after any other status        none
 *
 * litelstm_open and litelstm_reset leave the core idle, without words of an earlier sequence, state
 * or image of weights, even if the program that sent them crashed. States of all streams are zero.
 * Weights and counters stay. Both return LITELSTM_TIMEOUT if the core does not become idle.
 *
 * The bits of register ERRORS stay set until software clears them. litelstm_open, litelstm_reset,
 * litelstm_load and litelstm_run clear it when they begin, so a call only fails for errors during
 * the call. After LITELSTM_ERROR and LITELSTM_REFUSED the bits stay until the next such call;
 * litelstm_errors reads them. The driver in Python does the same.
 */
#ifndef LITELSTM_H
#define LITELSTM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Status that functions return. */
typedef enum {
    LITELSTM_OK = 0,
    LITELSTM_NO_CORE,    /* no core answers, or another core does */
    LITELSTM_VERSION,    /* the registers have another version */
    LITELSTM_ARGUMENT,   /* the core does not support the request */
    LITELSTM_TIMEOUT,    /* nothing moved in `polls` polls of the core */
    LITELSTM_REFUSED,    /* the core refused the image of weights: litelstm_load_reason */
    LITELSTM_NO_WEIGHTS, /* no network is loaded yet */
    LITELSTM_ERROR,      /* the core reports errors: litelstm_errors */
    LITELSTM_DMA,        /* the program's own function for streams failed */
    LITELSTM_UNSETTLED   /* an earlier call failed: call litelstm_reset first */
} litelstm_status;

/* Read and write of a register; the address is in bytes from the core's base. */
typedef uint32_t (*litelstm_read_function)(void *context, uint32_t address);
typedef void (*litelstm_write_function)(void *context, uint32_t address, uint32_t word);

/* Streams of a core, those into it first. */
typedef enum {
    LITELSTM_X,
    LITELSTM_STATE_IN,
    LITELSTM_WEIGHTS,
    LITELSTM_Y,
    LITELSTM_STATE_OUT
} litelstm_stream;

/* A frame on a stream. `from` points to the bytes of a frame into the core, `to` to the room for a
 * frame from the core. The other one is NULL. */
typedef struct {
    litelstm_stream stream;
    const void *from;
    void *to;
    size_t bytes;
} litelstm_frame;

/* Moves one frame over each given stream, all at the same time, e.g. by DMA: frames into the core
 * end with tlast, frames from it are read up to tlast. Returns 0 if all frames moved; the function
 * chooses its own timeout. Needed for a core with streams. */
typedef int (*litelstm_move_function)(void *context, const litelstm_frame *frames, size_t count);

/* Cancels transfers on every stream (resets the DMA), then discards the core's output until there
 * is none. The driver calls it before and after a reset of the core. Returns 0 on success. Needed
 * beside `move`. */
typedef int (*litelstm_settle_function)(void *context);

/* Packing of a vector's elements on a stream, the first in the lowest bits of a new beat. */
typedef struct {
    uint8_t element;   /* bits of an element */
    uint8_t container; /* bits from one element to the next */
    uint8_t bus;       /* bits of a beat */
    uint32_t vector;   /* elements per vector: a step's x, a result, a state */
} litelstm_packing;

/* Sizes and formats of a core's network, from NAME_network.h. */
typedef struct {
    uint32_t core;                /* register CORE */
    uint16_t inputs;              /* elements of a step's x */
    uint16_t outputs;             /* words of a result */
    uint32_t state_words;         /* words of a state */
    litelstm_packing x, y, state; /* of the streams, if the core has any */
} litelstm_shape;

/* Room for a frame in the buffer: frames begin at whole cache lines. */
#define LITELSTM_FRAME_ROOM(bytes) (((size_t)(bytes) + 63u) / 64u * 64u)

/* A core. A program may set fields above the line after litelstm_init; the others are internal. */
typedef struct {
    litelstm_read_function read;
    litelstm_write_function write;
    void *context;                   /* argument of the functions */
    uint32_t polls;                  /* polls without progress until a timeout */
    litelstm_move_function move;     /* NULL for a core with data registers */
    litelstm_settle_function settle; /* likewise */
    void *buffer;                    /* memory for the frames of `move` */
    size_t buffer_bytes;             /* NAME_BUFFER_BYTES(steps) or more */
    /* ------------------------------------------------------------------------------------- */
    const litelstm_shape *network;
    uint32_t features; /* register FEATURES */
    uint8_t unsettled; /* a call began and did not succeed */
} litelstm_core;

/* Start state of a sequence, and the room for its last one; NULL means all zero. */
typedef struct {
    uint8_t stream;            /* number of its stream */
    uint8_t keep;              /* continue from the stream's state */
    const int32_t *load_state; /* state_words words to start from, or NULL */
    int32_t *save_state;       /* room for state_words words, or NULL */
} litelstm_sequence;

typedef struct {
    uint64_t cycles;
    uint32_t steps, sequences, stalled_input, stalled_output;
    uint32_t dropped, protocol_errors, saturated;
} litelstm_counters;

/* Accesses to memory-mapped registers: the context is the address of the first one. */
uint32_t litelstm_mmio_read(void *context, uint32_t address);
void litelstm_mmio_write(void *context, uint32_t address, uint32_t word);

/* Fill in a core; accesses no register. */
void litelstm_init(litelstm_core *core, const litelstm_shape *network,
                   litelstm_read_function read, litelstm_write_function write, void *context);

/* Check that the core belongs to the network, reset it, mask its interrupts, and enable it.
 * A core with streams but without `move` is fed by other hardware: it drops the rest of started
 * frames, and the function does not wait for it. */
litelstm_status litelstm_open(litelstm_core *core);

/* Drop computations, all states, and a half-loaded image; weights, counters and the mask of
 * interrupts stay. */
litelstm_status litelstm_reset(litelstm_core *core);

/* Load `count` words of an image of weights, e.g. the array that `litelstm pack --c-array` writes.
 * `move` reads the image itself as bytes in memory, so the CPU must be little-endian. */
litelstm_status litelstm_load(litelstm_core *core, const uint32_t *image, size_t count);

/* Reason for refusing the last image: register STATUS, field LOAD_REASON. */
unsigned litelstm_load_reason(const litelstm_core *core);

/* Run one sequence, over the data registers or by `move`.
 * x: steps * inputs raw elements. y: room for `words` raw words, the exact number of results:
 * outputs, or steps * outputs for a core that answers every step. */
litelstm_status litelstm_run(litelstm_core *core, const litelstm_sequence *sequence,
                             const int32_t *x, size_t steps, int32_t *y, size_t words);

/* Bytes of a frame; conversion of its elements to bytes and back. litelstm_run calls them. */
size_t litelstm_frame_bytes(const litelstm_packing *packing, size_t vectors);
void litelstm_pack(const litelstm_packing *packing, const int32_t *elements, size_t vectors,
                   void *bytes);
void litelstm_unpack(const litelstm_packing *packing, const void *bytes, size_t vectors,
                     int32_t *elements);

/* Read register ERRORS; set it to 0. */
uint32_t litelstm_errors(const litelstm_core *core);
void litelstm_clear_errors(litelstm_core *core);

void litelstm_read_counters(const litelstm_core *core, litelstm_counters *counters);
void litelstm_clear_counters(litelstm_core *core);

/* Choose the bits of IRQ_STATUS that raise the interrupt; read the set bits and clear them. */
void litelstm_enable_interrupts(litelstm_core *core, uint32_t mask);
uint32_t litelstm_take_interrupts(litelstm_core *core);

/* Describe a status in words. */
const char *litelstm_message(litelstm_status status);

#ifdef __cplusplus
}
#endif

#endif
