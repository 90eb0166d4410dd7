"""A record as one HTML page, to look through step by step."""

from garasu.glass.page.page import record_page

__all__ = ["record_page"]
