"""`make bench`: measures the figures that the design is held to, in RTL, and says which fall short."""
