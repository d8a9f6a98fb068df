"""Write the entries of docs/metrics.md that are made from the declarations of figures: `make docs`."""

from pathlib import Path

from playground.lab.figures import FIGURES
from playground.lab.figures.spec import FigureSpec

BEGIN = "<!-- declared figures: made by docs/make_metrics.py -->\n"
END = "<!-- end of declared figures -->\n"
PAGE = Path(__file__).with_name("metrics.md")
UNITS = {
    "": "none",
    "nat": "nats",
    "bit": "bits",
    "data": "that of the data",
    "data²": "that of the data, squared",
    "1/data²": "one over the squared unit",
    "share": "fraction",
    "count": "count",
    "s": "seconds",
}


def entry(key: str, spec: FigureSpec) -> str:
    """The entry of a figure."""
    lines = {
        "Key": f"`{key}` (Quality: {spec.title})",
        "Formula": spec.page["Formula"],
        "Unit": f"{UNITS[spec.unit]}.",
        **{name: spec.page[name] for name in ("Error", "Floor", "Source")},
    }
    text = "\n".join(f"- {name}: {line}" for name, line in lines.items())
    return f"### {spec.title[0].upper()}{spec.title[1:]}\n\n{text}\n\n{spec.meaning}\n"


def page(text: str) -> str:
    """The page with the entries as the program declares them now."""
    before, _, rest = text.partition(BEGIN)
    entries = "\n".join(entry(key, spec) for key, spec in FIGURES.items() if spec.page)
    return before + BEGIN + entries + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"Wrote {PAGE}")
