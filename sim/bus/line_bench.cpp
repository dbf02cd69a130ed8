// Bench around a Verilated core behind a serial line or SPI: noise on the lines, and bytes of a
// host. sim/bus/lines.py calls it through ctypes. sim/compiled/noise.py writes noise.h.
//
// sim/compiled/library.py compiles this file together with the models; VERILATED_MODELS(macro)
// calls a macro with each of their classes.

#include <cstdint>
#include <memory>

#include "noise.h"
#include "verilated.h"

namespace litelstm {

class AnyBench {
  public:
    virtual ~AnyBench() = default;
    virtual void reset() = 0;
    virtual void noise(uint64_t seed, uint64_t cycles, uint64_t hold) = 0;
    virtual int64_t exchange(const uint8_t* out, uint64_t count, uint8_t* in, uint64_t room) = 0;
};

template <class Model>
class Bench : public AnyBench {
  public:
    explicit Bench(uint64_t bit)
        : context_(new VerilatedContext), model_(new Model(context_.get(), "top")), bit_(bit) {
        reset();
    }

    void reset() override {
        rest(*model_, 0);
        model_->rst = 1;
        for (int n = 0; n < 3; ++n) clock();
        model_->rst = 0;
        for (uint64_t n = 0; n < 2 * bit_; ++n) clock();
    }

    // Random levels on all lines, each set of them for 1 to `hold` cycles, and the reset in one of
    // 4,096 sets.
    void noise(uint64_t seed, uint64_t cycles, uint64_t hold) override {
        while (cycles) {
            make_noise(*model_, seed);
            model_->rst = (mixed(seed) & 0xFFF) == 0;
            for (uint64_t n = 1 + mixed(seed) % hold; n && cycles; --n, --cycles) clock();
        }
    }

    // Sends bytes and returns the number of those received. A serial line ends when it was high for
    // ten bytes' time behind the last byte; SPI gives a byte for each.
    int64_t exchange(const uint8_t* out, uint64_t count, uint8_t* in, uint64_t room) override {
        return talk(*model_, out, count, in, room, 0);
    }

  private:
    template <class M>
    auto rest(M& m, int) -> decltype(void(m.rx)) {
        m.rx = 1;
    }
    template <class M>
    void rest(M& m, long) {
        m.sck = 0;
        m.cs_n = 1;
    }

    template <class M>
    auto talk(M& m, const uint8_t* out, uint64_t count, uint8_t* in, uint64_t room, int)
        -> decltype(int64_t(m.rx)) {
        const uint64_t frame = 10 * bit_;
        uint64_t came = 0, still = 0;
        int64_t since = -1;  // cycles from the start bit's edge of the byte that comes
        uint32_t bits = 0;
        for (uint64_t n = 0; n < count * frame || still < 10 * frame; ++n) {
            const uint32_t sent = n < count * frame ? (0x200u | uint32_t(out[n / frame]) << 1) : 1;
            m.rx = n < count * frame ? sent >> (n % frame / bit_) & 1 : 1;
            clock();
            still = n < count * frame || since >= 0 || !m.tx ? 0 : still + 1;
            if (since < 0 && !m.tx) since = 0, bits = 0;
            if (since >= 0 && uint64_t(since) % bit_ == bit_ / 2)
                bits |= uint32_t(m.tx) << (uint64_t(since) / bit_);
            if (since >= 0 && uint64_t(++since) == frame - bit_ / 2 + 1) {
                if (came == room || !(bits & 0x200)) return -1;
                in[came++] = bits >> 1;
                since = -1;
            }
        }
        return came;
    }

    template <class M>
    int64_t talk(M& m, const uint8_t* out, uint64_t count, uint8_t* in, uint64_t room, long) {
        if (count > room) return -1;
        m.cs_n = 0;
        wait(bit_);
        for (uint64_t n = 0; n < count; ++n) {
            in[n] = 0;
            for (int place = 7; place >= 0; --place) {
                m.mosi = out[n] >> place & 1;
                wait(bit_ / 2);
                in[n] = in[n] << 1 | m.miso;
                m.sck = 1;
                wait(bit_ / 2);
                m.sck = 0;
            }
        }
        wait(bit_ / 2);
        m.cs_n = 1;
        wait(bit_);
        return count;
    }

    void wait(uint64_t cycles) {
        while (cycles--) clock();
    }

    void clock() {
        model_->clk = 0;
        model_->eval();
        model_->clk = 1;
        model_->eval();
    }

    std::unique_ptr<VerilatedContext> context_;
    std::unique_ptr<Model> model_;
    uint64_t bit_;
};

}  // namespace litelstm

#define MAKE(Model) \
    if (which-- == 0) return new litelstm::Bench<Model>(bit);

extern "C" {
void* line_open(int32_t which, uint64_t bit) {
    VERILATED_MODELS(MAKE)
    return nullptr;
}
void line_close(void* bench) { delete static_cast<litelstm::AnyBench*>(bench); }
void line_reset(void* bench) { static_cast<litelstm::AnyBench*>(bench)->reset(); }
void line_noise(void* bench, uint64_t seed, uint64_t cycles, uint64_t hold) {
    static_cast<litelstm::AnyBench*>(bench)->noise(seed, cycles, hold);
}
int64_t line_exchange(void* bench, const uint8_t* out, uint64_t count, uint8_t* in, uint64_t room) {
    return static_cast<litelstm::AnyBench*>(bench)->exchange(out, count, in, room);
}
}
