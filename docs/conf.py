"""Sphinx configuration: ``make docs`` builds the site, without the network."""

from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.typing import ExtensionMetadata

import skhbnn

HERE = Path(__file__).parent
HAS_GALLERY = (HERE.parent / "examples" / "gallery").is_dir()

project = "skhbnn"
author = "The skhbnn developers"
copyright = author
version = release = skhbnn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    *(["sphinx_gallery.gen_gallery"] if HAS_GALLERY else []),
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
nitpicky = True
highlight_language = "text"  # of blocks that name none
highlight_options = {"pycon": {"stripnl": True}}  # doctest wants an empty line at their end
smartquotes = False  # types such as {"nuts", "advi"} are code
add_module_names = False
toc_object_entries_show_parents = "hide"
suppress_warnings = [] if HAS_GALLERY else ["toc.not_readable"]

# Pages -----------------------------------------------------------------------------------------------------------

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
copybutton_prompt_text = ">>> |\\.\\.\\. |\\$ "
copybutton_prompt_is_regexp = True

# Reference -------------------------------------------------------------------------------------------------------

autosummary_context = {"has_gallery": HAS_GALLERY}
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # docstrings give types and shapes
numpydoc_show_class_members = False  # the template lists them
numpydoc_xref_param_type = False

# Gallery ---------------------------------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("skhbnn",),
    "backreferences_dir": "gallery/backreferences",
    "show_memory": False,
    "write_computation_times": False,  # that page loads scripts from the network
    "show_signature": False,
    "capture_repr": (),  # what is printed, and no repr of the last line
}

# Look ------------------------------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "skhbnn"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {page: [] for page in ("index", "install", "quickstart", "results", "licences")}
html_math_renderer = "mathml"

# Tables ----------------------------------------------------------------------------------------------------------

MOST_ROWS = 20  # of a table that stands open


def _inline_math(translator, node):
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block_math(translator, node):
    translator.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def _fold_long_tables(app, doctree, docname):
    """Put each table of many rows of a page of results into an element that unfolds at a click."""
    for table in list(doctree.findall(nodes.table)) if docname.startswith(("tables/", "article")) else []:
        n_rows = sum(len(body.children) for body in table.findall(nodes.tbody))
        if n_rows > MOST_ROWS:
            place = table.parent.index(table)
            table.parent.insert(place + 1, nodes.raw("", "</details>", format="html"))
            opening = f"<details class='long-table'><summary>A table of {n_rows} rows</summary>"
            table.parent.insert(place, nodes.raw("", opening, format="html"))


def _skip_foreign(app, what, name, member, skip, options):
    """Leave out what scikit-learn gives its estimators, such as ``get_params``; its own reference has it."""
    function = member.fget if isinstance(member, property) else member
    return True if str(getattr(function, "__module__", "")).startswith("sklearn.") else None


def setup(app) -> ExtensionMetadata:
    """Draw formulas as MathML, which browsers know by themselves, and fold long tables."""
    app.add_html_math_renderer("mathml", (_inline_math, None), (_block_math, None))
    app.connect("autodoc-skip-member", _skip_foreign)
    app.connect("doctree-resolved", _fold_long_tables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
