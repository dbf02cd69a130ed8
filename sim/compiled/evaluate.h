// Evaluation of a Verilated model, as fast as the Verilator version allows.
//
// EVALUATE(Model) defines evaluate_low(Model&), for after a falling edge of the clock: inputs
// settle; and evaluate_high(Model&), for after a rising edge: registers load.
//
// Model::eval() is always correct. In Verilator 5.052 it calls the functions below and seven more
// through virtual functions, takes two locks and checks for further work. That costs a quarter of
// a clock cycle of a core with 16 lanes. A model with one clock, and without delays, events and
// combinational loops, needs only these two for each level of the clock. Their names are private
// to Verilator, so other versions get eval().

#include "verilated.h"

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
#define EVALUATE(Model)                                      \
    inline void evaluate_low(Model& model) { model.eval(); } \
    inline void evaluate_high(Model& model) { model.eval(); }
#endif
