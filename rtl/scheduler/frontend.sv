// Front end: instruction memories, fetch, semaphores, the life of contexts (see docs/scheduler.md).
// Contexts 0..C_INF-1 run batches, C_INF..CTX-1 run training programs on command.
// Index order of all unit ports: [unit][context], unit as eqx_isa_pkg::unit_e.
module frontend #(
    parameter int unsigned CTX        = 3,
    parameter int unsigned C_INF      = 2,
    parameter int unsigned N          = 8,
    parameter int unsigned SERVICES   = 4,
    parameter int unsigned IMEM_DEPTH = 512,
    parameter int unsigned RX_SLOTS   = 64,
    localparam int unsigned SW = $clog2(RX_SLOTS),
    localparam int unsigned IB = eqx_isa_pkg::INSTR_BITS
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    // instruction memories, write port
    input  logic                             imem_we_i,
    input  logic [1:0]                       imem_unit_i,
    input  logic [15:0]                      imem_addr_i,
    input  logic [IB-1:0]                    imem_wdata_i,
    // settings, commands, status
    input  eqx_pkg::svc_cfg_t [SERVICES-1:0] svc_i,
    input  eqx_pkg::ctx_cfg_t [CTX-1:0]      ctx_cfg_i,
    input  eqx_pkg::ctx_cmd_t [CTX-1:0]      ctx_cmd_i,
    output eqx_pkg::ctx_sts_t [CTX-1:0]      ctx_sts_o,
    // batches, from the request dispatcher
    output logic [C_INF-1:0]                 ctx_idle_o,
    input  logic                             row_valid_i,
    input  eqx_pkg::batch_row_t              row_i,
    output logic [RX_SLOTS-1:0]              free_mask_o,
    // batches, to the responder
    output logic [C_INF-1:0]                 rsp_open_o,    // pulse: the context holds a batch from now on
    output logic [C_INF-1:0]                 rsp_valid_o,   // the batch is to be answered
    output eqx_pkg::batch_end_t [C_INF-1:0]  rsp_o,         // svc is valid from rsp_open_o on
    output logic [C_INF-1:0][N-1:0][31:0]    rsp_id_o,
    input  logic [C_INF-1:0]                 rsp_done_i,
    // payload slots of each row, for the VPU
    output logic [C_INF-1:0][N-1:0][SW-1:0]  row_slot_o,
    // units
    output logic [3:0][CTX-1:0]              instr_valid_o,
    input  logic [3:0][CTX-1:0]              instr_ready_i,
    output logic [3:0][CTX-1:0][IB-1:0]      instr_o,
    output logic [3:0][CTX-1:0][15:0]        iter_o,
    output eqx_pkg::ctx_env_t [CTX-1:0]      env_o,
    output logic [CTX-1:0]                   kill_o,
    input  logic [3:0][CTX-1:0]              quiet_i,
    input  logic [3:0][CTX-1:0]              done_valid_i,
    input  logic [3:0][CTX-1:0][15:0]        done_signal_i,
    input  logic [3:0][CTX-1:0]              done_step_i,
    input  logic [3:0][CTX-1:0]              err_valid_i,
    input  logic [3:0][CTX-1:0][3:0]         err_cause_i,
    // observation
    output logic [3:0][CTX-1:0]              dep_wait_o,    // an instruction waits for a semaphore
    output logic [3:0][CTX-1:0]              fetch_wait_o   // the stream runs, but has no instruction yet
);
endmodule
