// eqx_instr_stream on its memory: the unit is offered, and a NOP completes as, the word of the stream's next address,
// whatever other streams read; addresses follow each other from the first to the one with `last`.
// Any one address is watched, with any word; the other streams, granted in turns, read what they like.
module fv_instr_stream #(
    parameter bit KEEP = 1'b0,
    parameter int unsigned IMEM_DEPTH = 6,
    localparam int unsigned IB = eqx_isa_pkg::HEADER_BITS + 4
) (
    input logic clk_i,
    input logic run_i,
    input logic [2:0] base_i,
    input logic [15:0] sem_i,
    input logic ready_i,
    input logic grant_i,
    input logic other_i,
    input logic [IB-1:0] word_i,
    input logic [IB-1:0] noise_i,
    input logic [2:0] pick_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  // The environment: a run's settings hold; semaphores that show stay until this stream takes them.
  logic [2:0] base_q, at_q;
  logic [IB-1:0] word_q;
  logic run_q;
  logic [15:0] seen_q, sem, take;
  logic req, gnt, own_q, valid, nop, range_err, go, ended;
  logic [15:0] addr;
  logic [IB-1:0] rdata_q, instr;
  assign gnt = req && grant_i;
  assign sem = sem_i | seen_q;
  assign go  = nop || (valid && ready_i);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      at_q   <= pick_i;
      word_q <= word_i;
      run_q  <= 1'b0;
      own_q  <= 1'b0;
      seen_q <= '0;
    end else begin
      run_q <= run_i;
      if (!run_q) base_q <= base_i;
      seen_q <= sem & ~take;
      if (gnt) own_q <= 1'b1;
      else if (other_i) own_q <= 1'b0;
    end
    if (gnt) rdata_q <= (addr == 16'(at_q)) ? word_q : noise_i;
    else if (other_i) rdata_q <= noise_i;
  end
  eqx_instr_stream #(
      .IMEM_DEPTH(IMEM_DEPTH),
      .IB        (IB),
      .ONCE      (1'b0),
      .KEEP      (KEEP)
  ) dut (
      .clk_i,
      .rst_ni,
      .run_i        (run_q),
      .valid_i      (1'b1),
      .load_i       (1'b0),
      .base_i       (16'(base_q)),
      .limit_i      (32'd3),
      .iter_mod_i   (16'd2),
      .iters_o      (),
      .ended_o      (ended),
      .req_o        (req),
      .addr_o       (addr),
      .gnt_i        (gnt),
      .rdata_i      (rdata_q),
      .own_i        (own_q),
      .range_err_o  (range_err),
      .sem_i        (sem),
      .take_o       (take),
      .nop_o        (nop),
      .nop_signal_o (),
      .nop_step_o   (),
      .instr_valid_o(valid),
      .instr_ready_i(ready_i),
      .instr_o      (instr),
      .iter_o       (),
      .dep_wait_o   (),
      .fetch_wait_o ()
  );

  // The next address, from the words that went; only the watched word's are known.
  logic [16:0] next_q;
  logic known_q;  // next_q is the next address for sure
  eqx_isa_pkg::nop_t word;
  assign word = eqx_isa_pkg::INSTR_BITS'(word_q);
  always_ff @(posedge clk_i) begin
    if (!run_q) begin
      next_q  <= 17'(base_i);
      known_q <= run_i;
    end else if (go) begin
      if (known_q && next_q == 17'(at_q)) next_q <= word.last ? 17'(base_q) : next_q + 17'd1;
      else known_q <= 1'b0;
    end
  end
  logic here;
  assign here = run_q && known_q && next_q == 17'(at_q);
  always_comb
    if (rst_ni) begin
      a_word : assert (!(here && valid) || instr == word_q);
      a_nop : assert (!(here && go) || nop == (word.op == eqx_isa_pkg::OP_NOP));
      a_take : assert (!(here && go) || (take == word.wait_mask && (word.wait_mask & ~sem) == '0));
      a_addr : assert (!(run_q && known_q && req) || addr == next_q[15:0]);
      a_range : assert (!(run_q && known_q && !ended) || range_err == (next_q >= 17'(IMEM_DEPTH)));
      a_kept : assert (take == '0 || go);
    end
endmodule
