"""How cells and estimates change under bias; each file one idea, arrays in and arrays out."""
