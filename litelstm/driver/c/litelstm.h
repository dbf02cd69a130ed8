/* Driver of a litelstm core, for programs without an operating system. C99, no memory of its own.
 *
 *     litelstm_core core;
 *     int32_t y[10];
 *     litelstm_init(&core, litelstm_mmio_read, litelstm_mmio_write, (void *)0x43C00000);
 *     if (litelstm_open(&core) == LITELSTM_OK)
 *         litelstm_run(&core, NULL, x, steps, y, 10);
 *
 * litelstm_registers.h is written by `litelstm generate` beside the Verilog. A core is used from one
 * thread at a time; nothing here is called from an interrupt.
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
    LITELSTM_NO_CORE,   /* nothing with a core's identity answers */
    LITELSTM_VERSION,   /* the registers are of another version */
    LITELSTM_ARGUMENT,  /* the core cannot do what is asked for */
    LITELSTM_TIMEOUT,   /* the core was looked at `polls` times and nothing moved */
    LITELSTM_REFUSED,   /* the image of weights was refused: litelstm_load_reason */
    LITELSTM_NO_WEIGHTS,/* no network was loaded yet */
    LITELSTM_ERROR,     /* the core reports errors: litelstm_errors */
    LITELSTM_DMA        /* the program's own function for streams failed */
} litelstm_status;

/* The two accesses that everything is made of; the address is in octets from the core's base. */
typedef uint32_t (*litelstm_read_function)(void *context, uint32_t address);
typedef void (*litelstm_write_function)(void *context, uint32_t address, uint32_t word);

/* Moves a frame to the core and one from it at the same time, e.g. by DMA, for cores with streams:
 * all octets of x, ended by tlast, while up to y_octets of y come. Returns 0 if all went well. */
typedef int (*litelstm_move_function)(void *context, const void *x, size_t x_octets,
                                      void *y, size_t y_octets);

/* A core. What is above the line may be set after litelstm_init; what is below is the core's own,
 * known after litelstm_open. */
typedef struct {
    litelstm_read_function read;
    litelstm_write_function write;
    litelstm_move_function move; /* NULL where there are data registers */
    void *context;               /* for the functions */
    uint32_t polls;              /* how often in a row a register may say "not yet" */
    /* ------------------------------------------------------------------------------------- */
    uint32_t id;                 /* of the core, as in its JSON: bus.core */
    uint32_t features;           /* register FEATURES */
    uint16_t inputs;             /* elements of a step's x */
    uint16_t outputs;            /* words of a result */
    uint32_t state_words;        /* words of a state */
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

void litelstm_init(litelstm_core *core, litelstm_read_function read,
                   litelstm_write_function write, void *context);

/* Make sure that it is a core, read what it is, and let it take sequences. */
litelstm_status litelstm_open(litelstm_core *core);

/* Load `count` words of an image that `litelstm pack` wrote, over the data registers. */
litelstm_status litelstm_load(litelstm_core *core, const uint32_t *image, size_t count);

/* Why the last image was refused: register STATUS, field LOAD_REASON. */
unsigned litelstm_load_reason(const litelstm_core *core);

/* Run one sequence over the data registers.
 * x: steps * inputs raw elements. y: room for words raw words, which are all that comes: outputs, or
 * steps * outputs where the core answers every step. */
litelstm_status litelstm_run(litelstm_core *core, const litelstm_sequence *sequence,
                             const int32_t *x, size_t steps, int32_t *y, size_t words);

/* Run one sequence over the streams, by the function `move`. x and y are octets as the core's
 * buses have them; states are not moved here. */
litelstm_status litelstm_run_frame(litelstm_core *core, const litelstm_sequence *sequence,
                                   size_t steps, const void *x, size_t x_octets,
                                   void *y, size_t y_octets);

/* Forget what is being computed, and all states; weights and counters stay. */
litelstm_status litelstm_reset(litelstm_core *core);

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
