"""The only room that reads the folder `data/`: files, their contract and their checks.

`datasets` loads tables, `schema` checks them, `verify` checks the folder, `provenance` finds files and sums.
Numbers are not calculated here, and nothing here writes to `data/raw`.
"""
