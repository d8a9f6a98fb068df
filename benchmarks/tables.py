"""Tables in a page of Markdown, each replaced in its place."""

from pathlib import Path


def rows(cells: list[list[str]]) -> str:
    """A Markdown table. The first row is the header, the first column has names, the others have figures."""
    header, *rest = cells
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rest])


def write_between(page: Path, name: str, maker: str, text: str) -> None:
    """Replace the text between the marks of this name in a page, or append it with the marks."""
    start, end = f"<!-- {name}: made by {maker} -->", f"<!-- end of {name} -->"
    old = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n\n## Quality\n\n"
    before, found, rest = old.partition(start)
    after = rest.partition(end)[2] if found else "\n"
    page.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")
