"""Verification environment of Equinox: benches, agents and their build and run support."""

import models  # noqa: F401 - says first what is wrong with this Python
