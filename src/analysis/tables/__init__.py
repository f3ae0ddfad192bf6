"""Numbers and tables as a paper prints them. Every rounding that reaches a reader happens here."""
