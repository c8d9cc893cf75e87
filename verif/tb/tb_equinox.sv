// Top of all chip-level simulations: clock, core, DRAM and a probe that turns activity into rare events.
// Only the signals of this module are visible to the bench. Time unit: a clock period is 10.
module tb_equinox #(
