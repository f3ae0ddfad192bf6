"""How the measures are computed: statistics, their inversion and what all intervals share.

Nothing here is offered by the package; the functions with the field's names, one file above, call it.
"""
