// Collects the words written to IMEM_DATA into instructions and stores them.
// Twelve words, least significant first, make one write to the instruction memory at {unit, index}; the index then
// advances, and stays beyond the last: what follows is dropped. A write to IMEM_ADDR loads {unit, index} and restarts
// the word count.
// Latency: we_o rises two cycles after the twelfth word's strobe. No handshake: it takes a word a cycle.
module eqx_imem_writer (
    input logic        clk_i,
    input logic        rst_ni,
    input logic        addr_strobe_i,  // IMEM_ADDR is being written; its value is there in the next cycle
    input logic [15:0] index_i,
    input logic [ 1:0] unit_i,
    input logic        data_strobe_i,  // likewise a word in IMEM_DATA, by its most significant byte
    input logic [31:0] word_i,

    output logic                               we_o,
    output logic [                        1:0] unit_o,
    output logic [                       15:0] addr_o,
    output logic [eqx_isa_pkg::INSTR_BITS-1:0] wdata_o
);
  localparam int unsigned WORDS = eqx_isa_pkg::INSTR_WORDS;
  localparam int unsigned CW = $clog2(WORDS);

  logic addr_q, data_q, we_q;
  logic [1:0] unit_q;
  logic [16:0] index_q;  // 65536: beyond every memory
  logic [CW-1:0] count_q;
  logic [eqx_isa_pkg::INSTR_BITS-1:0] instr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      addr_q  <= 1'b0;
      data_q  <= 1'b0;
      we_q    <= 1'b0;
      count_q <= '0;
      index_q <= '0;
      unit_q  <= '0;
    end else begin
      addr_q <= addr_strobe_i;
      data_q <= data_strobe_i;
      we_q   <= data_q && count_q == CW'(WORDS - 1);
      if (addr_q) begin
        index_q <= {1'b0, index_i};
        unit_q  <= unit_i;
        count_q <= '0;
      end else begin
        if (data_q) count_q <= (count_q == CW'(WORDS - 1)) ? '0 : count_q + 1'b1;
        if (we_o) index_q <= index_q + 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (data_q) instr_q <= {word_i, instr_q[eqx_isa_pkg::INSTR_BITS-1:32]};
  end

  assign we_o    = we_q && !index_q[16];
  assign unit_o  = unit_q;
  assign addr_o  = index_q[15:0];
  assign wdata_o = instr_q;
endmodule
