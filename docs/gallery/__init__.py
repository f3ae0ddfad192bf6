"""Every figure in every preset, with the cases that are hard to draw: `make gallery`."""
