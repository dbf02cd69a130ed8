// A test bench around a Verilated core that drives its streams without Python in the loop.
//
// sim/compiled/bench.py calls it through ctypes: bench_run() moves a Job forward by at most `budget`
// clock cycles, so that Python can show progress between two calls. All state of a run is in the
// Job, the Bench and the model, hence the cuts between calls leave no trace in the cycles.
//
// One clock cycle: drive the inputs with clk low, evaluate, sample (ready may depend on valid and
// the other way round), raise clk, evaluate. The structures below are mirrored field by field in
// sim/compiled/bench.py, the gaps in sim/patterns.py.
//
// A core may have ports of more fields and streams of state words: see sim/fields.py.
//
// sim/compiled/library.py compiles this file together with the models of one core or several, whose headers
// come before it; VERILATED_MODELS(macro) calls a macro with each of their classes.

#include <cstdint>
#include <memory>

#include "verilated.h"

// What an evaluation has to do for a model with one clock, without delays, events and combinational
// loops, in the regions of Verilator 5.052: after a falling edge inputs settle, after a rising one
// registers take what is there. Its eval() calls these and seven more through virtual functions,
// takes two locks and looks whether anything is left to do, which costs a quarter of a clock cycle of a core with
// 16 lanes.
#if VERILATOR_VERSION_INTEGER == 5052000
#define EVALUATE(Model)                                                 \
    bool Model##___024root___eval_ico(Model##___024root*, CData first); \
    bool Model##___024root___eval_act(Model##___024root*);              \
    bool Model##___024root___eval_nba(Model##___024root*);              \
    inline void evaluate_low(Model& model) {                            \
        Model##___024root___eval_ico(model.rootp, true);                \
        Model##___024root___eval_act(model.rootp);                      \
    }                                                                   \
    inline void evaluate_high(Model& model) {                           \
        Model##___024root___eval_act(model.rootp);                      \
        Model##___024root___eval_nba(model.rootp);                      \
    }
#else
#define EVALUATE(Model)                                        \
    inline void evaluate_low(Model& model) { model.eval(); }   \
    inline void evaluate_high(Model& model) { model.eval(); }
#endif
VERILATED_MODELS(EVALUATE)

namespace litelstm {

// Ports that not every core has: writing to one that is not there does nothing, reading gives 0.
#define OPTIONAL_PORT(port)                                               \
    template <class Model>                                                \
    auto set_##port(Model& model, uint32_t value, int) -> decltype(void(model.port)) { \
        model.port = value;                                               \
    }                                                                     \
    template <class Model>                                                \
    void set_##port(Model&, uint32_t, long) {}                            \
    template <class Model>                                                \
    auto get_##port(const Model& model, int) -> decltype(uint32_t(model.port)) { \
        return model.port;                                                \
    }                                                                     \
    template <class Model>                                                \
    uint32_t get_##port(const Model&, long) {                             \
        return 0;                                                         \
    }
OPTIONAL_PORT(i_keep)
OPTIONAL_PORT(i_load)
OPTIONAL_PORT(i_save)
OPTIONAL_PORT(i_stream)
OPTIONAL_PORT(o_stream)
OPTIONAL_PORT(i_state_data)
OPTIONAL_PORT(i_state_valid)
OPTIONAL_PORT(i_state_ready)
OPTIONAL_PORT(o_state_data)
OPTIONAL_PORT(o_state_valid)
OPTIONAL_PORT(o_state_ready)
OPTIONAL_PORT(i_weights_data)
OPTIONAL_PORT(i_weights_last)
OPTIONAL_PORT(i_weights_valid)
OPTIONAL_PORT(i_weights_ready)
#undef OPTIONAL_PORT

// Bits of a beat's fields: sim/fields.py.
enum Fields : uint32_t { LAST = 1, KEEP = 2, LOAD = 4, SAVE = 8, DUE_AFTER = 16 };
constexpr unsigned STREAM = 8;

enum Trigger : uint32_t { TRANSFER = 0, VALID = 1, FREE = 2, DUE = 3 };

enum Status : int32_t {
    DONE = 0,
    RUNNING = 1,  // the budget is used up: call again
    CYCLE_LIMIT = 2,
    VALID_DROPPED = 3,
    PAYLOAD_CHANGED = 4,
    SURPLUS_WORD = 5,
    STOPPED = 6,  // an assertion or $finish in the design
};

struct Pattern {
    uint64_t threshold;  // probability times 2^32
    uint32_t shortest;
    uint32_t longest;
    uint32_t burst;
    uint32_t trigger;
};

// The gaps of one side of one run: patterns.Gaps.
struct Gaps {
    Pattern pattern;
    uint64_t state;  // of splitmix64
    uint64_t left;   // beats until the next draw
    uint64_t gap;    // cycles of the gap that are still to come; 0: valid or ready is high

    uint64_t random() {
        state += 0x9E3779B97F4A7C15u;
        uint64_t z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return (z ^ (z >> 31)) >> 32;
    }

    void draw() {
        gap = 0;
        if (left) {
            --left;
            return;
        }
        left = pattern.burst - 1;
        if (random() >= pattern.threshold) return;
        const uint64_t span = uint64_t(pattern.longest) - pattern.shortest + 1;
        gap = pattern.shortest + random() % span;
    }

    void start(uint64_t seed, uint64_t side) {
        state = seed * 4 + side;
        left = 0;
        draw();
    }

    // A clock edge; `valid` is the sender's level, so that valid without a gap is a transfer.
    void ready_edge(bool valid) {
        if (gap) {
            if (valid || pattern.trigger != VALID) --gap;
        } else if (valid || pattern.trigger == FREE) {
            draw();
        }
    }
};

struct Job {
    // Arrays that belong to the caller.
    const int32_t* beats;
    const uint32_t* beat_fields;
    uint64_t* accepted;
    int32_t* words;
    uint32_t* word_fields;
    uint64_t* taken;
    const int32_t* loads;
    uint64_t* loaded;
    int32_t* state;
    uint64_t* saved;
    const uint32_t* weights;
    uint64_t* written;
    uint64_t n_beats;
    uint64_t n_words;
    uint64_t n_loads;
    uint64_t n_saves;
    uint64_t n_weights;
    // How to run.
    Gaps idle;
    Gaps ready;
    Gaps load_idle;
    Gaps save_ready;
    Gaps weight_idle;
    uint64_t seed;
    uint64_t patience;
    uint64_t settle;
    uint64_t reset_cycle;
    uint64_t reset_beat;
    uint64_t reset_word;
    uint64_t reset_hold;  // 0: no reset in this run
    // Where it stands.
    uint64_t n_accepted;
    uint64_t n_taken;
    uint64_t n_loaded;
    uint64_t n_saved;
    uint64_t n_written;
    uint64_t moved;  // the first cycle after the last transfer
    uint64_t settled;
};

// A bench of a model of any class.
class AnyBench {
  public:
    virtual ~AnyBench() = default;
    virtual uint64_t cycle() const = 0;
    virtual void restart() = 0;
    virtual void begin(Job& job) = 0;
    virtual Status run(Job& job, uint64_t budget) = 0;
};

template <class Model>
class Bench final : public AnyBench {
  public:
    // A width of 0 for the state or weights: the core has no streams of such words.
    Bench(uint32_t in_width, uint32_t out_width, uint32_t state_width, uint32_t stream_width,
          uint32_t weight_width)
        : mask_(0xFFFFFFFFu >> (32 - in_width)),
          shift_(32 - out_width),
          state_mask_(state_width ? 0xFFFFFFFFu >> (32 - state_width) : 0),
          state_shift_(state_width ? 32 - state_width : 0),
          stream_mask_(stream_width ? 0xFFFFFFFFu >> (32 - stream_width) : 0),
          weight_mask_(weight_width ? 0xFFFFFFFFu >> (32 - weight_width) : 0) {
        context_.fatalOnError(false);  // an assertion ends the run, not the Python process
        Verilated::threadContextp(&context_);
        model_ = std::make_unique<Model>(&context_);
        model_->eval();  // runs what is initial
    }

    ~Bench() override {
        Verilated::threadContextp(&context_);
        model_->final();
    }

    uint64_t cycle() const override { return cycle_; }

    // Forgets what was, an assertion that ended it included; cycle 0 comes next.
    void restart() override {
        Verilated::threadContextp(&context_);
        context_.gotFinish(false);
        context_.gotError(false);
        context_.errorCount(0);
        reset(1);
        cycle_ = 0;
    }

    void begin(Job& job) override {
        start_gaps(job);
        job.n_accepted = job.n_taken = job.n_loaded = job.n_saved = job.n_written = 0;
        job.settled = 0;
        job.moved = cycle_;
    }

    Status run(Job& job, uint64_t budget) override {
        Verilated::threadContextp(&context_);
        for (; budget; --budget) {
            if (context_.gotFinish()) return STOPPED;
            if (over(job) && job.settled >= job.settle) return DONE;
            if (job.reset_hold && cycle_ >= job.reset_cycle) {
                reset_in_run(job);
            } else {
                const Status status = clock(job);
                if (status != RUNNING) return status;
            }
        }
        return RUNNING;
    }

  private:
    static bool over(const Job& job) {
        return job.n_accepted == job.n_beats && job.n_taken == job.n_words &&
               job.n_loaded == job.n_loads && job.n_saved == job.n_saves &&
               job.n_written == job.n_weights;
    }

    static void start_gaps(Job& job) {
        job.idle.start(job.seed, 0);
        job.ready.start(job.seed, 1);
        job.load_idle.start(job.seed, 2);
        job.save_ready.start(job.seed, 3);
        job.weight_idle.start(job.seed, 4);
    }

    // One clock cycle of a run.
    Status clock(Job& job) {
        const bool in_valid = drive_input(job);
        const bool out_ready = job.ready.gap == 0 && (job.ready.pattern.trigger != DUE || due_);
        model_->o_ready = out_ready;
        const bool load_valid = state_mask_ && drive_state(job);
        const bool weight_valid = weight_mask_ && drive_weights(job);
        low();
        const bool in_ready = model_->i_ready;
        const bool out_valid = model_->o_valid;
        const uint32_t data = model_->o_data;
        const uint32_t fields = model_->o_last | get_o_stream(*model_, 0) << STREAM;

        if (const Status status = waiting_.edge(out_valid, out_ready, data, fields)) return status;
        if (over(job)) {
            if (out_valid) return SURPLUS_WORD;
            ++job.settled;
        } else if (cycle_ - job.moved >= job.patience) {
            return CYCLE_LIMIT;
        }

        if (in_valid && in_ready) {
            if (job.beat_fields[job.n_accepted] & DUE_AFTER) ++due_;
            job.accepted[job.n_accepted++] = cycle_;
            job.moved = cycle_ + 1;
            job.idle.draw();
        } else if (job.idle.gap) {
            --job.idle.gap;
        }
        if (out_valid && out_ready) {
            if (job.n_taken == job.n_words) return SURPLUS_WORD;
            job.words[job.n_taken] = int32_t(data << shift_) >> shift_;
            job.word_fields[job.n_taken] = fields;
            job.taken[job.n_taken++] = cycle_;
            job.moved = cycle_ + 1;
            if ((fields & LAST) && due_) --due_;
        }
        job.ready.ready_edge(out_valid);
        if (state_mask_) {
            if (const Status status = move_state(job, load_valid)) return status;
        }
        if (weight_mask_) move_weights(job, weight_valid);
        high();
        return RUNNING;
    }

    // While valid is low the payload is the complement of what comes next: a core that looks at it
    // too early or too late gets wrong results.
    bool drive_input(const Job& job) {
        const bool more = job.n_accepted < job.n_beats;
        const bool valid = more && job.idle.gap == 0;
        const uint64_t at = more ? job.n_accepted : job.n_beats - 1;
        const uint32_t turn = valid ? 0 : ~0u;
        const uint32_t fields = job.beat_fields[at] ^ turn;
        model_->i_data = (uint32_t(job.beats[at]) ^ turn) & mask_;
        model_->i_last = fields & LAST;
        set_i_keep(*model_, fields / KEEP & 1, 0);
        set_i_load(*model_, fields / LOAD & 1, 0);
        set_i_save(*model_, fields / SAVE & 1, 0);
        set_i_stream(*model_, fields >> STREAM & stream_mask_, 0);
        model_->i_valid = valid;
        return valid;
    }

    // The streams of state words, driven; whether a word is offered to the core.
    bool drive_state(const Job& job) {
        const bool more = job.n_loaded < job.n_loads;
        const bool valid = more && job.load_idle.gap == 0;
        const uint32_t word = more ? uint32_t(job.loads[job.n_loaded]) : 0;
        set_i_state_data(*model_, (valid ? word : ~word) & state_mask_, 0);
        set_i_state_valid(*model_, valid, 0);
        set_o_state_ready(*model_, job.save_ready.gap == 0, 0);
        return valid;
    }

    // The streams of state words, sampled.
    Status move_state(Job& job, bool load_valid) {
        const bool valid = get_o_state_valid(*model_, 0);
        const bool ready = job.save_ready.gap == 0;
        const uint32_t word = get_o_state_data(*model_, 0);
        if (const Status status = state_waiting_.edge(valid, ready, word, 0)) return status;
        if (load_valid && get_i_state_ready(*model_, 0)) {
            job.loaded[job.n_loaded++] = cycle_;
            job.moved = cycle_ + 1;
            job.load_idle.draw();
        } else if (job.load_idle.gap) {
            --job.load_idle.gap;
        }
        if (valid && (ready || over(job)) && job.n_saved == job.n_saves) return SURPLUS_WORD;
        if (valid && ready) {
            job.state[job.n_saved] = int32_t(word << state_shift_) >> state_shift_;
            job.saved[job.n_saved++] = cycle_;
            job.moved = cycle_ + 1;
        }
        job.save_ready.ready_edge(valid);
        return DONE;
    }

    // The stream of weights, driven; whether a word is offered to the core.
    bool drive_weights(const Job& job) {
        const bool more = job.n_written < job.n_weights;
        const bool valid = more && job.weight_idle.gap == 0;
        const uint32_t word = more ? job.weights[job.n_written] : 0;
        set_i_weights_data(*model_, (valid ? word : ~word) & weight_mask_, 0);
        set_i_weights_last(*model_, (job.n_written + 1 == job.n_weights) == valid, 0);
        set_i_weights_valid(*model_, valid, 0);
        return valid;
    }

    // The stream of weights, sampled.
    void move_weights(Job& job, bool valid) {
        if (valid && get_i_weights_ready(*model_, 0)) {
            job.written[job.n_written++] = cycle_;
            job.moved = cycle_ + 1;
            job.weight_idle.draw();
        } else if (job.weight_idle.gap) {
            --job.weight_idle.gap;
        }
    }

    void reset_in_run(Job& job) {
        reset(job.reset_hold);
        job.reset_hold = 0;
        job.n_accepted = job.reset_beat;
        if (job.n_taken > job.reset_word) job.n_taken = job.reset_word;
        job.n_loaded = job.n_saved = job.n_written = 0;
        job.moved = cycle_;
        job.settled = 0;
        start_gaps(job);
    }

    void reset(uint64_t hold) {
        model_->rst = 1;
        model_->i_valid = 0;
        model_->o_ready = 0;
        set_i_state_valid(*model_, 0, 0);
        set_o_state_ready(*model_, 0, 0);
        set_i_weights_valid(*model_, 0, 0);
        for (; hold; --hold) {
            low();
            high();
        }
        model_->rst = 0;
        waiting_ = state_waiting_ = Offer();
        due_ = 0;
    }

    void low() {
        model_->clk = 0;
        evaluate_low(*model_);
    }

    void high() {
        model_->clk = 1;
        evaluate_high(*model_);
        ++cycle_;
    }

    // What was on offer in the cycle before and not taken: it must stay.
    struct Offer {
        bool waiting = false;
        uint32_t data = 0;
        uint32_t fields = 0;

        Status edge(bool valid, bool ready, uint32_t now, uint32_t now_fields) {
            if (waiting && !valid) return VALID_DROPPED;
            if (waiting && (now != data || now_fields != fields)) return PAYLOAD_CHANGED;
            waiting = valid && !ready;
            data = now;
            fields = now_fields;
            return DONE;
        }
    };

    VerilatedContext context_;
    std::unique_ptr<Model> model_;
    const uint32_t mask_;   // of the input's width: Verilator wants the bits above to be 0
    const uint32_t shift_;  // that sign-extends the output
    const uint32_t state_mask_;
    const uint32_t state_shift_;
    const uint32_t stream_mask_;
    const uint32_t weight_mask_;
    uint64_t cycle_ = 0;
    uint64_t due_ = 0;      // sequences that were sent and not answered
    Offer waiting_;
    Offer state_waiting_;
};

}  // namespace litelstm

using litelstm::AnyBench;
using litelstm::Job;

#pragma GCC visibility push(default)

extern "C" {

// bench_new_V<top>: a new bench of that core.
#define BENCH_NEW(Model)                                                                      \
    AnyBench* bench_new_##Model(uint32_t in_width, uint32_t out_width, uint32_t state_width,  \
                                uint32_t stream_width, uint32_t weight_width) {               \
        return new litelstm::Bench<Model>(in_width, out_width, state_width, stream_width,     \
                                          weight_width);                                      \
    }
VERILATED_MODELS(BENCH_NEW)

// Size of a Job, which Python compares with its own.
uint64_t bench_job_size() { return sizeof(Job); }

void bench_free(AnyBench* bench) { delete bench; }

uint64_t bench_cycle(const AnyBench* bench) { return bench->cycle(); }

// Resets the core for one clock edge; the next cycle is 0.
void bench_restart(AnyBench* bench) { bench->restart(); }

// Puts a Job that Python has filled in at its start.
void bench_begin(AnyBench* bench, Job* job) { bench->begin(*job); }

// Goes on with a Job for at most `budget` clock cycles; returns a Status.
int32_t bench_run(AnyBench* bench, Job* job, uint64_t budget) { return bench->run(*job, budget); }
}

#pragma GCC visibility pop
