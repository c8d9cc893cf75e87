"""From a scenario to what runs on the core, and to what the timing model predicts of it."""
