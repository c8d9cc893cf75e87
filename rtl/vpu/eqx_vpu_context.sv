// What the VPU keeps for a context: its thread, its completion queue, and whether anything of it is still under way.
// Latency: done_* with report_i, or as soon as earlier instructions are done; err_* when all of them are.
module eqx_vpu_context #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    parameter int unsigned ID = 0,
    parameter bit TRAINING = 1'b0,
    parameter int unsigned FLIGHT = 14  // cycles from a line's start to its last possible write but for waiting tiles
) (
    input logic clk_i,
    input logic rst_ni,
    input eqx_pkg::unit_req_t unit_req_i,
    output logic instr_ready_o,
    output logic seg_valid_o,
    output eqx_vpu_pkg::seg_t seg_o,
    input logic take_i,
    output logic room_o,
    input logic active_i,  // the context's segment is in the address stage,
    input logic fault_i,  // it has the turn, and is at a faulty address
    input logic finish_i,  // the instruction's last line starts,
    input eqx_vpu_pkg::finish_t finish_data_i,
    input logic [2:0] report_i,  // and much later: its last write is near (VPU_AHEAD)
    input logic tile_i,  // a tile of the context waits or drains
    output logic quiet_o,
    output logic done_valid_o,
    output logic [15:0] done_signal_o,
    output logic done_step_o,
    output logic err_valid_o,
    output logic [3:0] err_cause_o
);
  logic held, refused, empty;
  eqx_isa_pkg::err_e refusal;

  eqx_vpu_thread #(
      .CFG     (CFG),
      .ID      (ID),
      .TRAINING(TRAINING)
  ) u_thread (
      .clk_i,
      .rst_ni,
      .unit_req_i,
      .instr_ready_o,
      .drop_i (fault_i),
      .seg_valid_o,
      .seg_o,
      .take_i,
      .held_o (held),
      .fault_o(refused),
      .cause_o(refusal)
  );

  eqx_vpu_done u_done (
      .clk_i,
      .rst_ni,
      .push_i     (finish_i),
      .push_data_i(finish_data_i),
      .report_i,
      .room_o,
      .empty_o    (empty),
      .done_valid_o,
      .done_signal_o,
      .done_step_o
  );

  // Lines of an instruction that was dropped are in no queue: wait until they must be through.
  localparam int unsigned FW = $clog2(FLIGHT + 1);
  logic [FW-1:0] adrift_q;
  logic          dropping;
  assign dropping = fault_i || (unit_req_i.kill && (held || active_i));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      adrift_q <= '0;
    end else begin
      if (dropping || (adrift_q != '0 && tile_i)) adrift_q <= FW'(FLIGHT);
      else if (adrift_q != '0) adrift_q <= adrift_q - FW'(1);
    end
  end

  // A fault waits for the instructions before it; one at an address is older than a refused instruction.
  logic              error_q;
  eqx_isa_pkg::err_e cause_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      error_q <= 1'b0;
      cause_q <= eqx_isa_pkg::ERR_NONE;
    end else if (unit_req_i.kill || err_valid_o) begin
      error_q <= 1'b0;
    end else if (fault_i || refused) begin
      error_q <= 1'b1;
      cause_q <= fault_i ? eqx_isa_pkg::ERR_OPERAND : refusal;
    end
  end
  assign err_valid_o = error_q && empty && !active_i && !unit_req_i.kill;
  assign err_cause_o = cause_q;

  // What is done may still be writing.
  logic writing_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) writing_q <= 1'b0;
    else writing_q <= done_valid_o;
  end

  assign quiet_o = !held && !active_i && empty && !writing_q && adrift_q == '0 && !refused && !error_q;
endmodule
