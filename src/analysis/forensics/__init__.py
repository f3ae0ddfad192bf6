"""Can the printed numbers be true: every table that they allow, and what each claim comes to."""
