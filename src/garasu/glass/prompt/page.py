"""A report about a prompt as one HTML file, which needs no network and no other file."""

from __future__ import annotations

from importlib.resources import files

from garasu.glass.prompt.report import PromptReport

PLACE = "/*REPORT*/"  # of the data, in page.html


def page(report: PromptReport) -> str:
    """The page. All text reaches it as JSON, and its script sets it as text, so no prompt can be markup."""
    template = files("garasu.glass.prompt").joinpath("page.html").read_text(encoding="utf-8")
    data = report.to_json().replace("<", "\\u003c")  # JSON has "<" in strings only; "</script>" would end it
    before, after = template.split(PLACE)
    return f"{before}{data}{after}"
