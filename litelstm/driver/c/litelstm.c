/* See litelstm.h. */
#include "litelstm.h"

#include "litelstm_registers.h"

#define DEFAULT_POLLS 1000000u
#define MAJOR 1u
#define RUNNING (LITELSTM__CONTROL__ENABLE_bm | LITELSTM__CONTROL__BY_REGISTER_bm)

#define ADDRESS(name) ((uint32_t)offsetof(litelstm_t, name))
#define READ(core, name) ((core)->read((core)->context, ADDRESS(name)))
#define WRITE(core, name, word) ((core)->write((core)->context, ADDRESS(name), (uint32_t)(word)))
#define FIELD(word, name) (((word) & LITELSTM__##name##_bm) >> LITELSTM__##name##_bp)

uint32_t litelstm_mmio_read(void *context, uint32_t address)
{
    return *(volatile uint32_t *)((uintptr_t)context + address);
}

void litelstm_mmio_write(void *context, uint32_t address, uint32_t word)
{
    *(volatile uint32_t *)((uintptr_t)context + address) = word;
}

void litelstm_init(litelstm_core *core, litelstm_read_function read,
                   litelstm_write_function write, void *context)
{
    core->read = read;
    core->write = write;
    core->move = NULL;
    core->context = context;
    core->polls = DEFAULT_POLLS;
    core->id = core->features = core->state_words = 0;
    core->inputs = core->outputs = 0;
}

litelstm_status litelstm_open(litelstm_core *core)
{
    uint32_t sizes;

    if (READ(core, ID) != LITELSTM__ID__MAGIC_reset)
        return LITELSTM_NO_CORE;
    if (FIELD(READ(core, VERSION), VERSION__MAJOR) != MAJOR)
        return LITELSTM_VERSION;
    core->id = READ(core, CORE);
    core->features = READ(core, FEATURES);
    sizes = READ(core, SIZES);
    core->inputs = (uint16_t)FIELD(sizes, SIZES__INPUTS);
    core->outputs = (uint16_t)FIELD(sizes, SIZES__OUTPUTS);
    core->state_words = READ(core, STATE_WORDS);
    WRITE(core, CONTROL, RUNNING);
    return LITELSTM_OK;
}

/* Look at a register until some of its bits are set. */
static litelstm_status wait_for(const litelstm_core *core, uint32_t address, uint32_t bits)
{
    uint32_t polls;

    for (polls = 0; polls <= core->polls; polls++)
        if (core->read(core->context, address) & bits)
            return LITELSTM_OK;
    return LITELSTM_TIMEOUT;
}

static int has(const litelstm_core *core, uint32_t feature)
{
    return (core->features & feature) != 0;
}

litelstm_status litelstm_load(litelstm_core *core, const uint32_t *image, size_t count)
{
    const uint32_t ended = LITELSTM__IRQ_STATUS__LOADED_bm | LITELSTM__IRQ_STATUS__REFUSED_bm;
    size_t at;

    if (!has(core, LITELSTM__FEATURES__WINDOW_bm) || !has(core, LITELSTM__FEATURES__SETS_bm) ||
        count == 0)
        return LITELSTM_ARGUMENT;
    WRITE(core, IRQ_STATUS, ended);
    for (at = 0; at < count; at++) {
        if (wait_for(core, ADDRESS(ROOM), LITELSTM__ROOM__WEIGHT_bm) != LITELSTM_OK)
            return LITELSTM_TIMEOUT;
        if (at + 1 < count)
            WRITE(core, WEIGHT, image[at]);
        else
            WRITE(core, WEIGHT_LAST, image[at]);
    }
    if (wait_for(core, ADDRESS(IRQ_STATUS), ended) != LITELSTM_OK)
        return LITELSTM_TIMEOUT;
    if (READ(core, IRQ_STATUS) & LITELSTM__IRQ_STATUS__REFUSED_bm)
        return LITELSTM_REFUSED;
    return LITELSTM_OK;
}

unsigned litelstm_load_reason(const litelstm_core *core)
{
    return (unsigned)FIELD(READ(core, STATUS), STATUS__LOAD_REASON);
}

/* Check what a sequence asks for, and tell the core. */
static litelstm_status begin(litelstm_core *core, const litelstm_sequence *sequence, size_t steps)
{
    uint32_t word = 0;

    if (steps == 0)
        return LITELSTM_ARGUMENT;
    if (!(READ(core, STATUS) & LITELSTM__STATUS__LOADED_bm))
        return LITELSTM_NO_WEIGHTS;
    if (sequence) {
        if (sequence->stream >= FIELD(core->features, FEATURES__STREAMS) ||
            (sequence->keep && !has(core, LITELSTM__FEATURES__KEEP_bm)) ||
            ((sequence->load_state || sequence->save_state) &&
             !has(core, LITELSTM__FEATURES__STATE_bm)))
            return LITELSTM_ARGUMENT;
        word = sequence->stream;
        word |= sequence->keep ? LITELSTM__SEQUENCE__KEEP_bm : 0u;
        word |= sequence->load_state ? LITELSTM__SEQUENCE__LOAD_bm : 0u;
        word |= sequence->save_state ? LITELSTM__SEQUENCE__SAVE_bm : 0u;
    }
    WRITE(core, SEQUENCE, word);
    WRITE(core, LENGTH, steps <= LITELSTM__LENGTH__STEPS_bm ? steps : 0u);
    return LITELSTM_OK;
}

static litelstm_status end(const litelstm_core *core)
{
    return READ(core, ERRORS) ? LITELSTM_ERROR : LITELSTM_OK;
}

litelstm_status litelstm_run(litelstm_core *core, const litelstm_sequence *sequence,
                             const int32_t *x, size_t steps, int32_t *y, size_t words)
{
    const litelstm_sequence plain = {0, 0, NULL, NULL};
    const litelstm_sequence *s = sequence ? sequence : &plain;
    const size_t elements = steps * core->inputs;
    const size_t loads = s->load_state ? core->state_words : 0;
    const size_t saves = s->save_state ? core->state_words : 0;
    size_t given = 0, taken = 0, loaded = 0, saved = 0;
    uint32_t polls = 0;
    litelstm_status status;

    if (!has(core, LITELSTM__FEATURES__WINDOW_bm) ||
        words != core->outputs * (has(core, LITELSTM__FEATURES__EVERY_STEP_bm) ? steps : 1u))
        return LITELSTM_ARGUMENT;
    status = begin(core, sequence, steps);
    if (status != LITELSTM_OK)
        return status;
    while (given < elements || taken < words || loaded < loads || saved < saves) {
        const uint32_t room = READ(core, ROOM);
        uint32_t moved = 0;

        if (loaded < loads && (room & LITELSTM__ROOM__STATE_IN_bm)) {
            WRITE(core, STATE_IN, s->load_state[loaded]);
            loaded++, moved++;
        }
        if (given < elements && (room & LITELSTM__ROOM__X_bm)) {
            if (given + 1 < elements)
                WRITE(core, X, x[given]);
            else
                WRITE(core, X_LAST, x[given]);
            given++, moved++;
        }
        if (taken < words && (room & LITELSTM__ROOM__Y_bm)) {
            y[taken] = (int32_t)READ(core, Y);
            taken++, moved++;
        }
        if (saved < saves && (room & LITELSTM__ROOM__STATE_OUT_bm)) {
            s->save_state[saved] = (int32_t)READ(core, STATE_OUT);
            saved++, moved++;
        }
        polls = moved ? 0 : polls + 1;
        if (polls > core->polls)
            return LITELSTM_TIMEOUT;
    }
    return end(core);
}

litelstm_status litelstm_run_frame(litelstm_core *core, const litelstm_sequence *sequence,
                                   size_t steps, const void *x, size_t x_octets,
                                   void *y, size_t y_octets)
{
    litelstm_status status;

    if (!core->move || (sequence && (sequence->load_state || sequence->save_state)))
        return LITELSTM_ARGUMENT;
    status = begin(core, sequence, steps);
    if (status != LITELSTM_OK)
        return status;
    if (core->move(core->context, x, x_octets, y, y_octets) != 0)
        return LITELSTM_DMA;
    return end(core);
}

litelstm_status litelstm_reset(litelstm_core *core)
{
    WRITE(core, CONTROL, LITELSTM__CONTROL__RESET_bm);
    WRITE(core, CONTROL, RUNNING);
    return wait_for(core, ADDRESS(STATUS), LITELSTM__STATUS__IDLE_bm);
}

uint32_t litelstm_errors(const litelstm_core *core)
{
    return READ(core, ERRORS);
}

void litelstm_clear_errors(litelstm_core *core)
{
    WRITE(core, ERRORS, 0xFFFFFFFFu);
    WRITE(core, IRQ_STATUS, LITELSTM__IRQ_STATUS__ERROR_bm);
}

void litelstm_read_counters(const litelstm_core *core, litelstm_counters *counters)
{
    counters->cycles = READ(core, CYCLES); /* holds the upper half */
    counters->cycles |= (uint64_t)READ(core, CYCLES_HIGH) << 32;
    counters->steps = READ(core, STEPS);
    counters->sequences = READ(core, SEQUENCES);
    counters->stalled_input = READ(core, STALLED_INPUT);
    counters->stalled_output = READ(core, STALLED_OUTPUT);
    counters->dropped = READ(core, DROPPED);
    counters->protocol_errors = READ(core, PROTOCOL_ERRORS);
    counters->saturated = READ(core, SATURATED);
}

void litelstm_clear_counters(litelstm_core *core)
{
    WRITE(core, CONTROL, RUNNING | LITELSTM__CONTROL__CLEAR_COUNTERS_bm);
}

void litelstm_enable_interrupts(litelstm_core *core, uint32_t mask)
{
    WRITE(core, IRQ_ENABLE, mask);
}

uint32_t litelstm_take_interrupts(litelstm_core *core)
{
    const uint32_t set = READ(core, IRQ_STATUS);

    WRITE(core, IRQ_STATUS, set);
    return set;
}

const char *litelstm_message(litelstm_status status)
{
    switch (status) {
    case LITELSTM_OK:
        return "ok";
    case LITELSTM_NO_CORE:
        return "no litelstm core answers";
    case LITELSTM_VERSION:
        return "the registers are of another version";
    case LITELSTM_ARGUMENT:
        return "the core cannot do what is asked for";
    case LITELSTM_TIMEOUT:
        return "the core does not go on";
    case LITELSTM_REFUSED:
        return "the image of weights was refused";
    case LITELSTM_NO_WEIGHTS:
        return "no network was loaded yet";
    case LITELSTM_ERROR:
        return "the core reports errors";
    case LITELSTM_DMA:
        return "the streams failed";
    }
    return "unknown status";
}
