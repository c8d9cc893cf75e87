"""Networks and data that the core runs, as plain arrays; `models/equinox_core/compiler` lays them out and makes
programs of them.
"""
