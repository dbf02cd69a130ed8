// Stand-in for a core in the tests of the benches: same ports, same behaviour on its streams.
// It takes BEATS beats a step, is busy BUSY cycles after each, and answers a sequence with WORDS
// words made from a checksum of its beats, while it already takes the next one.
// The first beat after a reset, if it is one of the faults below, breaks the core that way.

module echo_core #(
    parameter X = 8,
    parameter Y = 16,
    parameter BEATS = 4,
    parameter BUSY = 20,
    parameter WORDS = 3,
    parameter COMBINATIONAL = 0  // 1: i_ready waits for i_valid
) (
    input clk,
    input rst,
    input signed [X-1:0] i_data,
    input i_last,
    input i_valid,
    output i_ready,
    output signed [Y-1:0] o_data,
    output o_last,
    output o_valid,
    input o_ready
);
    // As in tests/sim/echo.py.
    localparam DROPS_VALID = 1, CHANGES_DATA = 2, CHANGES_LAST = 3, DEAF = 4, WRONG_WORD = 5;
    localparam EXTRA_WORD = 6, STALE_STATE = 7, FINISHES = 8, UNKNOWN_WORD = 9;
    localparam UNKNOWN_VALID = 10, UNKNOWN_READY = 11, EARLY_DATA = 12;

    reg [3:0] bug = 0;
    reg started;
    reg [31:0] sum = 0;
    reg [31:0] count;
    reg [31:0] busy;
    reg pending;  // the step that is being computed is a sequence's last
    reg [31:0] answer;
    reg [31:0] word;
    reg valid;
    reg [31:0] waited;
    reg [31:0] sequences;
    reg was_idle;
    reg signed [X-1:0] earlier;

    wire free = busy == 0 && !(bug == DEAF && sequences == 2);
    assign i_ready = bug == UNKNOWN_READY && sequences == 2 ? 1'bx
        : free && (i_valid || COMBINATIONAL == 0);
    wire take = i_valid && i_ready;
    wire give = o_valid && o_ready;
    wire signed [X-1:0] data = bug == EARLY_DATA && was_idle ? earlier : i_data;
    wire odd = waited == 1;

    wire wrong = (bug == CHANGES_DATA && odd)
        || (bug == WRONG_WORD && sequences == 2 && word == 1);
    wire [31:0] sound = answer + word * 32'h3C6EF35F;
    assign o_data = bug == UNKNOWN_WORD ? {Y{1'bx}} : sound[31:32-Y] ^ {Y{wrong}};
    assign o_valid = bug == UNKNOWN_VALID && valid ? 1'bx
        : valid && !(bug == DROPS_VALID && odd);
    assign o_last = (word == WORDS - 1) ^ (bug == CHANGES_LAST && odd);

    always @(posedge clk) begin
        was_idle <= !i_valid;
        earlier <= i_data;
        waited <= o_valid && !o_ready ? waited + 1 : 0;
        if (busy != 0 && !(busy == 1 && pending && valid)) busy <= busy - 1;
        if (busy == 1 && pending && !valid) begin
            answer <= sum * 32'h9E3779B1;
            sum <= 0;
            pending <= 0;
            word <= 0;
            valid <= 1;
            sequences <= sequences + 1;
            if (bug == FINISHES && sequences == 1) $finish;
        end
        if (take) begin
            started <= 1;
            if (!started && i_data > 0 && i_data <= EARLY_DATA) bug <= i_data;
            sum <= sum * 31 + {{32{data[X-1]}}, data} + 1;
            count <= count + 1;
            if (count == BEATS - 1 || i_last) begin
                count <= 0;
                busy <= BUSY;
                pending <= i_last;
            end
        end
        if (give) begin
            word <= word + 1;
            if (word == WORDS - 1 + (bug == EXTRA_WORD && sequences == 2)) valid <= 0;
        end
        if (rst) begin
            started <= 0;
            bug <= 0;
            if (bug != STALE_STATE) sum <= 0;
            count <= 0;
            busy <= 0;
            pending <= 0;
            valid <= 0;
            waited <= 0;
            sequences <= 0;
        end
    end
endmodule
