// Context arbiter of a unit: picks one requesting context a cycle by the scheduling mode.
// Contexts 0..C_INF-1 are inference, C_INF..CTX-1 training. Within a class: round robin.
// Between classes: MODE_PRIO inference first; MODE_FAIR the class not served last; MODE_INF_ONLY never training.
// Latency: combinational grant; state moves when take_i says the grant was used.
module eqx_arb #(
    parameter int unsigned CTX   = 3,
    parameter int unsigned C_INF = 2
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    input  eqx_pkg::mode_e           mode_i,
    input  logic           [CTX-1:0] req_i,
    input  logic                     take_i,
    output logic           [CTX-1:0] gnt_o,   // one-hot or zero
    output logic                     held_o   // a training request is held off by the mode alone
);
  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);

  logic [CTX-1:0] prev_q;  // last grant within each class, one-hot over both classes
  logic           last_inf_q;  // class served last

  logic [CTX-1:0] inf_req, trn_req, cand, above;
  logic inf_any, trn_any;  // requests
  logic pick_inf;

  assign inf_req  = req_i & INF_MASK;
  assign trn_req  = req_i & ~INF_MASK;
  assign inf_any  = inf_req != '0;
  assign trn_any  = trn_req != '0;
  assign held_o   = mode_i == eqx_pkg::MODE_INF_ONLY && trn_any && !inf_any;
  assign pick_inf = inf_any && (mode_i != eqx_pkg::MODE_FAIR || !last_inf_q || !trn_any);

  always_comb begin
    if (pick_inf) cand = inf_req;
    else if (mode_i == eqx_pkg::MODE_INF_ONLY) cand = '0;
    else cand = trn_req;
  end

  // Round robin: prefer requests above the class's previous grant, lowest index first.
  logic [CTX-1:0] prev_cls, mask;
  assign prev_cls = prev_q & (pick_inf ? INF_MASK : ~INF_MASK);
  always_comb begin
    mask = '0;
    for (int unsigned i = 1; i < CTX; i++) mask[i] = mask[i-1] | prev_cls[i-1];
  end
  assign above = cand & mask;
  assign gnt_o = (|above) ? (above & (~above + 1'b1)) : (cand & (~cand + 1'b1));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      prev_q     <= '0;
      last_inf_q <= 1'b0;
    end else if (take_i && |gnt_o) begin
      prev_q     <= (prev_q & (pick_inf ? ~INF_MASK : INF_MASK)) | gnt_o;
      last_inf_q <= pick_inf;
    end
  end
endmodule
