"""Flow tools: what runs the verification and reports on it. They use the rest of verif/, which knows none of them."""
