"""Makes the program's typeface from Inter, whose static OpenType files are in Debian's package fonts-inter.

    pip install fonttools
    python resources/fonts/make_fonts.py /usr/share/fonts/opentype/inter

It has its own name, so that an installed Inter of another version is never used instead. It has the letters of European
languages, and the signs that the program's texts need but Inter lacks.
"""

import sys
from pathlib import Path

from fontTools.misc.transform import Identity, Transform
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.reverseContourPen import ReverseContourPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FAMILY = "Score Playground Inter"
FILES = ("Regular", "SemiBold", "Bold")
KEPT = (
    *(range(0x20, 0x250), range(0x2B0, 0x530), range(0x1D00, 0x1F00)),  # Latin, Greek, Cyrillic and their accents
    *(range(0x2000, 0x2300), range(0x2500, 0x2800)),  # punctuation, small figures, arrows, mathematics, shapes
)
FEATURES = ("calt", "ccmp", "kern", "locl", "mark", "mkmk", "tnum")
FLIPPED = Transform(1, 0, 0, -1, 0, 1490)  # mirrored at half the height of the capitals, which is 1490 of 2048 units
SIGNS = {
    "∇": ("Δ", (FLIPPED,)),
    "∗": ("*", (Identity.translate(0, -400),)),
    "☰": ("−", tuple(Transform(1.2, 0, 0, 1, -140, height) for height in (-480, 0, 480))),
    "✕": ("×", (Identity,)),
    "─": ("—", (Identity,)),
    "∝": ("α", (Identity,)),
    "∼": ("~", (Identity,)),
    "ᵀ": ("T", (Identity.translate(0, 740).scale(0.6, 0.5),)),
    "▬": ("■", (Identity.translate(0, 420).scale(1, 0.45),)),
}
"""Each sign is made from a sign of Inter, by one or more transforms."""


def add_signs(font: TTFont) -> None:
    """Add the missing signs to the font."""
    outlines, glyphs = font.getGlyphSet(), font.getBestCmap()
    top = font["CFF "].cff.topDictIndex[0]
    strings = top.CharStrings
    order = font.getGlyphOrder()
    for sign, (source, moves) in SIGNS.items():
        if ord(sign) in glyphs:
            raise SystemExit(f"Inter has {sign} by now: take it from SIGNS.")
        base, name = glyphs[ord(source)], f"uni{ord(sign):04X}"
        width, side = font["hmtx"][base]
        pen = T2CharStringPen(width - strings[base].private.nominalWidthX, outlines)
        for move in moves:
            record = DecomposingRecordingPen(outlines)
            outlines[base].draw(record)
            moved = TransformPen(pen, move)
            record.replay(moved if move[0] * move[3] > 0 else ReverseContourPen(moved))
        strings.charStringsIndex.append(pen.getCharString(strings[base].private, top.GlobalSubrs))
        strings.charStrings[name] = len(strings.charStringsIndex) - 1
        order.append(name)
        font["hmtx"][name] = (width, side)
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[ord(sign)] = name
    font.setGlyphOrder(order)
    top.charset = order


def rename(font: TTFont, style: str) -> None:
    """Set the font's family name; copyright, version and licence stay."""
    plain = style in ("Regular", "Bold")
    names = {
        1: FAMILY if plain else f"{FAMILY} {style}",
        2: style if plain else "Regular",
        3: f"{font['name'].getDebugName(5)};{FAMILY.replace(' ', '')}-{style}",
        4: f"{FAMILY} {style}",
        6: f"{FAMILY.replace(' ', '')}-{style}",
        16: None if plain else FAMILY,
        17: None if plain else style,
        21: None,
        22: None,
    }
    for number, text in names.items():
        font["name"].removeNames(nameID=number)
        if text:
            font["name"].setName(text, number, 3, 1, 0x409)
    top = font["CFF "].cff
    top.fontNames = [names[6]]
    top.topDictIndex[0].FamilyName, top.topDictIndex[0].FullName = FAMILY, names[4]


def make(source: Path, target: Path, style: str) -> None:
    """Write one file; the same source gives the same bytes."""
    font = TTFont(source, recalcTimestamp=False)
    add_signs(font)
    rename(font, style)
    options = Options(layout_features=list(FEATURES), name_IDs=["*"], recalc_timestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for part in KEPT for code in part] + [ord(sign) for sign in SIGNS])
    subsetter.subset(font)
    font.save(target)
    print(f"{target.name}: {len(font.getBestCmap())} signs, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    for style in FILES:
        make(Path(sys.argv[1]) / f"Inter-{style}.otf", Path(__file__).parent / f"Inter-{style}.otf", style)
