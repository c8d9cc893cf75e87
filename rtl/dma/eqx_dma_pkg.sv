// Types inside the DMA units. Widths: 32-bit byte addresses, 16-bit buffer addresses, 12-bit unit counts (isa.md);
// a segment has at most K + 1 beats, 11 bits.
package eqx_dma_pkg;
  localparam int unsigned SEG_W = 11;

  // What has to be reported when an instruction completes.
  typedef struct packed {
    logic        last;    // last piece of its instruction
    logic        step;
    logic [15:0] signal;
  } tail_t;

  // A run: `len` units, contiguous in the buffer and in DRAM.
  typedef struct packed {
    logic [31:0] daddr;
    logic [15:0] laddr;
    logic [11:0] len;
    logic [1:0]  sp;
    logic        lines;  // units are fp32 lines, else blocks
    tail_t       tail;
  } run_t;

  // An AXI burst of LD. laddr and len describe the whole run: used by the run's first burst.
  typedef struct packed {
    logic [31:0] addr;
    logic [8:0]  beats;
    logic        first;
    logic [15:0] laddr;
    logic [11:0] len;
    logic [1:0]  sp;
    tail_t       tail;
  } burst_t;

  // A segment of ST: a panel, or lines of at most K beats.
  typedef struct packed {
    logic [31:0]      addr;
    logic [15:0]      laddr;
    logic [SEG_W-1:0] count;
    logic [SEG_W-1:0] beats;
    logic             lines;
    tail_t            tail;
  } seg_t;
endpackage
