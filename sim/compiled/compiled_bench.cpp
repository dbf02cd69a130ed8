// Bench around a Verilated core that drives its streams without Python in the loop.
//
// sim/compiled/bench.py calls it through ctypes: bench_run() advances a Job by at most `budget`
// clock cycles, so that Python can show progress between two calls. All state of a run is in the
// Job, the Bench and the model, so the number of calls does not affect the cycles.
//
// One clock cycle: drive the inputs with clk low, evaluate, sample (ready may depend on valid and
// valid on ready), raise clk, evaluate. sim/compiled/job.py mirrors the structures below field by
// field, sim/patterns.py the gaps.
//
// sim/compiled/library.py compiles this file after the headers of one or more models;
// VERILATED_MODELS(macro) calls a macro with each of their classes. sim/compiled/adapter.py writes
// ports.h: STREAMS, the number of streams in the table of sim/streams.py, and for each model the
// types Model_sources and Model_sinks, lists of its streams, and whether it reports a fault.

#include <cstdint>
#include <memory>

#include "evaluate.h"

VERILATED_MODELS(EVALUATE)

namespace litelstm {

// List of a core's sources or sinks: types with static functions on its ports.
template <class... Streams>
struct List {};

}  // namespace litelstm

#include "ports.h"

namespace litelstm {

// Bits of a beat's fields that the bench reads, see sim/streams.py.
enum Fields : uint32_t { LAST = 1, DUE_AFTER = 16 };

enum Trigger : uint32_t { TRANSFER = 0, VALID = 1, FREE = 2, DUE = 3 };

enum Status : int32_t {
    DONE = 0,
    RUNNING = 1,  // the budget is used up: call again
    CYCLE_LIMIT = 2,
    VALID_DROPPED = 3,
    PAYLOAD_CHANGED = 4,
    SURPLUS_WORD = 5,
    STOPPED = 6,  // an assertion or $finish in the design
    MEMORY_FAULT = 7,
};

struct Pattern {
    uint64_t threshold;  // probability times 2^32
    uint32_t shortest;
    uint32_t longest;
    uint32_t burst;
    uint32_t trigger;
};

// Gaps of one stream in a run, see sim.patterns.Gaps.
struct Gaps {
    Pattern pattern;
    uint64_t state;  // of splitmix64
    uint64_t left;   // beats until the next draw
    uint64_t gap;    // cycles left of the gap; 0: valid or ready is high

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

// One stream in a run. The arrays belong to the caller.
struct Side {
    uint32_t* words;   // to send, or room for received ones
    uint32_t* fields;
    uint64_t* cycles;  // room for the cycle of each word
    uint64_t count;
    uint64_t moved;
    uint64_t again;    // first word after a reset in the run
    Gaps gaps;

    bool done() const { return moved == count; }
};

struct Job {
    Side sides[STREAMS];
    uint64_t seed;
    uint64_t patience;
    uint64_t settle;
    uint64_t reset_cycle;
    uint64_t reset_hold;  // 0: no reset in this run
    // Progress.
    uint64_t moved;  // the first cycle after the last transfer
    uint64_t settled;

    bool over() const {
        for (const Side& side : sides) {
            if (!side.done()) return false;
        }
        return true;
    }

    void start_gaps() {
        for (unsigned at = 0; at < STREAMS; ++at) sides[at].gaps.start(seed, at);
    }
};

// Bench of a model of any class.
class AnyBench {
  public:
    virtual ~AnyBench() = default;
    virtual uint64_t cycle() const = 0;
    virtual void restart() = 0;
    virtual void begin(Job& job) = 0;
    virtual Status run(Job& job, uint64_t budget) = 0;
#ifdef VERILATOR_VERILATED_COV_H_
    virtual void write_counts(const char* path) = 0;
#endif
};

template <class Model, class Sources, class Sinks>
class Bench;

template <class Model, class... Source, class... Sink>
class Bench<Model, List<Source...>, List<Sink...>> final : public AnyBench {
  public:
    Bench() {
        context_.fatalOnError(false);  // an assertion ends the run, not the Python process
        Verilated::threadContextp(&context_);
        model_ = std::make_unique<Model>(&context_);
        model_->eval();  // runs initial blocks
    }

    ~Bench() override {
        Verilated::threadContextp(&context_);
        model_->final();
    }

    uint64_t cycle() const override { return cycle_; }

#ifdef VERILATOR_VERILATED_COV_H_
    void write_counts(const char* path) override { context_.coveragep()->write(path); }
#endif

    // Clears all state, a failed assertion's included; cycle 0 comes next.
    void restart() override {
        Verilated::threadContextp(&context_);
        context_.gotFinish(false);
        context_.gotError(false);
        context_.errorCount(0);
        reset(1);
        cycle_ = 0;
    }

    void begin(Job& job) override {
        job.start_gaps();
        for (Side& side : job.sides) side.moved = 0;
        job.settled = 0;
        job.moved = cycle_;
    }

    Status run(Job& job, uint64_t budget) override {
        Verilated::threadContextp(&context_);
        for (; budget; --budget) {
            if (context_.gotFinish()) return STOPPED;
            if (job.over() && job.settled >= job.settle) return DONE;
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
    // One clock cycle of a run.
    Status clock(Job& job) {
        (offer<Source>(job.sides[Source::SIDE]), ...);
        (accept<Sink>(job.sides[Sink::SIDE]), ...);
        low();
        const bool over = job.over();
        Status status = is_faulty(*model_) ? MEMORY_FAULT : DONE;
        ((status = status ? status : watch<Sink>(job.sides[Sink::SIDE], over)), ...);
        if (status) return status;
        if (over) {
            ++job.settled;
        } else if (cycle_ - job.moved >= job.patience) {
            return CYCLE_LIMIT;
        }
        (send<Source>(job, job.sides[Source::SIDE]), ...);
        (take<Sink>(job, job.sides[Sink::SIDE]), ...);
        high();
        return RUNNING;
    }

    // While valid is low, the payload is the complement of the next word's: a core that reads it
    // too early or too late gets wrong results.
    template <class S>
    void offer(const Side& side) {
        const bool valid = !side.done() && side.gaps.gap == 0;
        const uint32_t turn = valid ? 0 : ~0u;
        const uint64_t at = side.done() && side.moved ? side.moved - 1 : side.moved;
        const uint32_t word = side.count ? side.words[at] : 0;
        const uint32_t fields = side.count ? side.fields[at] : 0;
        S::offer(*model_, word ^ turn, fields ^ turn, valid);
    }

    template <class S>
    void accept(const Side& side) {
        ready_[S::SIDE] = side.gaps.gap == 0 && (side.gaps.pattern.trigger != DUE || due_);
        S::accept(*model_, ready_[S::SIDE]);
    }

    // Checks that the core keeps the rules of an output stream and the number of words.
    template <class S>
    Status watch(const Side& side, bool over) {
        const bool valid = S::valid(*model_), ready = ready_[S::SIDE];
        const uint32_t word = S::word(*model_), fields = S::fields(*model_);
        Offer& before = offers_[S::SIDE];
        if (before.waiting && !valid) return VALID_DROPPED;
        if (before.waiting && (word != before.word || fields != before.fields)) {
            return PAYLOAD_CHANGED;
        }
        before = {valid && !ready, word, fields};
        return valid && (ready || over) && side.done() ? SURPLUS_WORD : DONE;
    }

    template <class S>
    void send(Job& job, Side& side) {
        if (!side.done() && side.gaps.gap == 0 && S::ready(*model_)) {
            if (side.fields[side.moved] & DUE_AFTER) ++due_;
            move(job, side);
            side.gaps.draw();
        } else if (side.gaps.gap) {
            --side.gaps.gap;
        }
    }

    template <class S>
    void take(Job& job, Side& side) {
        const Offer& now = offers_[S::SIDE];
        const bool valid = S::valid(*model_);
        if (valid && !now.waiting) {
            side.words[side.moved] = now.word;
            side.fields[side.moved] = now.fields;
            move(job, side);
            if ((now.fields & LAST) && due_) --due_;
        }
        side.gaps.ready_edge(valid);
    }

    void move(Job& job, Side& side) {
        side.cycles[side.moved++] = cycle_;
        job.moved = cycle_ + 1;
    }

    void reset_in_run(Job& job) {
        reset(job.reset_hold);
        job.reset_hold = 0;
        for (Side& side : job.sides) {
            if (side.moved > side.again) side.moved = side.again;
        }
        job.moved = cycle_;
        job.settled = 0;
        job.start_gaps();
    }

    void reset(uint64_t hold) {
        model_->rst = 1;
        (Source::offer(*model_, 0, 0, false), ...);
        (Sink::accept(*model_, false), ...);
        for (; hold; --hold) {
            low();
            high();
        }
        model_->rst = 0;
        for (Offer& offer : offers_) offer = Offer();
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

    // A sink's word in this cycle; it must not change while it waits.
    struct Offer {
        bool waiting = false;
        uint32_t word = 0;
        uint32_t fields = 0;
    };

    VerilatedContext context_;
    std::unique_ptr<Model> model_;
    uint64_t cycle_ = 0;
    uint64_t due_ = 0;  // sequences sent but not answered
    Offer offers_[STREAMS];
    bool ready_[STREAMS] = {};
};

}  // namespace litelstm

using litelstm::AnyBench;
using litelstm::Job;

#pragma GCC visibility push(default)

extern "C" {

// bench_new_V<top>: makes a bench of that core.
#define BENCH_NEW(Model)                                                \
    AnyBench* bench_new_##Model() {                                     \
        return new litelstm::Bench<Model, litelstm::Model##_sources, litelstm::Model##_sinks>; \
    }
VERILATED_MODELS(BENCH_NEW)

// Size of a Job; Python checks that its own equals it.
uint64_t bench_job_size() { return sizeof(Job); }

void bench_free(AnyBench* bench) { delete bench; }

uint64_t bench_cycle(const AnyBench* bench) { return bench->cycle(); }

// Resets the core for one clock edge; the next cycle is 0.
void bench_restart(AnyBench* bench) { bench->restart(); }

// Starts a Job that Python has filled in.
void bench_begin(AnyBench* bench, Job* job) { bench->begin(*job); }

// Continues a Job for at most `budget` clock cycles; returns a Status.
int32_t bench_run(AnyBench* bench, Job* job, uint64_t budget) { return bench->run(*job, budget); }

#ifdef VERILATOR_VERILATED_COV_H_
// Writes what the model counted to a file; only in a library that counts.
void bench_write_counts(AnyBench* bench, const char* path) { bench->write_counts(path); }
#endif
}

#pragma GCC visibility pop
