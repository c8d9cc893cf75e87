"""From layers to programs: see ``models/README.md`` for the public functions."""
