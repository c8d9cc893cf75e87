// Responder: sends the responses of finished batches and the answers without payload (see docs/scheduler.md).
module responder #(
    parameter int unsigned L        = 16,
    parameter int unsigned N        = 8,
    parameter int unsigned C_INF    = 2,
    parameter int unsigned TX_LINES = 4
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    // batches, from the front end
    input  logic [C_INF-1:0]                rsp_open_i,
    input  logic [C_INF-1:0]                rsp_valid_i,
    input  eqx_pkg::batch_end_t [C_INF-1:0] rsp_i,
    input  logic [C_INF-1:0][N-1:0][31:0]   rsp_id_i,
    output logic [C_INF-1:0]                rsp_done_o,
    // answers, from the request dispatcher
    input  logic                            ans_valid_i,
    output logic                            ans_ready_o,
    input  eqx_pkg::answer_t                ans_i,
    // response payload memory, read port (latency 1, its output holds until the next read)
    output logic                            txb_re_o,
    output logic [15:0]                     txb_raddr_o,   // (ctx * N + row) * TX_LINES + line
    input  logic [16*L-1:0]                 txb_rdata_i,
    // response stream
    output logic                            m_tvalid_o,
    input  logic                            m_tready_i,
    output logic [16*L-1:0]                 m_tdata_o,
    output logic                            m_tlast_o
);
endmodule
