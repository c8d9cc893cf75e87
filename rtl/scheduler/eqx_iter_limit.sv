// How many iterations a training context runs: what it was started with, or, after a drain command, up to and with the
// iteration that the furthest stream is in. Latency: a command in cycle t shows in t+1.
module eqx_iter_limit (
    input  logic              clk_i,
    input  logic              rst_ni,
    input  logic              start_i,
    input  logic [31:0]       iters_i,
    input  logic              drain_i,
    input  logic [ 3:0][31:0] stream_iters_i,  // iterations that each has issued completely, limit_o at most
    output logic [31:0]       limit_o
);
  logic [31:0] limit_q, furthest;

  function automatic logic [31:0] larger(input logic [31:0] a, input logic [31:0] b);
    return (a > b) ? a : b;
  endfunction

  assign furthest = larger(larger(stream_iters_i[0], stream_iters_i[1]), larger(stream_iters_i[2], stream_iters_i[3]));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) limit_q <= '0;
    else if (start_i) limit_q <= iters_i;
    else if (drain_i && furthest != limit_q) limit_q <= furthest + 32'd1;
  end
  assign limit_o = limit_q;
endmodule
