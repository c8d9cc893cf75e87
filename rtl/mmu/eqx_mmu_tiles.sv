// The loaded tiles of one class: a FIFO of TILES places, each with the weight bank it lies in.
// The front tile's rows are taken one by one; a tile leaves with its last row, or when its context is dropped (in any
// place).
// Timing: a tile pushed in cycle s is at the front (if the FIFO is empty) in s+1; likewise the tile behind a leaving
// one.
module eqx_mmu_tiles #(
    parameter int unsigned CTX   = 3,
    parameter int unsigned TILES = 2   // 1 or 2
) (
    input  logic                         clk_i,
    input  logic                         rst_ni,
    input  logic                         push_i,         // only when free_o
    input  eqx_mmu_pkg::tile_t           push_tile_i,
    output logic                         free_o,
    output logic                         push_bank_o,
    output logic                         front_valid_o,
    output eqx_mmu_pkg::tile_t           front_o,
    output logic                         front_bank_o,
    input  logic                         row_take_i,     // the front tile's next row enters the arrays
    input  logic               [CTX-1:0] drop_i,
    output logic               [CTX-1:0] holds_o         // contexts that have a tile here
);
  logic [1:0] valid_q, bank_q;
  eqx_mmu_pkg::tile_t t0_q, t1_q;
  logic drop0, drop1, keep0, keep1;

  always_comb begin
    drop0   = 1'b0;
    drop1   = 1'b0;
    holds_o = '0;
    for (int unsigned c = 0; c < CTX; c++) begin
      if (t0_q.ctx == eqx_mmu_pkg::CTX_BITS'(c)) drop0 |= drop_i[c];
      if (t1_q.ctx == eqx_mmu_pkg::CTX_BITS'(c)) drop1 |= drop_i[c];
      holds_o[c] = (valid_q[0] && t0_q.ctx == eqx_mmu_pkg::CTX_BITS'(c)) ||
          (valid_q[1] && t1_q.ctx == eqx_mmu_pkg::CTX_BITS'(c));
    end
  end

  assign keep0         = valid_q[0] && !drop0 && !(row_take_i && t0_q.rows == 16'd1);
  assign keep1         = valid_q[1] && !drop1;
  assign free_o        = !valid_q[TILES-1];  // the second place is used last
  assign push_bank_o   = TILES == 2 && !bank_q[0];
  assign front_valid_o = valid_q[0] && !drop0;
  assign front_o       = t0_q;
  assign front_bank_o  = bank_q[0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
      bank_q  <= '0;
    end else begin
      valid_q[0] <= keep0 || keep1 || push_i;
      valid_q[1] <= TILES == 2 && keep0 && (keep1 || push_i);
      if (!keep0 && keep1) bank_q[0] <= bank_q[1];
      else if (!keep0 && push_i) bank_q[0] <= push_bank_o;
      if (push_i) bank_q[1] <= push_bank_o;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!keep0 && keep1) t0_q <= t1_q;
    else if (!keep0 && push_i) t0_q <= push_tile_i;
    else if (row_take_i) begin
      t0_q.rows   <= t0_q.rows - 16'd1;
      t0_q.a_addr <= eqx_mmu_pkg::sat_add(t0_q.a_addr, 17'(t0_q.a_sr));
      t0_q.c_addr <= eqx_mmu_pkg::sat_add(t0_q.c_addr, 17'(t0_q.c_sr));
    end
    if (push_i && keep0) t1_q <= push_tile_i;
  end
endmodule
