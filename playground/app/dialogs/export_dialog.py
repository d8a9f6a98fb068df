"""The user's choices before an export, and its progress."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QWidget,
)

from playground.app.model.preferences import GIF, Choice, Preferences, VideoChoice
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_duration, megabytes
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import breakable, wrapped
from playground.app.widgets import file_prompts, layouts
from playground.app.widgets.accessible_roles import announce
from playground.app.widgets.captions import button, caption, named, number_box
from playground.app.widgets.controls import ChoiceBox
from playground.app.widgets.dialog import Dialog
from playground.app.widgets.file_prompts import completed, may_replace
from playground.app.workers.jobs import JobStatus
from playground.messages import Message

FORMATS = {".mp4": "MP4 (H.264)", ".webm": "WebM (VP9)", ".gif": "GIF"}
PICTURES = {".png": "PNG", ".svg": "SVG, lines that stay sharp", ".pdf": "PDF, lines that stay sharp"}
SIZES = (
    ("1280 × 720, HD", 1280, 720),
    ("1920 × 1080, Full HD", 1920, 1080),
    ("3840 × 2160, 4K", 3840, 2160),
    ("1080 × 1080, square", 1080, 1080),
    ("640 × 360, small", 640, 360),
)
FORMAT_TIPS = {
    "video": "MP4 plays everywhere; WebM is free; GIF goes into slides and web pages",
    "picture": "PNG has pixels; SVG and PDF have lines and text, which stay sharp in print and can be edited",
}
CUSTOM = "Custom"
SUBJECTS = (
    ("run", "The run, from its first to its last frame"),
    ("training", "The training, at the frame in view"),
)
THEMES = (("", "As the window"), ("dark", "Dark"), ("light", "Light"))


class ExportForm(QWidget):
    """The file, size and theme of a picture; for a video, length and frame rate too."""

    def __init__(self, choice: Choice, suggestion: Path) -> None:
        super().__init__()
        self._first = choice
        self.kind = "video" if isinstance(choice, VideoChoice) else "picture"
        self._agreed: Path | None = None  # the file that may be replaced
        self.path = named(
            QLineEdit(str(suggestion.with_suffix(choice.suffix))),
            "File",
            "Where to write it; the ending chooses the format",
        )
        self.path.setMinimumWidth(px(340))
        self.format = _chosen(
            (FORMATS if self.kind == "video" else PICTURES).items(), choice.suffix, "Format", FORMAT_TIPS[self.kind]
        )
        known = ((title, title) for title in (*(title for title, _, _ in SIZES), CUSTOM))
        self.size_preset = _chosen(known, CUSTOM, "Size", "Common sizes")
        self.width_box = number_box(
            PixelBox(), 64, 7680, choice.width // 2 * 2, "Width in pixels", "Width in pixels, even"
        )
        self.height_box = number_box(
            PixelBox(), 64, 7680, choice.height // 2 * 2, "Height in pixels", "Height in pixels, even"
        )
        self.theme = _chosen(THEMES, choice.theme, "Theme", "Colours of what is exported")
        words = "Name the layers, the sampler and the moment, at the bottom right"
        self.caption = named(QCheckBox("Ca&ption"), "Caption", words)
        colours = "Say which colour is which: a key of the layers, and scales"
        self.legend = named(QCheckBox("Le&gend"), "Legend", colours)
        self.caption.setChecked(choice.caption)
        self.legend.setChecked(choice.legend)
        if isinstance(choice, VideoChoice):
            tip = "The sampler's run, or how the network learned, step by step"
            self.subject = _chosen(SUBJECTS, choice.subject, "What the film shows", tip)
            length = QDoubleSpinBox(decimals=1, suffix=" s")
            self.seconds = number_box(
                length, 1, 600, choice.seconds, "Length in seconds", "The whole film takes this long"
            )
            rate = QSpinBox(suffix=" frames/s")
            self.fps = number_box(rate, 5, 120, choice.fps, "Frames a second", "Frames a second")
        self._lay_out()
        self._show_preset()
        self.path.textEdited.connect(self._path_typed)
        self.format.currentIndexChanged.connect(self._format_chosen)
        self.size_preset.activated.connect(self._size_chosen)
        for side in (self.width_box, self.height_box):
            side.valueChanged.connect(self._show_preset)

    def _lay_out(self) -> None:
        """Put each choice into a row."""
        self.rows = form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(2 * UNIT)
        form.setVerticalSpacing(UNIT)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        browse = named(button("&Choose…", "", self._browse), "Choose the file", "Choose where to write it")
        film = self.kind == "video"
        if film:
            form.addRow("S&hows", self.subject)
        form.addRow("&File", _row(self.path, browse, stretch=False))
        form.addRow("F&ormat", self.format)
        form.addRow("&Size", self.size_preset)
        form.addRow("", _row(self.width_box, QLabel("×"), self.height_box, QLabel("pixels, even")))
        if film:
            form.addRow("&Length", self.seconds)
            form.addRow("Frame &rate", self.fps)
        form.addRow("&Theme", self.theme)
        form.addRow(QLabel("Words"), _row(self.caption, self.legend))

    def choice(self) -> Choice:
        """The choices as the preferences keep them."""
        chosen = {
            "width": self.width_box.value(),
            "height": self.height_box.value(),
            "theme": self.theme.value(),
            "suffix": self.format.value(),
            "caption": self.caption.isChecked(),
            "legend": self.legend.isChecked(),
        }
        if self.kind == "video":
            chosen |= {"seconds": self.seconds.value(), "fps": self.fps.value(), "subject": self.subject.value()}
        return msgspec.structs.replace(self._first, **chosen)

    def refuse_training(self, why: Message | None) -> None:
        """Set why the training cannot be filmed now; None if it can."""
        if why is not None and self.kind == "video":
            self.subject.set_value("run")
            self.subject.setEnabled(False)
            self.subject.setToolTip(wrapped(worded(why)))

    # --- the file

    @property
    def file(self) -> Path:
        """The file to write."""
        return Path(self.path.text().strip()).expanduser()

    def refused(self) -> str:
        """Why the name of the file is refused; "" if it is not."""
        path = self.file
        if not path.name or not path.stem:
            return "Give the file a name."
        if path.suffix.lower() != self.format.value():
            shown, known = path.suffix or "A name without ending", ", ".join(self._endings())
            return f"{shown} is not a format for a {self.kind}: end the name in {known}."
        if not os.path.isdir(path.absolute().parent):  # pathlib would raise for a name that is too long
            return f"The folder {path.absolute().parent} does not exist."
        return ""

    def may_write(self) -> bool:
        """Whether no file exists, or the user lets it be replaced."""
        path = self.file.absolute()
        if os.path.isfile(path) and path != self._agreed and not may_replace(self, f"{path.name} exists already."):
            return False
        self._agreed = path
        return True

    def _endings(self) -> list[str]:
        return [self.format.itemData(row) for row in range(self.format.count())]

    def _browse(self) -> None:
        endings = self._endings()
        wanted = " ".join(f"*{ending}" for ending in endings)
        name, _ = file_prompts.save_name(
            self, f"Export {self.kind}", self.path.text(), f"{self.kind.title()} ({wanted})"
        )
        path = completed(self, name, endings, self.format.value()) if name else None
        if path is not None:
            self._agreed = path  # the file dialog has asked
            self.path.setText(str(path))
            self._path_typed()

    def _format_chosen(self) -> None:
        path = Path(self.path.text())
        if path.name:
            self.path.setText(str(path.with_suffix(self.format.value())))
        self._suit_format()

    def _path_typed(self) -> None:
        row = self.format.findData(Path(self.path.text()).suffix.lower())
        if row >= 0:
            self.format.blockSignals(True)
            self.format.setCurrentIndex(row)
            self.format.blockSignals(False)
            self._suit_format()

    def _suit_format(self) -> None:
        """Take the default size and rate of the format, if the other format's defaults are set."""
        usual = tuple(getattr(VideoChoice(), name) for name in GIF)
        before, after = tuple(GIF.values()), usual
        if self.format.value() == ".gif":
            before, after = after, before
        if self.kind == "video" and tuple(box.value() for box in (self.width_box, self.height_box, self.fps)) == before:
            for box, value in zip((self.width_box, self.height_box, self.fps), after, strict=True):
                box.setValue(value)

    def _size_chosen(self, row: int) -> None:
        if row < len(SIZES):
            _, width, height = SIZES[row]
            self.width_box.setValue(width)
            self.height_box.setValue(height)

    def _show_preset(self) -> None:
        size = self.width_box.value(), self.height_box.value()
        known = [tuple(sides) for _, *sides in SIZES]
        self.size_preset.setCurrentIndex(known.index(size) if size in known else len(SIZES))


class ExportDialog(Dialog):
    """Asks for the choices of a video or a picture, and shows the progress of its export.

    It stays open while the export runs, and the window stays usable.

    Signals:
        wanted(object): the path to write; read :meth:`ExportForm.choice`.
        cancelled(): the user cancelled the running export.
    """

    wanted = Signal(object)
    cancelled = Signal()

    def __init__(self, kind: str, suggestion: Path, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(f"{kind}Dialog", f"Export {kind}", parent)
        self.kind = kind  # "video" or "picture"
        self._preferences = preferences
        self.running = False
        self.failure = ""  # the error of the last export
        self.form = ExportForm(preferences.get(kind), suggestion)
        self._lay_out()

    def _lay_out(self) -> None:
        """Put the progress and the buttons below the form."""
        self.status = caption("")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress of the export")
        self.bar.setTextVisible(False)
        layouts.keep_room(self.bar)  # the dialog must not change its height when the export starts
        self.bar.hide()
        self.start_button = QPushButton("&Export", default=True)
        self.start_button.setObjectName("startExport")
        set_role(self.start_button, "primary")
        self.start_button.clicked.connect(self._start)
        tip = "Stop the export, of which no file is left; or close the dialog."
        self.cancel_button = button("C&ancel", tip, self.reject, "cancelExport")
        buttons = layouts.across(None, self.cancel_button, self.start_button)
        layout = layouts.down(self.form, within=self, spacing=UNIT, margins=(3 * UNIT, 2 * UNIT, 3 * UNIT, 2 * UNIT))
        layout.addSpacing(UNIT)
        layouts.add(layout, self.bar, self.status, buttons)

    # --- during the export

    def set_running(self, running: bool) -> None:
        self.running, self.failure = running, ""
        self.form.setEnabled(not running)
        self.start_button.setEnabled(not running)
        self.bar.setVisible(running)
        self.bar.setValue(0)
        self.status.setText("Starting…" if running else "")

    def wait_for(self, sentence: str) -> None:
        """Say what the export waits for, which can be cancelled like the export itself."""
        if not self.running:
            self.set_running(True)
        self.status.setText(f"Waiting. {sentence}")

    def show_cancelled(self) -> None:
        """Say that nothing was written."""
        self.set_running(False)
        self.status.setText("Cancelled; nothing was written.")

    def set_progress(self, status: JobStatus, size: int) -> None:
        """Show how far the export is, and the bytes that it has written."""
        fraction, left = status.fraction or 0.0, status.seconds_left
        self.bar.setValue(round(1000 * fraction))
        written = f" · {megabytes(size)} written" if size else ""
        self.status.setText(f"{fraction:.0%}{written}{'' if left is None else f' · {format_duration(left)} left'}")

    def fail(self, sentence: str) -> None:
        """Say what went wrong and let the user try again."""
        self.set_running(False)
        self.failure = sentence
        self.status.setText(breakable(sentence))
        set_role(self.status, "refusal")
        layout = self.layout()
        assert layout is not None
        self.resize(self.width(), max(self.height(), layout.heightForWidth(self.width())))
        announce(self, sentence)

    def reject(self) -> None:
        """Cancel: the export if it runs, otherwise the dialog."""
        if self.running:
            self.cancelled.emit()
        else:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.running:
            self.cancelled.emit()
        super().closeEvent(event)

    def _start(self) -> None:
        set_role(self.status, "caption")
        why = self.form.refused()
        if why:
            self.fail(why)
        elif self.form.may_write():
            self._preferences.set(self.kind, self.form.choice())
            self.wanted.emit(self.form.file.absolute())


class PixelBox(QSpinBox):
    """A number of pixels, which must be even for video formats; a typed odd number becomes the next lower even one."""

    def __init__(self) -> None:
        super().__init__()
        self.setSingleStep(2)
        # Qt would leave the odd number in the text, because the value stays the same.
        self.editingFinished.connect(lambda: self.lineEdit().setText(self.textFromValue(self.value())))

    def valueFromText(self, text: str) -> int:
        return super().valueFromText(text) // 2 * 2


def _chosen(options: Iterable[tuple[str, str]], value: str, name: str, tip: str) -> ChoiceBox:
    """A choice between values, each with its title."""
    box = ChoiceBox(options)
    box.set_value(value)
    return named(box, name, tip)


def _row(*widgets: QWidget, stretch: bool = True) -> QWidget:
    row = QWidget()
    layout = layouts.across(*widgets, within=row, spacing=UNIT, margins=0)
    if stretch:
        layout.addStretch(1)
    return row
