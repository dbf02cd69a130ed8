// Runs a component with the outputs `good` and `done`.

// The cycles until it is done; 0 if it is not good, or not done after `most` cycles.
extern "C" int64_t cycles_until_done(int64_t most) {
  VerilatedContext context;
  Vself_tests top(&context);
  top.rst = 0;
  for (int64_t cycle = 1; cycle <= most; ++cycle) {
    top.clk = 0;
    top.eval();
    top.clk = 1;
    top.eval();
    if (!top.good) return 0;
    if (top.done) return cycle;
  }
  return 0;
}
