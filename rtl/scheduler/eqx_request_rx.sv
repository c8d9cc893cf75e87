// Receives requests: header beat (eqx_pkg::header_t), then rx_lines payload beats, tlast on the last.
// Payload goes straight into the offered slot of RXB; a good request is pushed into its service's queue with its
// last beat, a faulty one is taken up to tlast and answered with a status. Checks, in this order: service installed
// (NOT_INSTALLED), room for it (else waits, or REJECTED in reject mode), length (BAD_LENGTH).
// held_o: a request whose header has been taken finds no room. beat_o: a beat is taken of one that is good so far.
// Latency: a request is pushed in the cycle of its last beat. One beat a cycle. s_tready_o and held_o depend on
// registers only.
module eqx_request_rx #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned L = CFG.L,
    localparam int unsigned SERVICES = CFG.SERVICES,
    localparam int unsigned RX_LINES = CFG.RX_LINES,
    localparam int unsigned SW = CFG.SLOTW,
    localparam int unsigned VW = (SERVICES > 1) ? $clog2(SERVICES) : 1
) (
    input  logic                                 clk_i,
    input  logic                                 rst_ni,
    input  logic                                 accept_en_i,
    input  logic                                 reject_mode_i,
    input  logic             [SERVICES-1:0]      installed_i,
    input  logic             [SERVICES-1:0][7:0] rx_lines_i,
    input  logic             [SERVICES-1:0]      full_i,         // the service's queue is full
    // request stream
    input  logic                                 s_tvalid_i,
    output logic                                 s_tready_o,
    input  logic             [    16*L-1:0]      s_tdata_i,
    input  logic                                 s_tlast_i,
    // payload memory
    output logic                                 rxb_we_o,
    output logic             [        15:0]      rxb_waddr_o,
    output logic             [    16*L-1:0]      rxb_wdata_o,
    // slot on offer
    input  logic                                 slot_valid_i,
    input  logic             [      SW-1:0]      slot_i,
    // good requests: push_o takes the slot
    output logic                                 push_o,
    output logic             [      VW-1:0]      push_svc_o,
    output logic             [        31:0]      id_o,
    // who waits at the stream
    output logic                                 held_o,
    output logic                                 beat_o,
    // faulty requests
    input  logic                                 ans_room_i,     // an answer pushed later will find room
    output logic                                 ans_push_o,
    output eqx_pkg::answer_t                     ans_o
);
  typedef enum logic [1:0] {
    HEAD  = 2'd0,  // the next beat is a header
    SHORT = 2'd1,  // the header was the last beat: answer
    BODY  = 2'd2,  // payload
    DROP  = 2'd3   // payload of a faulty request
  } state_e;

  state_e state_q, state_d;
  logic [7:0] svc_q, line_q;
  logic [31:0] id_q;
  eqx_isa_pkg::status_e status_q, status_d, status;
  logic [VW-1:0] idx;
  logic installed, first, room, refuse, at_end, xfer;

  assign idx       = svc_q[VW-1:0];
  assign installed = (32'(svc_q) < SERVICES) && installed_i[idx];
  assign first     = line_q == '0;
  assign room      = slot_valid_i && !full_i[idx];
  assign refuse    = first && (!installed || (reject_mode_i && !room));
  assign at_end    = (line_q + 8'd1 >= rx_lines_i[idx]) || (32'(line_q) == RX_LINES - 1);
  assign xfer      = s_tvalid_i && s_tready_o;

  always_comb begin
    unique case (state_q)
      HEAD:    s_tready_o = accept_en_i && ans_room_i;
      SHORT:   s_tready_o = 1'b0;
      BODY:    s_tready_o = !first || refuse || room;
      default: s_tready_o = 1'b1;
    endcase
  end

  always_comb begin
    state_d    = state_q;
    status_d   = status_q;
    status     = status_q;
    push_o     = 1'b0;
    rxb_we_o   = 1'b0;
    ans_push_o = 1'b0;
    unique case (state_q)
      HEAD: if (xfer) state_d = s_tlast_i ? SHORT : BODY;
      SHORT: begin
        status     = installed ? eqx_isa_pkg::STATUS_BAD_LENGTH : eqx_isa_pkg::STATUS_NOT_INSTALLED;
        ans_push_o = 1'b1;
        state_d    = HEAD;
      end
      BODY: begin
        if (refuse) status = installed ? eqx_isa_pkg::STATUS_REJECTED : eqx_isa_pkg::STATUS_NOT_INSTALLED;
        else status = eqx_isa_pkg::STATUS_BAD_LENGTH;
        if (xfer) begin
          status_d   = status;
          rxb_we_o   = !refuse;
          push_o     = s_tlast_i && at_end && !refuse;
          ans_push_o = s_tlast_i && !push_o;
          if (s_tlast_i) state_d = HEAD;
          else if (refuse || at_end) state_d = DROP;
        end
      end
      default: begin
        ans_push_o = xfer && s_tlast_i;
        if (ans_push_o) state_d = HEAD;
      end
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q  <= HEAD;
      status_q <= eqx_isa_pkg::STATUS_OK;
      svc_q    <= '0;
      id_q     <= '0;
      line_q   <= '0;
    end else begin
      state_q  <= state_d;
      status_q <= status_d;
      if (xfer) line_q <= (state_q == HEAD) ? '0 : line_q + 8'd1;
      if (xfer && state_q == HEAD) begin
        // verilator lint_off UNUSEDSIGNAL
        automatic eqx_pkg::header_t head;  // of a request: its status is ignored
        // verilator lint_on UNUSEDSIGNAL
        head = s_tdata_i[$bits(eqx_pkg::header_t)-1:0];
        svc_q <= head.svc;
        id_q  <= head.id;
      end
    end
  end

  assign held_o       = state_q == BODY && first && installed && !room;
  assign beat_o       = xfer && !ans_push_o && state_d != DROP;
  assign rxb_waddr_o  = 16'(32'(slot_i) * RX_LINES + 32'(line_q));
  assign rxb_wdata_o  = s_tdata_i;
  assign push_svc_o   = idx;
  assign id_o         = id_q;
  assign ans_o.svc    = svc_q;
  assign ans_o.id     = id_q;
  assign ans_o.status = status;
endmodule
