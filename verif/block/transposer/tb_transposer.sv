// Bench of the transposer: plays a list of lines, holds columns back never or at random, and logs the parts.
module tb_transposer #(
    parameter int unsigned L    = 16,
    parameter int unsigned K    = 32,
    parameter int unsigned LMAX = 4096,
    parameter int unsigned PMAX = 16384
);
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
  logic [ 7:0] hold_rate = 8'd0;  // of 255 cycles without a line; 0: never
  logic        finished;
  logic [31:0] waited, held_back, parts, first_line, last_line;

  logic [16*L-1:0] lines   [LMAX];
  logic [    63:0] ctl     [LMAX];  // {gap, tag}
  logic [16*L-1:0] log_part[PMAX];
  logic [    31:0] log_tag [PMAX];  // first and last of its column, lane is last, ctx, address

  eqx_conv_pkg::tag_t tag, next_tag, col_tag;
  logic valid, part_valid, part_first, part_last, col_last, hold, hold_q;
  logic [16*L-1:0]       line;
  logic [   L-1:0][15:0] part;
  logic [     1:0]       held;
  logic [     1:0][ 3:0] ctx;
  logic [31:0] at, cycle;
  logic [7:0] gap;

  eqx_transposer #(
      .L(L),
      .K(K)
  ) u_dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .valid_i(valid),
      .tag_i(tag),
      .line_i(line),
      .hold_i(hold),
      .part_valid_o(part_valid),
      .part_o(part),
      .part_first_o(part_first),
      .part_last_o(part_last),
      .col_tag_o(col_tag),
      .col_last_o(col_last),
      .held_o(held),
      .ctx_o(ctx)
  );

  // A line is a COLS line, or one that completes a ROWS block.
  logic free, blocked;
  assign hold     = hold_q && !valid;
  assign next_tag = eqx_conv_pkg::tag_t'(ctl[at][$bits(eqx_conv_pkg::tag_t)-1:0]);
  assign blocked  = next_tag.first && !free;
  assign finished = go && at == n_lines && !valid && held == '0;

  eqx_vpu_tiles #(
      .L(L),
      .K(K)
  ) u_tiles (
      .clk_i(clk),
      .rst_ni(rst_n),
      .cols_i(valid),
      .first_i(tag.first),
      .last_i(tag.last),
      .rows_block_i(hold),
      .free_o(free)
  );

  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      valid      <= 1'b0;
      hold_q     <= 1'b0;
      at         <= '0;
      gap        <= '0;
      cycle      <= '0;
      waited     <= '0;
      held_back  <= '0;
      parts      <= '0;
      first_line <= '0;
      last_line  <= '0;
    end else begin
      cycle  <= cycle + 1;
      hold_q <= $urandom_range(0, 254) < 32'(hold_rate);
      if (hold && |held && !part_valid) held_back <= held_back + 1;
      valid <= 1'b0;
      if (go && at < n_lines) begin
        if (gap < ctl[at][63:56]) gap <= gap + 8'd1;
        else if (blocked) waited <= waited + 1;
        else begin
          valid <= 1'b1;
          tag   <= next_tag;
          line  <= lines[at];
          if (at == 0) first_line <= cycle;
          last_line <= cycle;
          at    <= at + 1;
          gap   <= '0;
        end
      end
      if (part_valid) begin
        log_part[parts] <= part;
        log_tag[parts] <= {5'd0, part_first, part_last, col_last, 4'd0, col_tag.ctx, col_tag.addr};
        parts <= parts + 1;
        c_drains : cover (1'b1);
        a_drains :
        assert (!live || (held[0] && ctx[0] == col_tag.ctx) || (held[1] && ctx[1] == col_tag.ctx))
        else $error("tb_transposer: held_o and ctx_o do not show the tile that drains");
      end
    end
  end

  always @(posedge load) begin
    $readmemh("lines.hex", lines);
    $readmemh("ctl.hex", ctl);
  end
  always @(posedge dump) begin
    $writememh("part.out", log_part);
    $writememh("tag.out", log_tag);
  end
endmodule
