"""What flows through the package: counts, estimates, effect sizes, printed numbers, scales. Numpy only."""
