// Bench around a Verilated core with AXI buses: plays lists of beats and accesses, with pauses, and
// records the core's beats and responses. sim/bus/bench.py calls it through ctypes and mirrors the
// structures below field by field. sim/compiled/noise.py writes noise.h.
//
// sim/compiled/library.py compiles this file together with the models; VERILATED_MODELS(macro)
// calls a macro with each of their classes.

#include <cstdint>
#include <memory>

#include "noise.h"
#include "verilated.h"

namespace litelstm {

// Ports that not every core has: a write to a missing one does nothing, a read gives 0.
#define OPTIONAL_PORT(port)                                                            \
    template <class Model>                                                             \
    auto set_##port(Model& model, uint64_t value, int) -> decltype(void(model.port)) { \
        model.port = value;                                                            \
    }                                                                                  \
    template <class Model>                                                             \
    void set_##port(Model&, uint64_t, long) {}                                         \
    template <class Model>                                                             \
    auto get_##port(const Model& model, int) -> decltype(uint64_t(model.port)) {       \
        return model.port;                                                             \
    }                                                                                  \
    template <class Model>                                                             \
    uint64_t get_##port(const Model&, long) {                                          \
        return 0;                                                                      \
    }
OPTIONAL_PORT(s_axis_tid)
OPTIONAL_PORT(s_axis_tuser)
OPTIONAL_PORT(m_axis_tid)
OPTIONAL_PORT(s_axis_state_tdata)
OPTIONAL_PORT(s_axis_state_tlast)
OPTIONAL_PORT(s_axis_state_tvalid)
OPTIONAL_PORT(s_axis_state_tready)
OPTIONAL_PORT(m_axis_state_tdata)
OPTIONAL_PORT(m_axis_state_tkeep)
OPTIONAL_PORT(m_axis_state_tlast)
OPTIONAL_PORT(m_axis_state_tvalid)
OPTIONAL_PORT(m_axis_state_tready)
OPTIONAL_PORT(s_axis_weights_tdata)
OPTIONAL_PORT(s_axis_weights_tlast)
OPTIONAL_PORT(s_axis_weights_tvalid)
OPTIONAL_PORT(s_axis_weights_tready)
#undef OPTIONAL_PORT

enum Status : int32_t { DONE = 0, BUDGET = 1, BROKEN = 2, FULL = 3 };

// Fields beside a beat's data: last, id, user (or error), keep.
constexpr unsigned ID = 8, USER = 16, KEEP = 24;

struct Source {
    const uint64_t* data;
    const uint32_t* beside;
    uint64_t count;
    uint64_t at;
    uint64_t gap;
};

struct Sink {
    uint64_t* data;
    uint32_t* beside;
    uint64_t room;
    uint64_t at;
};

// An access to a register; `delay` cycles pass before it. `seen` is the number of beats of x that
// moved before a write took effect, `shown` that of beats of y.
struct Access {
    uint32_t address;
    uint32_t data;
    uint32_t strobe;
    uint32_t delay;
    uint32_t response;
    uint32_t answer;
    uint64_t seen;
    uint64_t shown;
};

struct Accesses {
    Access* list;
    uint64_t count;
    uint64_t at;
    uint64_t gap;
    uint64_t second_gap;
    uint32_t stage;  // 0: waits, 1: offered, 2: awaits its response
    uint32_t parts;  // of a write: 1: the core took the address, 2: the data
};

struct Job {
    Source x, state_in, weights;
    Sink y, state_out;
    Accesses writes, reads;
    uint64_t random;
    uint64_t pause;   // probability of a pause, times 2^32
    uint64_t budget;  // cycles
    uint64_t quiet;   // cycles without a transfer that end the run
    uint64_t cycles;
};

class AnyBench {
  public:
    virtual ~AnyBench() = default;
    virtual void reset(uint64_t cycles) = 0;
    virtual int32_t run(Job& job) = 0;
    virtual void noise(uint64_t seed, uint64_t cycles) = 0;
};

template <class Model>
class Bench : public AnyBench {
  public:
    Bench() : context_(new VerilatedContext), model_(new Model(context_.get(), "top")) { reset(3); }

    void reset(uint64_t cycles) override {
        Model& m = *model_;
        m.aresetn = 0;
        m.s_axis_tvalid = m.m_axis_tready = 0;
        m.s_axil_awvalid = m.s_axil_wvalid = m.s_axil_arvalid = m.s_axil_bready = m.s_axil_rready = 0;
        set_s_axis_state_tvalid(m, 0, 0);
        set_m_axis_state_tready(m, 0, 0);
        set_s_axis_weights_tvalid(m, 0, 0);
        for (uint64_t n = 0; n < cycles; ++n) clock();
        m.aresetn = 1;
        offered_ = state_offered_ = answered_ = false;
    }

    int32_t run(Job& job) override {
        Model& m = *model_;
        uint64_t still = 0;
        for (job.cycles = 0; job.cycles < job.budget; ++job.cycles) {
            drive(job);
            m.aclk = 0;
            m.eval();
            if (!kept(job)) return BROKEN;
            if (job.y.at == job.y.room || job.state_out.at == job.state_out.room) return FULL;
            const bool moved = sample(job);
            m.aclk = 1;
            m.eval();
            still = moved || waits(job) ? 0 : still + 1;
            if (still > job.quiet) return DONE;
        }
        return BUDGET;
    }

    // Random values on every input, whatever the buses' rules, and the reset in one of 4,096 cycles.
    void noise(uint64_t seed, uint64_t cycles) override {
        for (; cycles; --cycles) {
            make_noise(*model_, seed);
            model_->aresetn = (mixed(seed) & 0xFFF) != 0;
            clock();
        }
    }

  private:
    uint64_t draw(Job& job) { return mixed(job.random) >> 32; }
    bool pauses(Job& job) { return draw(job) < job.pause; }
    uint64_t gap(Job& job) { return pauses(job) ? draw(job) % 8 : 0; }

    static bool waits(const Job& job) {
        return job.x.at < job.x.count || job.state_in.at < job.state_in.count ||
               job.weights.at < job.weights.count || job.writes.at < job.writes.count ||
               job.reads.at < job.reads.count;
    }

    void drive(Job& job) {
        Model& m = *model_;
        m.s_axis_tvalid = offers(job.x);
        if (m.s_axis_tvalid) {
            const uint32_t beside = job.x.beside[job.x.at];
            m.s_axis_tdata = job.x.data[job.x.at];
            m.s_axis_tlast = beside & 1;
            set_s_axis_tid(m, beside >> ID & 255, 0);
            set_s_axis_tuser(m, beside >> USER & 255, 0);
        }
        set_s_axis_state_tvalid(m, offers(job.state_in), 0);
        if (offers(job.state_in)) {
            set_s_axis_state_tdata(m, job.state_in.data[job.state_in.at], 0);
            set_s_axis_state_tlast(m, job.state_in.beside[job.state_in.at] & 1, 0);
        }
        set_s_axis_weights_tvalid(m, offers(job.weights), 0);
        if (offers(job.weights)) {
            set_s_axis_weights_tdata(m, job.weights.data[job.weights.at], 0);
            set_s_axis_weights_tlast(m, job.weights.beside[job.weights.at] & 1, 0);
        }
        m.m_axis_tready = !pauses(job);
        set_m_axis_state_tready(m, !pauses(job), 0);
        m.s_axil_bready = !pauses(job);
        m.s_axil_rready = !pauses(job);
        begin(job, job.writes);
        begin(job, job.reads);
        Accesses& w = job.writes;
        m.s_axil_awvalid = w.stage == 1 && !(w.parts & 1) && !w.gap;
        m.s_axil_wvalid = w.stage == 1 && !(w.parts & 2) && !w.second_gap;
        if (w.stage == 1) {
            m.s_axil_awaddr = w.list[w.at].address;
            m.s_axil_wdata = w.list[w.at].data;
            m.s_axil_wstrb = w.list[w.at].strobe;
            if (w.gap) --w.gap;
            if (w.second_gap) --w.second_gap;
        }
        m.s_axil_arvalid = job.reads.stage == 1;
        if (job.reads.stage == 1) m.s_axil_araddr = job.reads.list[job.reads.at].address;
    }

    static bool offers(Source& source) { return source.at < source.count && !source.gap; }

    void begin(Job& job, Accesses& accesses) {
        if (accesses.stage || accesses.at == accesses.count) return;
        Access& access = accesses.list[accesses.at];
        if (access.delay) {
            --access.delay;
            return;
        }
        accesses.stage = 1;
        accesses.parts = 0;
        accesses.gap = gap(job);
        accesses.second_gap = gap(job);
    }

    // A word that the core offers must not change until it is taken.
    bool kept(const Job&) {
        Model& m = *model_;
        if (offered_ && (!m.m_axis_tvalid || m.m_axis_tdata != data_ || m.m_axis_tlast != last_))
            return false;
        if (state_offered_ && (!get_m_axis_state_tvalid(m, 0) ||
                               get_m_axis_state_tdata(m, 0) != state_data_))
            return false;
        if (answered_ && (!m.s_axil_rvalid || m.s_axil_rdata != answer_)) return false;
        offered_ = m.m_axis_tvalid && !m.m_axis_tready;
        data_ = m.m_axis_tdata;
        last_ = m.m_axis_tlast;
        state_offered_ = get_m_axis_state_tvalid(m, 0) && !get_m_axis_state_tready(m, 0);
        state_data_ = get_m_axis_state_tdata(m, 0);
        answered_ = m.s_axil_rvalid && !m.s_axil_rready;
        answer_ = m.s_axil_rdata;
        return true;
    }

    bool advance(Job& job, Source& source, bool ready) {
        if (source.at == source.count) return false;
        if (source.gap) {
            --source.gap;
            return false;
        }
        if (!ready) return false;
        ++source.at;
        source.gap = gap(job);
        return true;
    }

    bool sample(Job& job) {
        Model& m = *model_;
        bool moved = advance(job, job.x, m.s_axis_tready);
        moved |= advance(job, job.state_in, get_s_axis_state_tready(m, 0));
        moved |= advance(job, job.weights, get_s_axis_weights_tready(m, 0));
        Accesses& w = job.writes;
        if (w.stage == 1) {
            if (m.s_axil_awvalid && m.s_axil_awready) {
                w.parts |= 1;
                w.list[w.at].seen = job.x.at;
                w.list[w.at].shown = job.y.at;
            }
            if (m.s_axil_wvalid && m.s_axil_wready) w.parts |= 2;
            if (w.parts == 3) w.stage = 2;
        } else if (w.stage == 2 && m.s_axil_bvalid && m.s_axil_bready) {
            w.list[w.at++].response = m.s_axil_bresp;
            w.stage = 0;
            moved = true;
        }
        Accesses& r = job.reads;
        if (r.stage == 1 && m.s_axil_arready) {
            r.stage = 2;
        } else if (r.stage == 2 && m.s_axil_rvalid && m.s_axil_rready) {
            r.list[r.at].response = m.s_axil_rresp;
            r.list[r.at++].answer = m.s_axil_rdata;
            r.stage = 0;
            moved = true;
        }
        if (m.m_axis_tvalid && m.m_axis_tready) {
            job.y.data[job.y.at] = m.m_axis_tdata;
            job.y.beside[job.y.at++] = m.m_axis_tlast | uint32_t(get_m_axis_tid(m, 0)) << ID |
                                       uint32_t(m.m_axis_tuser) << USER |
                                       uint32_t(m.m_axis_tkeep) << KEEP;
            moved = true;
        }
        if (get_m_axis_state_tvalid(m, 0) && get_m_axis_state_tready(m, 0)) {
            job.state_out.data[job.state_out.at] = get_m_axis_state_tdata(m, 0);
            job.state_out.beside[job.state_out.at++] =
                get_m_axis_state_tlast(m, 0) | uint32_t(get_m_axis_state_tkeep(m, 0)) << KEEP;
            moved = true;
        }
        return moved;
    }

    void clock() {
        model_->aclk = 0;
        model_->eval();
        model_->aclk = 1;
        model_->eval();
    }

    std::unique_ptr<VerilatedContext> context_;
    std::unique_ptr<Model> model_;
    bool offered_ = false, state_offered_ = false, answered_ = false;
    uint64_t data_ = 0, state_data_ = 0;
    uint32_t answer_ = 0;
    uint8_t last_ = 0;
};

}  // namespace litelstm

#define MAKE(Model) \
    if (which-- == 0) return new litelstm::Bench<Model>;

extern "C" {
void* bus_open(int32_t which) {
    VERILATED_MODELS(MAKE)
    return nullptr;
}
void bus_close(void* bench) { delete static_cast<litelstm::AnyBench*>(bench); }
void bus_reset(void* bench, uint64_t cycles) {
    static_cast<litelstm::AnyBench*>(bench)->reset(cycles);
}
void bus_noise(void* bench, uint64_t seed, uint64_t cycles) {
    static_cast<litelstm::AnyBench*>(bench)->noise(seed, cycles);
}
int32_t bus_run(void* bench, litelstm::Job* job) {
    return static_cast<litelstm::AnyBench*>(bench)->run(*job);
}
}
