"""Quantitative bias analysis of summary tables: what bias would do, and how much it would take."""
