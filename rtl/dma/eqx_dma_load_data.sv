// Puts read beats into the buffers: panels become blocks (mantissas with their exponent), beats become lines. A panel
// is a beat of exponents, and up to BUS blocks of KB beats.
// A burst takes its context's position up where the previous burst of that run left it, so contexts may alternate.
// Latency: a word is written one cycle after its last beat. Never stalls.
module eqx_dma_load_data #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned K = CFG.K,
    localparam int unsigned L = CFG.L,
    localparam int unsigned BUS = CFG.BUS,
    localparam int unsigned CTX = CFG.CTX,
    localparam int unsigned KB = K / BUS,  // beats a block
    localparam int unsigned LB = 4 * L / BUS,  // beats a line
    localparam int unsigned CW = (CTX > 1) ? $clog2(CTX) : 1
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             beat_i,
    input  logic             last_i,       // last beat of the burst
    input  logic             drop_i,       // this beat must not be written
    input  logic [8*BUS-1:0] data_i,
    input  logic [   CW-1:0] ctx_i,        // of the current burst
    input  logic             run_first_i,  // it is the first of a run, which starts as the next three say
    input  logic [     15:0] laddr_i,
    input  logic [     11:0] len_i,
    input  logic [      1:0] sp_i,
    output logic             actd_we_o,
    output logic             wgtd_we_o,
    output logic             stg_we_o,
    output logic [     15:0] waddr_o,
    output logic [  8*K+7:0] blk_wdata_o,
    output logic [ 32*L-1:0] stg_wdata_o
);
  localparam int unsigned PW = $clog2(K + 1);  // position in a panel: 0 exponents, else mantissas; or in a line
  localparam int unsigned EW = $clog2(BUS);
  // beats kept a context: all of a line but its last; or of a block, and behind these the exponents
  localparam int unsigned HB = (LB - 1 > KB) ? LB - 1 : KB;

  typedef struct packed {
    logic [15:0]   laddr;
    logic [11:0]   left;
    logic [PW-1:0] pos;
  } place_t;

  place_t [CTX-1:0]            place_q;
  logic   [ HB-1:0][8*BUS-1:0] hold_q                                              [CTX];
  logic                        fresh_q;  // the next beat is the first of its burst

  place_t now, nxt;
  logic lines, whole;
  logic [PW-1:0] at, slot;  // block beat behind the exponents; where this beat is kept

  assign now   = (fresh_q && run_first_i) ? '{laddr: laddr_i, left: len_i, pos: '0} : place_q[ctx_i];
  assign lines = sp_i == eqx_isa_pkg::LDD_STG;
  assign at    = now.pos - 1'b1;
  assign slot  = lines ? now.pos : at & PW'(KB - 1);  // of the exponents: KB - 1, since -1 is all ones
  assign whole = slot == (lines ? PW'(LB - 1) : PW'(KB - 1)) && (lines || now.pos != '0);  // it completes a word

  always_comb begin
    nxt = now;
    if (whole) begin
      nxt.laddr = now.laddr + 16'd1;
      nxt.left  = now.left - 12'd1;
    end
    if (lines ? whole : (now.pos == PW'(K) || (whole && now.left == 12'd1))) nxt.pos = '0;
    else nxt.pos = now.pos + 1'b1;
  end

  logic we;
  assign we = beat_i && whole && !drop_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fresh_q   <= 1'b1;
      actd_we_o <= 1'b0;
      wgtd_we_o <= 1'b0;
      stg_we_o  <= 1'b0;
    end else begin
      if (beat_i) fresh_q <= last_i;
      actd_we_o <= we && sp_i == eqx_isa_pkg::LDD_ACTD;
      wgtd_we_o <= we && sp_i == eqx_isa_pkg::LDD_WGTD;
      stg_we_o  <= we && lines;
    end
  end

  always_ff @(posedge clk_i) begin
    if (beat_i) begin
      place_q[ctx_i] <= nxt;
      if (!whole) for (int unsigned b = 0; b < HB; b++) if (slot == PW'(b)) hold_q[ctx_i][b] <= data_i;
    end
    if (we) begin
      waddr_o <= now.laddr;
      if (!lines) blk_wdata_o[8*K+:8] <= hold_q[ctx_i][KB-1][8*32'(EW'(at>>$clog2(KB)))+:8];
    end
  end

  if (KB == 1) begin : g_block1
    always_ff @(posedge clk_i) if (we && !lines) blk_wdata_o[8*K-1:0] <= data_i;
  end else begin : g_block
    always_ff @(posedge clk_i) if (we && !lines) blk_wdata_o[8*K-1:0] <= {data_i, hold_q[ctx_i][KB-2:0]};
  end
  if (LB == 1) begin : g_line1
    always_ff @(posedge clk_i) if (we && lines) stg_wdata_o <= data_i;
  end else begin : g_line
    always_ff @(posedge clk_i) if (we && lines) stg_wdata_o <= {data_i, hold_q[ctx_i][LB-2:0]};
  end
endmodule
