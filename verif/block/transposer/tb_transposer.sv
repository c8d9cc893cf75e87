// Bench of the transposer: plays a list of lines, takes columns always or at random, and logs the columns.
module tb_transposer #(
    parameter int unsigned L    = 16,
    parameter int unsigned K    = 32,
    parameter int unsigned LMAX = 4096,
    parameter int unsigned CMAX = 8192
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
  logic [ 7:0] take_rate = 8'd255;  // 255: whenever there is a column
  logic        finished;
  logic [31:0] waited, columns, first_line, last_line;

  logic [16*L-1:0] lines  [LMAX];
  logic [    63:0] ctl    [LMAX];  // {gap, tag}
  logic [16*K-1:0] log_col[CMAX];
  logic [    31:0] log_tag[CMAX];  // lane is last, ctx, address

  eqx_conv_pkg::tag_t tag, next_tag, col_tag;
  logic valid, col_valid, take, col_last, allow;
  logic [16*L-1:0]       line;
  logic [   K-1:0][15:0] col;
  logic [     1:0]       full;
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
      .col_valid_o(col_valid),
      .take_i(take),
      .col_o(col),
      .col_tag_o(col_tag),
      .col_last_o(col_last),
      .full_o(full),
      .ctx_o(ctx)
  );

  logic blocked;
  assign take     = col_valid && allow;
  assign next_tag = eqx_conv_pkg::tag_t'(ctl[at][$bits(eqx_conv_pkg::tag_t)-1:0]);
  assign blocked  = next_tag.first && (&full || (valid && tag.last && |full && !(take && col_last)));
  assign finished = go && at == n_lines && !valid && full == '0;

  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      valid      <= 1'b0;
      allow      <= 1'b0;
      at         <= '0;
      gap        <= '0;
      cycle      <= '0;
      waited     <= '0;
      columns    <= '0;
      first_line <= '0;
      last_line  <= '0;
    end else begin
      cycle <= cycle + 1;
      allow <= take_rate == 8'd255 || $urandom_range(0, 254) < 32'(take_rate);
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
      if (take) begin
        log_col[columns] <= col;
        log_tag[columns] <= {7'd0, col_last, 4'd0, col_tag.ctx, col_tag.addr};
        columns <= columns + 1;
        c_drains : cover (1'b1);
        a_drains :
        assert (!live || (full[0] && ctx[0] == col_tag.ctx) || (full[1] && ctx[1] == col_tag.ctx))
        else $error("tb_transposer: full_o and ctx_o do not show the tile that drains");
      end
    end
  end

  always @(posedge load) begin
    $readmemh("lines.hex", lines);
    $readmemh("ctl.hex", ctl);
  end
  always @(posedge dump) begin
    $writememh("col.out", log_col);
    $writememh("tag.out", log_tag);
  end
endmodule
