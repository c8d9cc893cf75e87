// Notices that a simulation runs on without progress: a class of contexts waits for the core, and for `limit_i` cycles
// nothing of what it waits for moves. Inference's progress is inference's; training may be held by inference, so
// anything is progress for it.
// stuck_o stays up until reset. For simulation only.
module hang_watch (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic [31:0] limit_i,    // 0: not watched
    input  logic        excused_i,  // the bench itself holds the core
    input  logic [ 1:0] waits_i,    // 0 inference, 1 training
    input  logic [ 1:0] moves_i,
    output logic        stuck_o,
    output logic [ 1:0] who_o,
    output logic        catch_o     // pulse: the cycle in which stuck_o is about to rise
);
  logic [1:0][31:0] still_q;  // cycles without progress
  logic [1:0]       over;

  for (genvar k = 0; k < 2; k++) begin : g_class
    assign over[k] = limit_i != '0 && still_q[k] >= limit_i;
  end
  assign catch_o = (|over) && !stuck_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      still_q <= '0;
      stuck_o <= 1'b0;
      who_o   <= '0;
    end else begin
      if (|over) stuck_o <= 1'b1;
      if (catch_o) who_o <= over;
      for (int k = 0; k < 2; k++) begin
        if (excused_i || !waits_i[k] || moves_i[0] || (k == 1 && moves_i[1])) still_q[k] <= '0;
        else still_q[k] <= still_q[k] + 32'd1;
      end
    end
  end
endmodule
