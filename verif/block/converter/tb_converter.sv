// Bench of the converter: plays a list of lines with gaps, holding back COLS segments as vpu_tiles says, and logs every
// block that is written and every cycle in which a line entered.
module tb_converter #(
    parameter int unsigned L     = 16,
    parameter int unsigned K     = 32,
    parameter int unsigned C_INF = 2,     // contexts below are inference
    parameter int unsigned LMAX  = 4096,  // lines
    parameter int unsigned BMAX  = 8192   // blocks
);
  localparam int unsigned TAGW = $bits(eqx_conv_pkg::tag_t);

  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i (clk),
      .rst_ni(rst_n),
      .live_o(live)
  );
  logic go = 1'b0, load = 1'b0, dump = 1'b0;
  logic [31:0] n_lines = '0;

  logic        finished;
  logic [31:0] cycle, held, blocks;

  logic [16*L-1:0] lines    [LMAX];
  logic [    63:0] ctl      [LMAX];  // {gap, tag}
  logic [    31:0] log_line [LMAX];
  logic [ 8*K+7:0] log_data [BMAX];
  logic [    63:0] log_block[BMAX];  // cycle, finish, ctx, space, address

  eqx_conv_pkg::tag_t tag, next_tag;
  logic valid, free;
  logic [16*L-1:0] line;
  logic [    31:0] at;
  logic [     7:0] gap;
  logic actc_we, wgtc_we, sob_we;
  logic [15:0] actc_waddr, wgtc_waddr, sob_waddr;
  logic [8*K+7:0] data;
  logic [2:0] finish_ahead, finish;  // as the converter tells it, and with the block's write
  logic [3:0] finish_ctx_ahead, finish_ctx;
  logic [1:0]      tile_held;
  logic [1:0][3:0] tile_ctx;

  eqx_converter #(
      .L(L),
      .K(K),
      .C_INF(C_INF)
  ) u_dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .valid_i(valid),
      .tag_i(tag),
      .line_i(line),
      .actc_we_o(actc_we),
      .actc_waddr_o(actc_waddr),
      .wgtc_we_o(wgtc_we),
      .wgtc_waddr_o(wgtc_waddr),
      .sob_we_o(sob_we),
      .sob_waddr_o(sob_waddr),
      .blk_wdata_o(data),
      .finish_o(finish_ahead),
      .finish_ctx_o(finish_ctx_ahead),
      .tile_held_o(tile_held),
      .tile_ctx_o(tile_ctx)
  );

  eqx_vpu_tiles #(
      .L(L),
      .K(K)
  ) u_tiles (
      .clk_i(clk),
      .rst_ni(rst_n),
      .cols_i(valid && tag.mode == eqx_isa_pkg::CONV_COLS),
      .first_i(tag.first),
      .last_i(tag.last),
      .rows_block_i(valid && tag.mode == eqx_isa_pkg::CONV_ROWS && tag.blk_last),
      .free_o(free)
  );

  assign next_tag = eqx_conv_pkg::tag_t'(ctl[at][TAGW-1:0]);
  assign finished = go && at == n_lines && !valid && tile_held == '0 && gap == 8'd10;

  if (eqx_pkg::VPU_AHEAD != 1) begin : g_ahead
    $fatal(1, "tb_converter: VPU_AHEAD = %0d: legal is 1", eqx_pkg::VPU_AHEAD);
  end
  always_ff @(posedge clk) begin
    finish     <= finish_ahead;
    finish_ctx <= finish_ctx_ahead;
  end

  logic wait_tile;
  assign wait_tile = next_tag.mode == eqx_isa_pkg::CONV_COLS && next_tag.first && !free;

  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      valid  <= 1'b0;
      at     <= '0;
      gap    <= '0;
      cycle  <= '0;
      held   <= '0;
      blocks <= '0;
    end else begin
      cycle <= cycle + 1;
      valid <= 1'b0;
      if (go && at < n_lines) begin
        if (gap < ctl[at][63:56]) gap <= gap + 8'd1;
        else if (wait_tile) held <= held + 1;
        else begin
          valid <= 1'b1;
          tag   <= next_tag;
          line  <= lines[at];
          log_line[at] <= cycle + 1;  // the cycle in which it is at the converter's input
          at    <= at + 1;
          gap   <= '0;
        end
      end else if (go && gap < 8'd10) gap <= (tile_held == '0) ? gap + 8'd1 : 8'd0;
      if (actc_we || wgtc_we || sob_we) begin
        c_one : cover (1'b1);
        a_one :
        assert (!live || $countones({actc_we, wgtc_we, sob_we}) == 1)
        else $error("tb_converter: two memories written");
        log_data[blocks] <= data;
        log_block[blocks] <= {
          cycle,
          7'd0,
          finish,
          finish_ctx,
          actc_we ? 2'd0 : wgtc_we ? 2'd1 : 2'd2,
          actc_we ? actc_waddr : wgtc_we ? wgtc_waddr : sob_waddr
        };
        blocks <= blocks + 1;
      end
      c_finish : cover (finish != '0);
      a_finish :
      assert (!live || finish == '0 || actc_we || wgtc_we || sob_we)
      else $error("tb_converter: finish without a block");
    end
  end

  always @(posedge load) begin
    $readmemh("lines.hex", lines);
    $readmemh("ctl.hex", ctl);
  end
  always @(posedge dump) begin
    $writememh("line.out", log_line);
    $writememh("data.out", log_data);
    $writememh("block.out", log_block);
  end
endmodule
