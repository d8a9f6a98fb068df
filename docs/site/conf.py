"""How Sphinx makes the site from the pages that make_site.py gathers."""

import html
import re
import sys
from pathlib import Path
from typing import Any

import numpy.typing
from pygments.lexers.special import TextLexer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from playground.version import REPOSITORY, __version__  # noqa: E402

project, author, release = "Score Playground", "the authors of Score Playground", __version__
html_title = project
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_fence_as_directive = ["math"]  # as GitHub writes an equation
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a page may begin with a heading of any level

autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
napoleon_use_ivar = True


class ArrayLike:
    """Stands for numpy's type of this name, which Sphinx would spell out over three lines."""


class NDArray:
    """Stands for numpy's type of this name."""

    def __class_getitem__(cls, _: Any) -> type:
        return cls


for stand_in in (ArrayLike, NDArray):
    stand_in.__module__ = "numpy.typing"
    setattr(numpy.typing, stand_in.__name__, stand_in)

html_theme = "furo"
html_favicon = str(ROOT / "packaging/icon.svg")
html_theme_options = {
    "top_of_page_buttons": [],  # to a page's source, which half of the pages do not have
    "footer_icons": [{"name": "Source code", "url": REPOSITORY, "html": "Source code", "class": ""}],
}
html_copy_source = html_show_sourcelink = False
html_show_copyright = False
html_static_path = ["static"]


def _visit(visitor: Any, node: Any) -> None:
    """Write an equation as an SVG drawing in the colour and size of the text, so that the pages need no script and no network."""
    from docutils.nodes import SkipNode

    from playground.app.widgets.equation import SIZE, equation_svg

    latex = node.astext()
    svg = equation_svg(latex, "currentColor").decode()
    _, top, width, height = (float(number) / SIZE for number in re.findall(r'viewBox="(.*?)"', svg)[0].split())
    style = f"width: {width:.3f}em; height: {height:.3f}em; vertical-align: {-top - height:.3f}em"
    block = "div" if node.tagname == "math_block" else "span"
    said = html.escape(latex)
    svg = svg.replace("<svg", f'<svg style="{style}"', 1)
    visitor.body.append(f'<{block} class="equation" role="img" aria-label="{said}">{svg}</{block}>')
    raise SkipNode


def setup(app: Any) -> None:
    app.add_html_math_renderer("svg", (_visit, None), (_visit, None))
    app.add_css_file("site.css")
    app.add_lexer(
        "mermaid", TextLexer
    )  # a diagram is shown as its source: drawing it would need a script from the network


html_math_renderer = "svg"
