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

void litelstm_init(litelstm_core *core, const litelstm_shape *network,
                   litelstm_read_function read, litelstm_write_function write, void *context)
{
    core->read = read;
    core->write = write;
    core->context = context;
    core->polls = DEFAULT_POLLS;
    core->move = NULL;
    core->settle = NULL;
    core->buffer = NULL;
    core->buffer_bytes = 0;
    core->network = network;
    core->features = 0;
    core->unsettled = 1;
}

static int has(const litelstm_core *core, uint32_t feature)
{
    return (core->features & feature) != 0;
}

static int has_window(const litelstm_core *core)
{
    return has(core, LITELSTM__FEATURES__WINDOW_bm);
}

/* Poll a register until one of some bits is 1 (wanted 1), or all of them are 0 (wanted 0). */
static litelstm_status wait_for(const litelstm_core *core, uint32_t address, uint32_t bits,
                                int wanted)
{
    uint32_t polls;

    for (polls = 0; polls <= core->polls; polls++)
        if (((core->read(core->context, address) & bits) != 0) == wanted)
            return LITELSTM_OK;
    return LITELSTM_TIMEOUT;
}

/* Discard the core's output. */
static litelstm_status discard(const litelstm_core *core)
{
    if (!has_window(core))
        return core->settle && core->settle(core->context) != 0 ? LITELSTM_DMA : LITELSTM_OK;
    if (READ(core, ROOM) & LITELSTM__ROOM__Y_bm)
        (void)READ(core, Y);
    if (READ(core, ROOM) & LITELSTM__ROOM__STATE_OUT_bm)
        (void)READ(core, STATE_OUT);
    return LITELSTM_OK;
}

/* Discard the core's output until there is none: a word that it offers survives a reset. */
static litelstm_status become_idle(const litelstm_core *core)
{
    uint32_t polls;

    for (polls = 0; polls <= core->polls; polls++) {
        const litelstm_status status = discard(core);

        if (status != LITELSTM_OK)
            return status;
        if (READ(core, STATUS) & LITELSTM__STATUS__IDLE_bm)
            return LITELSTM_OK;
    }
    return LITELSTM_TIMEOUT;
}

/* Send words of an image, and mark the last one. */
static litelstm_status send_image(const litelstm_core *core, const uint32_t *image, size_t count)
{
    size_t at;

    if (!has_window(core)) {
        const litelstm_frame frame = {LITELSTM_WEIGHTS, image, NULL, 4u * count};

        return core->move(core->context, &frame, 1) == 0 ? LITELSTM_OK : LITELSTM_DMA;
    }
    for (at = 0; at < count; at++) {
        if (wait_for(core, ADDRESS(ROOM), LITELSTM__ROOM__WEIGHT_bm, 1) != LITELSTM_OK)
            return LITELSTM_TIMEOUT;
        if (at + 1 < count)
            WRITE(core, WEIGHT, image[at]);
        else
            WRITE(core, WEIGHT_LAST, image[at]);
    }
    return LITELSTM_OK;
}

/* End a half-loaded image, so that the core refuses it as too short. The core's reset does not end
 * it, because it does not include the loader. */
static litelstm_status end_image(const litelstm_core *core)
{
    static const uint32_t none = 0;
    const uint32_t room = has_window(core) ? LITELSTM__ROOM__WEIGHT_bm : 0;
    litelstm_status status;

    if (!has(core, LITELSTM__FEATURES__SETS_bm))
        return LITELSTM_OK;
    if (room && wait_for(core, ADDRESS(ROOM), room, 1) != LITELSTM_OK)
        return LITELSTM_TIMEOUT;
    if (!(READ(core, STATUS) & LITELSTM__STATUS__LOADING_bm))
        return LITELSTM_OK;
    status = send_image(core, &none, 1);
    if (status == LITELSTM_OK && room)
        status = wait_for(core, ADDRESS(ROOM), room, 1);
    if (status == LITELSTM_OK)
        status = wait_for(core, ADDRESS(STATUS), LITELSTM__STATUS__LOADING_bm, 0);
    return status;
}

litelstm_status litelstm_reset(litelstm_core *core)
{
    litelstm_status status = LITELSTM_OK;

    core->unsettled = 1;
    if (!has_window(core) && !core->move) { /* other hardware keeps sending */
        WRITE(core, CONTROL, RUNNING | LITELSTM__CONTROL__RESET_bm);
    } else {
        status = discard(core);
        WRITE(core, CONTROL, LITELSTM__CONTROL__RESET_bm);
        if (status == LITELSTM_OK)
            status = become_idle(core);
        if (status == LITELSTM_OK)
            status = end_image(core);
        if (status != LITELSTM_OK)
            return status;
    }
    litelstm_clear_errors(core);
    WRITE(core, IRQ_STATUS, 0xFFFFFFFFu);
    WRITE(core, CONTROL, RUNNING);
    core->unsettled = 0;
    return LITELSTM_OK;
}

litelstm_status litelstm_open(litelstm_core *core)
{
    core->unsettled = 1;
    if (READ(core, ID) != LITELSTM__ID__MAGIC_reset)
        return LITELSTM_NO_CORE;
    if (FIELD(READ(core, VERSION), VERSION__MAJOR) != MAJOR)
        return LITELSTM_VERSION;
    if (READ(core, CORE) != core->network->core)
        return LITELSTM_NO_CORE;
    core->features = READ(core, FEATURES);
    WRITE(core, IRQ_ENABLE, 0);
    return litelstm_reset(core);
}

/* Begin a call; the core stays unsettled until the call succeeds. */
static litelstm_status settled(litelstm_core *core)
{
    if (core->unsettled)
        return LITELSTM_UNSETTLED;
    if (READ(core, ERRORS)) /* bits from before this call */
        litelstm_clear_errors(core);
    core->unsettled = 1;
    return LITELSTM_OK;
}

litelstm_status litelstm_load(litelstm_core *core, const uint32_t *image, size_t count)
{
    const uint32_t ended = LITELSTM__IRQ_STATUS__LOADED_bm | LITELSTM__IRQ_STATUS__REFUSED_bm;
    litelstm_status status;

    if (!has(core, LITELSTM__FEATURES__SETS_bm) || count == 0 ||
        (!has_window(core) && !core->move))
        return LITELSTM_ARGUMENT;
    status = settled(core);
    if (status != LITELSTM_OK)
        return status;
    WRITE(core, IRQ_STATUS, ended);
    status = send_image(core, image, count);
    if (status == LITELSTM_OK)
        status = wait_for(core, ADDRESS(IRQ_STATUS), ended, 1);
    if (status != LITELSTM_OK)
        return status;
    core->unsettled = 0;
    if (READ(core, IRQ_STATUS) & LITELSTM__IRQ_STATUS__REFUSED_bm)
        return LITELSTM_REFUSED;
    return LITELSTM_OK;
}

unsigned litelstm_load_reason(const litelstm_core *core)
{
    return (unsigned)FIELD(READ(core, STATUS), STATUS__LOAD_REASON);
}

/* Progress of a sequence's transfers: totals, and the parts that have moved. */
typedef struct {
    const litelstm_sequence *sequence;
    const int32_t *x;
    int32_t *y;
    size_t steps, elements, words, loads, saves;
    size_t given, taken, loaded, saved;
} job;

/* Whether a core supports a request. */
static int can_run(const litelstm_core *core, const job *j)
{
    const litelstm_sequence *s = j->sequence;
    const size_t results = has(core, LITELSTM__FEATURES__EVERY_STEP_bm) ? j->steps : 1u;

    return j->steps > 0 && j->words == core->network->outputs * results &&
           (has_window(core) || core->move) &&
           s->stream < FIELD(core->features, FEATURES__STREAMS) &&
           (!s->keep || has(core, LITELSTM__FEATURES__KEEP_bm)) &&
           ((!s->load_state && !s->save_state) || has(core, LITELSTM__FEATURES__STATE_bm));
}

/* Write a sequence's fields to the core. */
static void announce(const litelstm_core *core, const job *j)
{
    uint32_t word = j->sequence->stream;

    word |= j->sequence->keep ? LITELSTM__SEQUENCE__KEEP_bm : 0u;
    word |= j->loads ? LITELSTM__SEQUENCE__LOAD_bm : 0u;
    word |= j->saves ? LITELSTM__SEQUENCE__SAVE_bm : 0u;
    WRITE(core, SEQUENCE, word);
    WRITE(core, LENGTH, j->steps <= LITELSTM__LENGTH__STEPS_bm ? j->steps : 0u);
}

/* Move words over the data registers while they are ready; return whether any moved. */
static int exchange(const litelstm_core *core, job *j)
{
    const uint32_t room = READ(core, ROOM);
    const size_t before = j->given + j->taken + j->loaded + j->saved;

    if (j->loaded < j->loads && (room & LITELSTM__ROOM__STATE_IN_bm))
        WRITE(core, STATE_IN, j->sequence->load_state[j->loaded++]);
    if (j->given < j->elements && (room & LITELSTM__ROOM__X_bm)) {
        const int32_t element = j->x[j->given++];

        if (j->given < j->elements)
            WRITE(core, X, element);
        else
            WRITE(core, X_LAST, element);
    }
    if (j->taken < j->words && (room & LITELSTM__ROOM__Y_bm))
        j->y[j->taken++] = (int32_t)READ(core, Y);
    if (j->saved < j->saves && (room & LITELSTM__ROOM__STATE_OUT_bm))
        j->sequence->save_state[j->saved++] = (int32_t)READ(core, STATE_OUT);
    return j->given + j->taken + j->loaded + j->saved > before;
}

static litelstm_status run_by_registers(const litelstm_core *core, job *j)
{
    uint32_t polls = 0;

    while (j->given < j->elements || j->taken < j->words || j->loaded < j->loads ||
           j->saved < j->saves) {
        polls = exchange(core, j) ? 0 : polls + 1;
        if (polls > core->polls)
            return LITELSTM_TIMEOUT;
    }
    return LITELSTM_OK;
}

/* Allocate a frame in the buffer. Returns NULL if there is too little room. */
static void *add_frame(const litelstm_core *core, litelstm_frame *frame, litelstm_stream stream,
                       size_t bytes, size_t *used)
{
    uint8_t *place = (uint8_t *)core->buffer + *used;

    if (bytes > core->buffer_bytes - *used ||
        LITELSTM_FRAME_ROOM(bytes) > core->buffer_bytes - *used)
        return NULL;
    *used += LITELSTM_FRAME_ROOM(bytes);
    frame->stream = stream;
    frame->from = stream < LITELSTM_Y ? place : NULL;
    frame->to = stream < LITELSTM_Y ? NULL : place;
    frame->bytes = bytes;
    return place;
}

/* Make the frames of a sequence; returns their number, 0 if the buffer is too small. */
static size_t make_frames(const litelstm_core *core, const job *j, litelstm_frame *frames)
{
    const litelstm_shape *n = core->network;
    const size_t state = litelstm_frame_bytes(&n->state, 1);
    size_t used = 0, count = 0;
    void *place;

    place = add_frame(core, &frames[count++], LITELSTM_X, litelstm_frame_bytes(&n->x, j->steps),
                      &used);
    if (!place)
        return 0;
    litelstm_pack(&n->x, j->x, j->steps, place);
    if (!add_frame(core, &frames[count++], LITELSTM_Y,
                   litelstm_frame_bytes(&n->y, j->words / n->outputs), &used))
        return 0;
    if (j->loads) {
        place = add_frame(core, &frames[count++], LITELSTM_STATE_IN, state, &used);
        if (!place)
            return 0;
        litelstm_pack(&n->state, j->sequence->load_state, 1, place);
    }
    if (j->saves && !add_frame(core, &frames[count++], LITELSTM_STATE_OUT, state, &used))
        return 0;
    return count;
}

static litelstm_status run_by_streams(const litelstm_core *core, const job *j,
                                      const litelstm_frame *frames, size_t count)
{
    const litelstm_shape *n = core->network;
    size_t at;

    if (core->move(core->context, frames, count) != 0)
        return LITELSTM_DMA;
    for (at = 0; at < count; at++) {
        if (frames[at].stream == LITELSTM_Y)
            litelstm_unpack(&n->y, frames[at].to, j->words / n->outputs, j->y);
        else if (frames[at].stream == LITELSTM_STATE_OUT)
            litelstm_unpack(&n->state, frames[at].to, 1, j->sequence->save_state);
    }
    return LITELSTM_OK;
}

litelstm_status litelstm_run(litelstm_core *core, const litelstm_sequence *sequence,
                             const int32_t *x, size_t steps, int32_t *y, size_t words)
{
    static const litelstm_sequence plain = {0, 0, NULL, NULL};
    litelstm_frame frames[4];
    size_t count = 0;
    litelstm_status status;
    job j;

    j.sequence = sequence ? sequence : &plain;
    j.x = x;
    j.y = y;
    j.steps = steps;
    j.elements = steps * core->network->inputs;
    j.words = words;
    j.loads = j.sequence->load_state ? core->network->state_words : 0;
    j.saves = j.sequence->save_state ? core->network->state_words : 0;
    j.given = j.taken = j.loaded = j.saved = 0;
    if (!can_run(core, &j))
        return LITELSTM_ARGUMENT;
    if (!has_window(core) && (count = make_frames(core, &j, frames)) == 0)
        return LITELSTM_ARGUMENT;
    if (!(READ(core, STATUS) & LITELSTM__STATUS__LOADED_bm))
        return LITELSTM_NO_WEIGHTS;
    status = settled(core);
    if (status != LITELSTM_OK)
        return status;
    announce(core, &j);
    status = count ? run_by_streams(core, &j, frames, count) : run_by_registers(core, &j);
    if (status == LITELSTM_OK && READ(core, ERRORS))
        status = LITELSTM_ERROR;
    if (status == LITELSTM_OK)
        core->unsettled = 0;
    return status;
}

/* Bytes per vector, in whole beats. */
static size_t vector_bytes(const litelstm_packing *p)
{
    return ((size_t)p->vector * p->container + p->bus - 1u) / p->bus * (p->bus / 8u);
}

size_t litelstm_frame_bytes(const litelstm_packing *packing, size_t vectors)
{
    return vectors * vector_bytes(packing);
}

void litelstm_pack(const litelstm_packing *packing, const int32_t *elements, size_t vectors,
                   void *bytes)
{
    const size_t size = vector_bytes(packing);
    uint8_t *to = (uint8_t *)bytes;
    size_t byte, element, bit;

    for (byte = 0; byte < vectors * size; byte++)
        to[byte] = 0;
    for (; vectors > 0; vectors--, to += size)
        for (element = 0; element < packing->vector; element++) {
            const uint32_t word = (uint32_t)*elements++;

            for (bit = 0; bit < packing->container; bit++) {
                const size_t place = element * packing->container + bit;

                to[place / 8] |= (uint8_t)((word >> bit & 1u) << place % 8);
            }
        }
}

void litelstm_unpack(const litelstm_packing *packing, const void *bytes, size_t vectors,
                     int32_t *elements)
{
    const size_t size = vector_bytes(packing);
    const uint8_t *from = (const uint8_t *)bytes;
    size_t element, bit;

    for (; vectors > 0; vectors--, from += size)
        for (element = 0; element < packing->vector; element++) {
            uint32_t word = 0;

            for (bit = 0; bit < packing->element; bit++) {
                const size_t place = element * packing->container + bit;

                word |= ((uint32_t)from[place / 8] >> place % 8 & 1u) << bit;
            }
            if (word >> (packing->element - 1u) && packing->element < 32)
                word |= 0xFFFFFFFFu << packing->element;
            *elements++ = (int32_t)word;
        }
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
    counters->cycles = READ(core, CYCLES); /* this read latches the upper half */
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
        return "no litelstm core answers, or another core does";
    case LITELSTM_VERSION:
        return "the registers have another version";
    case LITELSTM_ARGUMENT:
        return "the core does not support the request";
    case LITELSTM_TIMEOUT:
        return "the core makes no progress";
    case LITELSTM_REFUSED:
        return "the core refused the image of weights";
    case LITELSTM_NO_WEIGHTS:
        return "no network is loaded yet";
    case LITELSTM_ERROR:
        return "the core reports errors";
    case LITELSTM_DMA:
        return "a transfer of a stream failed";
    case LITELSTM_UNSETTLED:
        return "an earlier call failed: reset the core first";
    }
    return "unknown status";
}
