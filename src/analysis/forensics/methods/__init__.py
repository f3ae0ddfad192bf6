"""How the tables behind printed numbers are searched; the public functions are one folder up."""
