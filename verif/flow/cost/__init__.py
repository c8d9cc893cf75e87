"""What the core costs in silicon: synthesis of rtl/, area by block and purpose, clock, budgets (docs/cost.md)."""
