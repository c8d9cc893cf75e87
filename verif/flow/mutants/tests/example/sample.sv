// One place or a few for each operator of the mutants, and places where none may change anything.
module sample #(
    parameter  int unsigned N    = 8,
    localparam int unsigned HALF = N / 2
) (
    input  logic                 clk_i,
    input  logic                 rst_ni,
    input  logic                 go_i,
    input  logic                 stop_i,
    input  logic [        N-1:0] set_i,
    input  logic [        N-1:0] clear_i,
    input  logic [$clog2(N)-1:0] read_i,
    input  logic [$clog2(N)-1:0] write_i,
    output logic [          7:0] age_o,
    output logic                 full_o,
    output logic                 done_o,
    output logic [     N-1:HALF] upper_o,
    output logic [          2:0] order_o,
    output logic [          1:0] flags_o,
    output logic [        N-1:0] held_o,
    output logic [$clog2(N)-1:0] first_o
);
  typedef enum logic [1:0] {
    IDLE,
    BUSY,
    DONE
  } state_e;
  state_e state_q;
  logic [7:0] count_q, age_q[N];
  logic busy_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      busy_q  <= 1'b0;
      count_q <= '0;
      held_o  <= '0;
    end else begin
      held_o <= (held_o | set_i) & ~clear_i;
      if (go_i) begin
        state_q <= BUSY;
        busy_q  <= 1'b1;
      end else if (stop_i) begin
        state_q <= DONE;
      end
      if (busy_q) count_q <= count_q + 8'd1;
      if (stop_i) count_q <= '0;
    end
  end

  always_ff @(posedge clk_i) age_q[write_i] <= 8'(32'(count_q) + N);
  assign age_o   = age_q[read_i];
  assign done_o  = stop_i && !go_i;
  assign full_o  = count_q >= 8'(N) || age_q[0] == 8'd3;
  assign order_o = {count_q < age_o, count_q <= age_o, count_q > age_o};
  assign upper_o = set_i[N-1:HALF];
  assign flags_o = {busy_q, go_i};

  always_comb begin
    first_o = '0;
    for (int unsigned i = 0; i < N; i++) if (held_o[i]) first_o = $clog2(N)'(i);
  end

  // none here
  initial if (N < 2) $fatal(1, "sample: N");
  always_comb begin
    a_young : assert (!busy_q || count_q < 8'd200);
    c_young : cover (busy_q && count_q > 8'd100);
  end
  a_age :
  assert property (@(posedge clk_i) !busy_q || count_q < 8'd200)
  else $error("sample: too old");
`ifndef SYNTHESIS
  logic was_q;
  always_ff @(posedge clk_i) was_q <= busy_q && go_i;
`endif  // SYNTHESIS
endmodule
