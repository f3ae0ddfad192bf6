"""How the pooled numbers are computed; the public functions are one room up.

Arrays are studies first: shape (k, m) for m sets of studies, so that every sum over studies runs along
memory.
"""
