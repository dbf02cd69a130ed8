/* Driver of a litelstm core, for programs without an operating system. C99, no memory of its own.
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
 * litelstm_registers.h and NAME_network.h are written by `litelstm generate` beside the Verilog.
 * A core is used from one thread at a time; nothing here is called from an interrupt.
 *
 * Which call is needed when
 *
 *   at the start of a program     litelstm_init, litelstm_open
 *   where weights are loaded      litelstm_load, once after power-up or a reset of the chip;
 *                                 litelstm_run says LITELSTM_NO_WEIGHTS until then
 *   after LITELSTM_TIMEOUT,       litelstm_reset or litelstm_open: the call may have left words in
 *   LITELSTM_ERROR, LITELSTM_DMA  the core. Until then load and run return LITELSTM_UNSETTLED
 *   after any other status        nothing
 *
 * litelstm_open and litelstm_reset leave the core idle: no word of an earlier sequence, state or
 * image of weights is in it, whatever became of the program that sent it. States of all streams are
 * zero. Weights and counters stay. They return LITELSTM_TIMEOUT if the core does not get there.
 *
 * ERRORS is a register whose bits stay until they are cleared. litelstm_open, litelstm_reset,
 * litelstm_load and litelstm_run clear it when they begin, so that a call fails by what happens
 * while it works, and by nothing else. After LITELSTM_ERROR and LITELSTM_REFUSED the bits stay until
 * the next such call; litelstm_errors reads them. The driver in Python does the same.
 */
#ifndef LITELSTM_H
#define LITELSTM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What functions return. */
typedef enum {
    LITELSTM_OK = 0,
    LITELSTM_NO_CORE,    /* nothing with a core's identity answers, or it is another core */
    LITELSTM_VERSION,    /* the registers are of another version */
    LITELSTM_ARGUMENT,   /* the core cannot do what is asked for */
    LITELSTM_TIMEOUT,    /* the core was looked at `polls` times and nothing moved */
    LITELSTM_REFUSED,    /* the image of weights was refused: litelstm_load_reason */
    LITELSTM_NO_WEIGHTS, /* no network was loaded yet */
    LITELSTM_ERROR,      /* the core reports errors: litelstm_errors */
    LITELSTM_DMA,        /* the program's own function for streams failed */
    LITELSTM_UNSETTLED   /* an earlier call failed: litelstm_reset comes first */
} litelstm_status;

/* The two accesses that everything is made of; the address is in bytes from the core's base. */
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

/* A frame on a stream. `from` has its bytes if it goes into the core; `to` has room for them if it
 * comes from the core. The other one is NULL. */
typedef struct {
    litelstm_stream stream;
    const void *from;
    void *to;
    size_t bytes;
} litelstm_frame;

/* Moves one frame over each of some streams at the same time, e.g. by DMA: those into the core
 * ended by tlast, those from it up to tlast. Returns 0 if all of it moved; how long it waits is up
 * to the function. Needed where the core has streams. */
typedef int (*litelstm_move_function)(void *context, const litelstm_frame *frames, size_t count);

/* Gives up what is under way on every stream (resets the DMA), then throws away what the core
 * offers until it offers nothing. Called before the core is reset and after it. Returns 0 if all
 * went well. Needed beside `move`. */
typedef int (*litelstm_settle_function)(void *context);

/* How a stream packs the elements of a vector, the first in the lowest bits of a fresh beat. */
typedef struct {
    uint8_t element;   /* bits of an element */
    uint8_t container; /* bits from one element to the next */
    uint8_t bus;       /* bits of a beat */
    uint32_t vector;   /* elements of a vector: of a step's x, of a result, of a state */
} litelstm_packing;

/* What a core was generated for; NAME_network.h has it. */
typedef struct {
    uint32_t core;                /* register CORE */
    uint16_t inputs;              /* elements of a step's x */
    uint16_t outputs;             /* words of a result */
    uint32_t state_words;         /* words of a state */
    litelstm_packing x, y, state; /* of the streams, where there are any */
} litelstm_shape;

/* Room for a frame in the buffer: frames begin at whole cache lines. */
#define LITELSTM_FRAME_ROOM(bytes) (((size_t)(bytes) + 63u) / 64u * 64u)

/* A core. What is above the line may be set after litelstm_init; what is below is the driver's. */
typedef struct {
    litelstm_read_function read;
    litelstm_write_function write;
    void *context;                   /* for the functions */
    uint32_t polls;                  /* how often in a row a register may say "not yet" */
    litelstm_move_function move;     /* NULL where there are data registers */
    litelstm_settle_function settle; /* likewise */
    void *buffer;                    /* where `move` takes frames from and puts them */
    size_t buffer_bytes;             /* NAME_BUFFER_BYTES(steps) or more */
    /* ------------------------------------------------------------------------------------- */
    const litelstm_shape *network;
    uint32_t features; /* register FEATURES */
    uint8_t unsettled; /* a call has begun and not ended as it should */
} litelstm_core;

/* Where a sequence starts from and what is kept of it; NULL means all zero. */
typedef struct {
    uint8_t stream;            /* number of its stream */
    uint8_t keep;              /* go on from the stream's state */
    const int32_t *load_state; /* state_words words to start from, or NULL */
    int32_t *save_state;       /* room for state_words words, or NULL */
} litelstm_sequence;

typedef struct {
    uint64_t cycles;
    uint32_t steps, sequences, stalled_input, stalled_output;
    uint32_t dropped, protocol_errors, saturated;
} litelstm_counters;

/* Registers in memory: the context is the address of the first one. */
uint32_t litelstm_mmio_read(void *context, uint32_t address);
void litelstm_mmio_write(void *context, uint32_t address, uint32_t word);

/* Touches no register. */
void litelstm_init(litelstm_core *core, const litelstm_shape *network,
                   litelstm_read_function read, litelstm_write_function write, void *context);

/* Make sure that it is the network's core, reset it, mask its interrupts, let it take sequences.
 * A core with streams but without `move` is fed by other hardware: it drops the rest of frames that
 * have begun, and is not waited for. */
litelstm_status litelstm_open(litelstm_core *core);

/* Forget what is being computed, all states, and an image that is half loaded; weights, counters
 * and the mask of interrupts stay. */
litelstm_status litelstm_reset(litelstm_core *core);

/* Load `count` words of an image of weights, e.g. the array that `litelstm pack --c-array` writes.
 * `move` takes them from the image itself, as they lie in memory: the CPU must be little-endian. */
litelstm_status litelstm_load(litelstm_core *core, const uint32_t *image, size_t count);

/* Why the last image was refused: register STATUS, field LOAD_REASON. */
unsigned litelstm_load_reason(const litelstm_core *core);

/* Run one sequence, over the data registers or by `move`.
 * x: steps * inputs raw elements. y: room for words raw words, which are all that comes: outputs,
 * or steps * outputs where the core answers every step. */
litelstm_status litelstm_run(litelstm_core *core, const litelstm_sequence *sequence,
                             const int32_t *x, size_t steps, int32_t *y, size_t words);

/* Bytes of a frame of some vectors; its elements to bytes and back. litelstm_run calls them. */
size_t litelstm_frame_bytes(const litelstm_packing *packing, size_t vectors);
void litelstm_pack(const litelstm_packing *packing, const int32_t *elements, size_t vectors,
                   void *bytes);
void litelstm_unpack(const litelstm_packing *packing, const void *bytes, size_t vectors,
                     int32_t *elements);

/* Register ERRORS, and make it 0. */
uint32_t litelstm_errors(const litelstm_core *core);
void litelstm_clear_errors(litelstm_core *core);

void litelstm_read_counters(const litelstm_core *core, litelstm_counters *counters);
void litelstm_clear_counters(litelstm_core *core);

/* Which bits of IRQ_STATUS raise the interrupt; and take those that are set, which clears them. */
void litelstm_enable_interrupts(litelstm_core *core, uint32_t mask);
uint32_t litelstm_take_interrupts(litelstm_core *core);

/* A status in words. */
const char *litelstm_message(litelstm_status status);

#ifdef __cplusplus
}
#endif

#endif
