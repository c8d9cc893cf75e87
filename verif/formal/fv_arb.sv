// eqx_arb: one grant a cycle, only to who asks; between the classes as the mode says; within a class in turns.
module fv_arb #(
    parameter int unsigned CTX   = 3,
    parameter int unsigned C_INF = 2
) (
    input logic clk_i,
    input logic [1:0] mode_i,
    input logic [CTX-1:0] req_i,
    input logic take_i,
    input logic [7:0] pick_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  localparam logic [CTX-1:0] INF = CTX'((1 << C_INF) - 1);
  logic [CTX-1:0] gnt;
  logic held;
  eqx_pkg::mode_e mode;
  always_comb
    unique case (mode_i)
      2'd0: mode = eqx_pkg::MODE_PRIO;
      2'd1: mode = eqx_pkg::MODE_FAIR;
      default: mode = eqx_pkg::MODE_INF_ONLY;
    endcase
  eqx_arb #(
      .CTX  (CTX),
      .C_INF(C_INF)
  ) dut (
      .clk_i,
      .rst_ni,
      .mode_i(mode),
      .req_i,
      .take_i,
      .gnt_o (gnt),
      .held_o(held)
  );

  logic inference, training;  // the class asks
  assign inference = (req_i & INF) != '0;
  assign training  = (req_i & ~INF) != '0;

  // Any one context, and how many grants others of its class got while it asked; the class that was served last.
  logic [7:0] who_q, others_q;
  logic inf_q;
  logic [CTX-1:0] me, mine;
  assign me   = CTX'(1) << who_q;
  assign mine = (me & INF) != '0 ? INF : ~INF;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      who_q    <= pick_i < 8'(CTX) ? pick_i : '0;
      others_q <= '0;
      inf_q    <= 1'b0;
    end else begin
      if ((req_i & me) == '0 || (take_i && (gnt & me) != '0)) others_q <= '0;
      else if (take_i && (gnt & mine) != '0) others_q <= others_q + 8'd1;
      if (take_i && gnt != '0) inf_q <= (gnt & INF) != '0;
    end
  end
  always_comb
    if (rst_ni) begin
      a_one : assert ((gnt & (gnt - 1'b1)) == '0);
      a_asked : assert ((gnt & ~req_i) == '0);
      a_some : assert ((gnt != '0) == (inference || (training && mode != eqx_pkg::MODE_INF_ONLY)));
      a_priority : assert (!(inference && mode != eqx_pkg::MODE_FAIR) || (gnt & ~INF) == '0);
      a_fair : assert (!(inference && training && mode == eqx_pkg::MODE_FAIR) || ((gnt & INF) != '0) == !inf_q);
      a_held : assert (held == (training && !inference && mode == eqx_pkg::MODE_INF_ONLY));
      a_turn : assert (others_q < ((me & INF) != '0 ? 8'(C_INF) : 8'(CTX - C_INF)));
    end
endmodule
