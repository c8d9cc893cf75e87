// Load port: the weight lines of one tile after the other, each from the context that the arbiter picks among those
// whose class has a free bank.
// In MODE_PRIO training has the port once between two inference tiles when it has no loaded rows left: one load buys
// many rows that fill the cycles in which inference waits for weights, and costs an inference tile at most N cycles.
// Timing: a tile taken in cycle s reads its line j in s+j; the next tile may be taken in s+N. Never gives up a started
// tile.
module eqx_mmu_load #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned N = CFG.N,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned C_INF = CFG.C_INF
) (
    input  logic                               clk_i,
    input  logic                               rst_ni,
    input  eqx_pkg::mode_e                     mode_i,
    input  logic               [CTX-1:0]       tile_valid_i,
    input  eqx_mmu_pkg::tile_t [CTX-1:0]       tile_i,
    input  logic               [CTX-1:0]       b_sp_i,
    input  logic               [CTX-1:0][15:0] b_line_i,
    output logic               [CTX-1:0]       take_o,
    // class FIFOs: 0 inference, 1 training
    input  logic               [    1:0]       free_i,
    input  logic               [    1:0]       bank_i,
    input  logic                               trn_dry_i,     // training has no loaded rows
    output logic               [    1:0]       push_o,
    output eqx_mmu_pkg::tile_t                 push_tile_o,
    // weight line read in this cycle
    output logic                               line_valid_o,
    output logic               [  N-1:0]       line_col_o,
    output logic               [    1:0]       line_bank_o,
    output logic                               line_sp_o,
    output logic               [   15:0]       line_addr_o,
    output logic               [CTX-1:0]       loading_o      // context whose later lines are being read
);
  localparam logic [CTX-1:0] INF_MASK = CTX'((1 << C_INF) - 1);

  logic busy_q, sp_q;
  logic [  N-1:0] col_q;  // one-hot, the line to read
  logic [   15:0] addr_q;
  logic [    1:0] bank_q;
  logic [CTX-1:0] ctx_q;
  logic [CTX-1:0] req, gnt;
  logic go, sp;
  logic        last_inf_q;  // the last tile taken was inference's
  logic        turn;  // training's turn
  logic [15:0] addr;
  logic [ 1:0] bank;
  // verilator lint_off UNUSEDSIGNAL
  logic        held;  // the unit reports policy stalls at the stream port
  // verilator lint_on UNUSEDSIGNAL

  assign turn = mode_i == eqx_pkg::MODE_PRIO && trn_dry_i && last_inf_q && |(tile_valid_i & ~INF_MASK);
  assign req  = busy_q ? '0 : tile_valid_i & ((free_i[0] && !turn ? INF_MASK : '0) | (free_i[1] ? ~INF_MASK : '0));

  eqx_arb #(
      .CTX  (CTX),
      .C_INF(C_INF)
  ) u_arb (
      .clk_i,
      .rst_ni,
      .mode_i,
      .req_i (req),
      .take_i(1'b1),
      .gnt_o (gnt),
      .held_o(held)
  );

  always_comb begin
    push_tile_o = '0;
    sp = 1'b0;
    addr = '0;
    for (int unsigned c = 0; c < CTX; c++) begin
      if (gnt[c]) begin
        push_tile_o = tile_i[c];
        sp = b_sp_i[c];
        addr = b_line_i[c];
      end
    end
  end

  assign go           = |gnt;
  assign take_o       = gnt;
  assign push_o[0]    = |(gnt & INF_MASK);
  assign push_o[1]    = |(gnt & ~INF_MASK);
  assign bank         = push_o[1] ? {1'b1, bank_i[1]} : {1'b0, bank_i[0]};

  assign line_valid_o = go || busy_q;
  assign line_col_o   = busy_q ? col_q : N'(1);
  assign line_bank_o  = busy_q ? bank_q : bank;
  assign line_sp_o    = busy_q ? sp_q : sp;
  assign line_addr_o  = busy_q ? addr_q : addr;
  assign loading_o    = busy_q ? ctx_q : '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      last_inf_q <= 1'b0;
    end else begin
      busy_q <= go ? N > 1 : busy_q && !col_q[N-1];
      if (go) last_inf_q <= push_o[0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (go) begin
      sp_q   <= sp;
      bank_q <= bank;
      ctx_q  <= gnt;
    end
    if (line_valid_o) begin
      col_q  <= N'({line_col_o, 1'b0});
      addr_q <= line_addr_o + 16'd1;
    end
  end
endmodule
