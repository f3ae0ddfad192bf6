"""Figures as they go into a paper. Finished numbers in, Axes or Figure out: no statistics, no pyplot."""
