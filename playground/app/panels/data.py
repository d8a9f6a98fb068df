"""The data card: a toy, a drawing, a file of points, or images."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QPushButton, QSizePolicy, QToolButton, QWidget

from playground.app.canvas import CanvasView
from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.model.views import ProblemView
from playground.app.style import theme
from playground.app.style.number_formats import format_count
from playground.app.style.text_size import px
from playground.app.style.wrapping import breakable, wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption, named
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.app.widgets.equation import Tooltip, words
from playground.app.widgets.field_row import warning
from playground.app.widgets.kind_rows import KindRows, column
from playground.app.widgets.number_rows import NumberField
from playground.app.workers.jobs import JobStatus
from playground.kinds.datasets import DataSource
from playground.kinds.datasets.drawing import Drawing
from playground.kinds.setting import Field, meta
from playground.lab.conflicts import training_conflict
from playground.messages import Message

COLUMNS = 6
TILE = 32  # px
LABELLED = 42  # px of a tile with its name
LABELLED_COLUMNS = 3
LABEL_PIXELS = 10  # "Eight Gaussians" fits
FIRST = ("two-moons", "eight-gaussians", "two-spirals", "checkerboard", "digits", "drawn")  # of a calm card
COMPARED = "Compared runs cannot be painted on: leave the comparison first."
LOADING = "Loading…\nThe canvas changes afterwards."  # as many lines as of loaded data
OPENS = {
    False: ("Open a file of points", "a CSV, TSV or NPY file with two columns"),
    True: ("Open a file of images", "an IDX, NPZ or CIFAR file"),
}


class Brush(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the brush is set to. It is no setting of the experiment, because every stroke keeps its own."""

    brush_radius: Annotated[
        float,
        meta(
            "One standard deviation across a stroke",
            ge=1e-3,
            le=1e3,
            unit="data",
            log=True,
            reach=(0.02, 2.0),
        ),
    ] = 0.2


class DataPanel(CollapsiblePanel):
    """Tiles for every kind of data, and the settings of the chosen kind.

    Signals:
        open_file_requested(): the user asked to choose a file of points.
        open_folder_requested(): the user asked to choose a folder of pictures.
        brush_toggled(bool): the brush was turned on or off.
    """

    open_file_requested = Signal()
    open_folder_requested = Signal()
    brush_toggled = Signal(bool)

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Data", 1, purpose="The points whose distribution is learned.")
        self.state = state
        self._building, self._training = controllers.building, controllers.training
        self._comparing = controllers.comparing
        self._loading = False
        self._trains = False
        self._build_tiles()
        self._build_file_row()
        self._build_brush()

        self.notice = Notice()
        self.body.addWidget(self.notice)
        self.source = KindRows(state, "data", column(self.advanced()), column(self.advanced()), parent=self)
        state.changed.connect(self._refresh)
        state.kinds_changed.connect(self._kinds_changed)
        self.state.problem_changed.connect(self._problem_changed)
        controllers.jobs.changed.connect(self._job_changed)
        self._training.changed.connect(self._training_changed)
        self.apply_palette()
        self._refresh()

    def apply_palette(self) -> None:
        kinds = DataSource.kinds()
        for kind, tile in self.tiles.items():
            name = f"data-{kind}"
            if theme.icon_path(name).exists():
                token = "data" if kinds[kind].icon_shows_points else "text"
                tile.setIcon(theme.icon(name, token, 22))
            else:
                tile.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        for tool, name in ((self.undo, "undo-stroke"), (self.clear, "clear"), (self.brush, "brush")):
            tool.setIcon(theme.icon(name, "text"))
        self.open.setIcon(theme.icon("open-file", "text"))

    # Building

    def _build_tiles(self) -> None:
        self._grid = QGridLayout()
        self._grid.setSpacing(5)
        self._group = QButtonGroup(self)
        self.tiles: dict[str, QToolButton] = {}
        self.more = QPushButton("more…", self)
        named(self.more, "All data sets", "Show all kinds of data.")
        theme.set_role(self.more, "quiet")
        self.more.setFixedHeight(px(20))
        self.more.setCheckable(True)
        self.more.toggled.connect(self._place_tiles)
        layouts.add(self.body, self._grid, self.more)
        self._fill_tiles()

    @Slot()
    def _kinds_changed(self) -> None:
        self._fill_tiles()
        self.apply_palette()
        self._refresh()

    def _fill_tiles(self) -> None:
        """Make the missing tiles, and put all in the order of their kinds, which Tab follows."""
        field, kinds = self.state.field("data.kind"), DataSource.kinds()
        for kind, source in kinds.items():
            if kind not in self.tiles:
                self._make_tile(kind, source, field)
        layouts.tab_through(*[self.tiles[kind] for kind in kinds], self.more)
        self._place_tiles()

    @Slot()
    def _place_tiles(self) -> None:
        """Put all tiles beside each other; on a calm card six with names, of which the last may be the chosen one, or all if asked for."""
        calm = self._calm
        columns = LABELLED_COLUMNS if calm else COLUMNS
        for index in range(COLUMNS):
            self._grid.setColumnStretch(index, int(index < columns))
        self.more.setVisible(calm)
        self.more.setText("less" if self.more.isChecked() else "more…")
        style = Qt.ToolButtonStyle.ToolButtonTextUnderIcon if calm else Qt.ToolButtonStyle.ToolButtonIconOnly
        chosen = self.state.experiment.data.kind
        six = FIRST if chosen in FIRST else (*FIRST[:-1], chosen)  # a third row would push the last card out of view
        shown = [kind for kind in self.tiles if not calm or self.more.isChecked() or kind in six]
        for place, kind in enumerate(shown):
            self._grid.addWidget(self.tiles[kind], *divmod(place, columns))
        for kind, tile in self.tiles.items():
            tile.setVisible(kind in shown)
            tile.setFixedHeight(px(LABELLED if calm else TILE))
            if tile.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextOnly:  # of a plug-in without an icon
                tile.setText(DataSource.kinds()[kind].title if calm else kind[:2])
            else:
                tile.setToolButtonStyle(style)

    def show_all(self, on: bool) -> None:
        super().show_all(on)
        self._place_tiles()
        self._refresh()

    def _make_tile(self, kind: str, source: type[DataSource], field: Field) -> None:
        tile = QToolButton(self)
        tile.setCheckable(True)
        tile.setIconSize(QSize(px(22), px(22)))
        tile.setText(source.title)
        tile.setFont(theme.text_font(LABEL_PIXELS))
        tile.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        tile.setMinimumWidth(px(30))
        theme.set_role(tile, "tile")
        tile.setAccessibleName(f"Data: {source.title}")
        tile.setAccessibleDescription(field.description)
        text = f"<p><b>{source.title}</b></p>" + words(field)
        Tooltip(tile, text, now=lambda: warning(self.state.unsaved_steps()))
        tile.clicked.connect(lambda: self._pick(kind))
        if self.tiles:
            tile.setFocusPolicy(next(iter(self.tiles.values())).focusPolicy())
        self._group.addButton(tile)
        self.tiles[kind] = tile

    def _build_file_row(self) -> None:
        self.file_row = QWidget(self)
        self.file_text = caption()
        self.file_text.setTextFormat(Qt.TextFormat.PlainText)  # it has column names from strangers' files
        self.file_text.setMinimumWidth(1)
        tip = "Open a folder of PNG or JPEG files; each sub-folder is a class. Or drop a folder on the window."
        ask, spoken = self.open_folder_requested.emit, "Open a folder of pictures"
        self.folder = button("Folder…", tip, ask, spoken=spoken)
        self.open = button("Open…", "", self.open_file_requested.emit)
        buttons = layouts.across((self.folder, 1), (self.open, 1), spacing=theme.UNIT)
        layouts.down(self.file_text, buttons, within=self.file_row, spacing=theme.UNIT // 2, margins=0)
        self.body.addWidget(self.file_row)

    def _build_brush(self) -> None:
        self.brush_row = QWidget(self)
        self.brush = QPushButton("Brush", self.brush_row)
        self.brush.setCheckable(True)
        self.brush.toggled.connect(self.brush_toggled)
        self.brush.toggled.connect(lambda _: self._say())
        self.undo = button("Undo", "", self._undo_stroke)
        self.clear = button("Clear", "", lambda: self.state.edit({"data.strokes": ()}))
        cost = lambda: COMPARED if self._comparing.is_active else warning(self.state.unsaved_steps())  # noqa: E731
        for tool, name, tip in (
            (self.brush, "Brush", "Paint on the canvas; the density of points follows the brush."),
            (self.undo, "Undo the last stroke", "Remove the last stroke."),
            (self.clear, "Clear the drawing", "Remove all strokes. Ctrl+Z brings them back."),
        ):
            tool.setAccessibleName(name)
            Tooltip(tool, f"<p>{tip}</p>", now=cost)
        tools = (self.brush, 1), (self.undo, 1), (self.clear, 1)
        layouts.across(*tools, within=self.brush_row, spacing=theme.UNIT, margins=0)
        self.body.addWidget(self.brush_row)
        self.radius = NumberField(State(Brush(), self), "brush_radius")  # type: ignore[arg-type]
        self.body.addWidget(self.radius)

    # The user's actions

    def _pick(self, kind: str) -> None:
        now = self.state.experiment
        source = DataSource.kinds()[kind]
        if source.is_file and now.data.kind != kind and not self.state.remembers("data", kind):
            self.tiles[now.data.kind].setChecked(True)
            (self.open_folder_requested if source.images else self.open_file_requested).emit()
            return
        if kind != now.data.kind:
            self._building.prefer_bundled()
            self.state.edit({"data.kind": kind})
        drawing = self.state.experiment.data
        if isinstance(drawing, Drawing) and not drawing.strokes:
            self.brush.setChecked(True)  # a stroke on one that was trained would cost its weights

    @Slot()
    def _undo_stroke(self) -> None:
        data = self.state.experiment.data
        if isinstance(data, Drawing):
            self.state.edit({"data.strokes": data.strokes[:-1]})

    def paint_on(self, canvas: CanvasView) -> None:
        """Give a canvas the brush, which paints while nothing is compared."""
        hold = lambda: canvas.surface.take_brush(self.brush.isChecked() and not self._comparing.is_active)  # noqa: E731
        self.brush_toggled.connect(hold)
        self._comparing.active_changed.connect(hold)
        brush = self.radius.state
        brush.changed.connect(lambda _: canvas.brush.set_radius(brush.value("brush_radius")))

        def turned(radius: float) -> None:
            brush.edit({"brush_radius": min(max(radius, 1e-3), 1e3)}, merge="wheel")
            canvas.brush.set_radius(brush.value("brush_radius"))  # also if nothing changed at a bound

        canvas.brush.radius_changed.connect(turned)
        canvas.brush.set_radius(Brush().brush_radius)

    @Slot()
    def put_brush_down(self) -> None:
        """Turn the brush off: a click on the canvas measures a likelihood and paints nothing."""
        self.brush.setChecked(False)

    @Slot(str)
    def _training_changed(self, training: str) -> None:
        trains = self._training.wanted
        if trains and not self._trains:  # the drawing is done; the brush may be turned on again during training
            self.put_brush_down()
        self._trains = trains

    # Content

    @property
    def _failure(self) -> Message | None:
        """Why the data give no problem; other reasons are shown where they can be corrected."""
        why = self.state.failure
        elsewhere = why is None or why.key.startswith("noise.") or why == training_conflict(self.state.experiment)
        return None if elsewhere else why

    @Slot()
    def _problem_changed(self) -> None:
        self._refresh()
        if self._failure:
            self.reveal()

    @Slot(str, object)
    def _job_changed(self, job: str, status: JobStatus) -> None:
        if job in ("problem", "reading") and status.running != self._loading:
            self._loading = status.running
            self._refresh()

    @Slot()
    def _refresh(self) -> None:
        data, view = self.state.experiment.data, self.state.problem
        kind = data.kind
        if not self.tiles[kind].isChecked():
            self.tiles[kind].setChecked(True)
            self._place_tiles()
        name, what = OPENS[data.images]
        named(self.open, name, f"Open {what}; or drop one on the window.")
        self.file_row.setVisible(data.is_file or (data.is_finite and not self._calm))
        self.open.setVisible(data.is_file)
        self.folder.setVisible(data.is_file and data.images)
        strokes = data.strokes if isinstance(data, Drawing) else None
        for part in (self.brush_row, self.radius):
            part.setVisible(strokes is not None)
        self.brush.setChecked(self.brush.isChecked() and strokes is not None)
        self.undo.setEnabled(bool(strokes))
        self.clear.setEnabled(bool(strokes))
        if view is not None and (self._failure or not view.describes(self.state.experiment)):
            view = None  # these settings have none yet: a problem may be one step behind
        if self._loading or (view is None and data.is_finite and not self._failure and self._building.busy):
            self.set_state("loading…")
            self.file_text.setText(LOADING)
        elif data.is_finite:
            name = Path(data.file).name if data.is_file else data.phrase
            facts = ""
            if view is None:
                self.set_state(name or "no file")
            else:
                train, held_out = view.count, view.conditions.held_out
                self.set_state(f"{name} · {format_count(train + held_out)}")
                facts = f"{_facts(view)}\n{format_count(train)} to train, {format_count(held_out)} held out"
            self.file_text.setText((facts or "Not loaded.") if name else "No file is chosen.")
            self.file_text.setToolTip(wrapped(data.file) if data.file else "")
        elif strokes == ():
            self.set_state("nothing drawn yet")
        else:
            count = self.state.value("data.points") if view is None else view.count
            self.set_state(f"{data.phrase} · {format_count(count)}")
        self._say()

    def _say(self) -> None:
        data, view = self.state.experiment.data, self.state.problem
        missing = next(data.conflicts(), None)
        folder = data.images and not os.path.isfile(data.file)
        wanted = self.open_folder_requested if folder else self.open_file_requested
        if missing is not None and missing.key == "data.strokes":
            way = () if self.brush.isChecked() else (("Brush", "Paint on the canvas.", self.brush.toggle),)
            self.notice.say("info", missing, *way)
        elif missing is not None:
            self.notice.say("info", missing, ("Open…", "Choose what to learn.", wanted.emit))
        elif self._failure:
            again = ("Open another…", f"Choose a {'folder' if folder else 'file'}.", wanted.emit)
            self.notice.say("error", self._failure, *((again,) if data.is_file else ()))
        else:
            shown = data.is_file and view is not None and view.describes(self.state.experiment)
            self.notice.say("info", view.note if view is not None and shown else None)


def _facts(view: ProblemView) -> str:
    """What was read, in words: the number of points and their kind."""
    total = format_count(view.count + view.conditions.held_out)
    if not view.is_image:
        return f"{total} rows: {breakable(', '.join(view.axes))}"
    channels, height, width = view.points.shape[1:]
    return f"{total} images: {width} × {height}, {'grey' if channels == 1 else 'RGB'}"
