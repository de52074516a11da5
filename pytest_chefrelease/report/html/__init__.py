"""The go/no-go page: templates, style, and what they show. One file that asks for nothing."""

from pytest_chefrelease.report.html.delivery import finish_html
from pytest_chefrelease.report.html.render import Surroundings, headline, page

__all__ = ["Surroundings", "finish_html", "headline", "page"]
