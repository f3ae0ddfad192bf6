"""Pooling of effect sizes: one engine, vectorised over replicates and over subsets of studies."""
