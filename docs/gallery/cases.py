"""The figures of the gallery by name: each a function without arguments that returns a finished page."""

from gallery import forests, meta_analyses, tables_and_reviews
from gallery.data import CASES

__all__ = ["CASES", "forests", "meta_analyses", "tables_and_reviews"]
