"""What a core costs in silicon, as far as it does not need a synthesis."""
