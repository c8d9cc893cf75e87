"""Networks and data that the core runs, as plain arrays; `models/compiler` lays them out and makes programs of them."""
