"""Measures of tables: a count type in, an `Estimate` of the same shape out."""
