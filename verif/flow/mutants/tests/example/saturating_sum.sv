// What the tests of the mutants mutate: a sum that stays at its largest value.
module saturating_sum #(
    parameter int unsigned WIDTH = 8
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             add_i,
    input  logic [WIDTH-1:0] value_i,
    output logic [WIDTH-1:0] sum_o,
    output logic             high_o    // upper quarter
);
  logic [WIDTH-1:0] sum_q;
  logic [  WIDTH:0] next;
  assign next = {1'b0, sum_q} + {1'b0, value_i};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) sum_q <= '0;
    else if (add_i) sum_q <= next[WIDTH] ? '1 : next[WIDTH-1:0];
  end
  assign sum_o  = sum_q;
  assign high_o = sum_q >= WIDTH'(3 << (WIDTH - 2));
endmodule
