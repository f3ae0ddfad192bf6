"""What figures are put together from: pages, axes, marks, text, and the parts of the larger ones by prefix."""
