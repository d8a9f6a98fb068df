"""The user's choices before an export, and its progress."""

import os
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from playground.app.controllers.export_size import MAILABLE, mailable, megabytes
from playground.app.model.preferences import GIF, PictureChoice, Preferences, VideoChoice
from playground.app.style.labels import worded
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import breakable, wrapped
from playground.app.widgets import file_prompts
from playground.app.widgets.controls import ChoiceBox
from playground.app.widgets.file_prompts import completed, may_replace
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
PATIENCE = 300  # ms after the last change until the file's size is estimated again
ESTIMATING = "estimating…"
WRITING = "unknown until it is written"
SUBJECTS = (
    ("The run, from its first to its last frame", "run"),
    ("The training, at the frame in view", "training"),
)
THEMES = (("As the window", ""), ("Dark", "dark"), ("Light", "light"))


class ExportDialog(QDialog):
    """Size and theme of a picture; for a video, length and frame rate too.

    It stays open while the export runs, and the window stays usable.

    Signals:
        wanted(object): the path to write; read :meth:`choice`.
        size_wanted(): the choices changed, so estimate the file's size and call :meth:`show_file_size`.
        cancelled(): the user cancelled the running export.
    """

    wanted = Signal(object)
    size_wanted = Signal()
    cancelled = Signal()

    def __init__(self, kind: str, suggestion: Path, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = kind  # "video" or "picture"
        self._preferences = preferences
        self.running = False
        self.failure = ""  # the error of the last export
        self._agreed: Path | None = None  # the file that may be replaced
        self._suits = True  # whether a GIF takes a size and frame rate with which it can be mailed
        self._suited = False  # whether these differ from the chosen ones
        self._changes_itself = False
        self._estimates = True  # whether the file's size is being estimated
        self._waits = False  # whether the export waits for that
        self.setObjectName(f"{kind}Dialog")
        self.setWindowTitle(f"Export {kind}")
        choice: VideoChoice | PictureChoice = preferences.get(kind)
        self._form = QWidget()
        self._fill_form(choice, suggestion)
        self._watch_choices()
        self._lay_out()

    def _fill_form(self, choice: VideoChoice | PictureChoice, suggestion: Path) -> None:
        """Make a row for each choice."""
        form = QFormLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(2 * UNIT)
        form.setVerticalSpacing(UNIT)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.path = QLineEdit(str(suggestion.with_suffix(choice.suffix)))
        self.path.setMinimumWidth(px(340))
        browse = QPushButton("&Choose…")
        browse.clicked.connect(self._browse)
        self.subject = ChoiceBox((subject, title) for title, subject in SUBJECTS)
        if isinstance(choice, VideoChoice):
            form.addRow("S&hows", self.subject)
            self.subject.setCurrentIndex(self.subject.findData(choice.subject))
        form.addRow("&File", _row(self.path, browse, stretch=False))
        self.format = ChoiceBox((FORMATS if self.kind == "video" else PICTURES).items())
        form.addRow("F&ormat", self.format)
        self.format.setCurrentIndex(self.format.findData(choice.suffix))
        self.size_preset = ChoiceBox((title, title) for title in (*(title for title, _, _ in SIZES), CUSTOM))
        self.width_box, self.height_box = _pixels(choice.width), _pixels(choice.height)
        form.addRow("&Size", self.size_preset)
        form.addRow("", _row(self.width_box, QLabel("×"), self.height_box, QLabel("pixels, even")))
        self._show_preset()
        self.seconds, self.fps = QDoubleSpinBox(), QSpinBox()
        if isinstance(choice, VideoChoice):
            self.seconds.setRange(1, 600)
            self.seconds.setDecimals(1)
            self.seconds.setSuffix(" s")
            self.seconds.setValue(choice.seconds)
            self.fps.setRange(5, 120)
            self.fps.setSuffix(" frames/s")
            self.fps.setValue(choice.fps)
            form.addRow("&Length", self.seconds)
            form.addRow("Frame &rate", self.fps)
        self.theme = ChoiceBox((name, title) for title, name in THEMES)
        self.theme.setCurrentIndex(self.theme.findData(choice.theme))
        form.addRow("&Theme", self.theme)
        self.caption, self.legend = QCheckBox("Ca&ption"), QCheckBox("Le&gend")
        self.caption.setChecked(choice.caption)
        self.legend.setChecked(choice.legend)
        form.addRow(QLabel("Words"), _row(self.caption, self.legend))
        self.file_size = QLabel(ESTIMATING)
        self.file_size.setWordWrap(True)
        form.addRow(QLabel("File size"), self.file_size)  # takes no input, and so needs no key
        self._describe(browse)
        for box in (self.width_box, self.height_box, self.seconds, self.fps):
            box.setMinimumHeight(px(26))
            box.lineEdit().setTextMargins(6, 0, 6, 0)  # the style sheet's padding is outside the text

    def _watch_choices(self) -> None:
        """Follow the choices, and have the file's size estimated again when they have settled."""
        self.path.textEdited.connect(self._path_typed)
        self.format.currentIndexChanged.connect(self._format_chosen)
        self.size_preset.activated.connect(self._size_chosen)
        for side in (self.width_box, self.height_box):
            side.valueChanged.connect(self._show_preset)
        self._changing = QTimer(self)
        self._changing.setSingleShot(True)
        self._changing.setInterval(PATIENCE)
        self._changing.timeout.connect(self.size_wanted)
        for box in (self.width_box, self.height_box, self.seconds, self.fps):
            box.valueChanged.connect(self._size_unknown)
        for asked in (self.width_box, self.height_box, self.fps):
            asked.valueChanged.connect(self._asked_for)
        for choices in (self.format, self.theme, self.subject):
            choices.currentIndexChanged.connect(self._size_unknown)
        for words in (self.caption, self.legend):
            words.toggled.connect(self._size_unknown)
        self._changing.start(0)

    def _lay_out(self) -> None:
        """Put the progress and the buttons below the form."""
        self.status = QLabel("")
        self.status.setWordWrap(True)
        set_role(self.status, "caption")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress of the export")
        self.bar.setTextVisible(False)
        keep = self.bar.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # the dialog must not change its height when the export starts
        self.bar.setSizePolicy(keep)
        self.bar.hide()
        self.start_button = QPushButton("&Export")
        self.start_button.setDefault(True)
        self.start_button.setObjectName("startExport")
        set_role(self.start_button, "primary")
        self.cancel_button = QPushButton("C&ancel")
        self.cancel_button.setObjectName("cancelExport")
        self.cancel_button.setAutoDefault(False)
        self.start_button.clicked.connect(self._start)
        self.cancel_button.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.start_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, 2 * UNIT)
        layout.setSpacing(UNIT)
        layout.addWidget(self._form)
        layout.addSpacing(UNIT)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        layout.addLayout(buttons)

    def picture_choice(self) -> PictureChoice:
        """A picture's choices as the preferences keep them."""
        return PictureChoice(
            width=self.width_box.value(),
            height=self.height_box.value(),
            theme=self.theme.currentData(),
            suffix=self.format.currentData(),
            caption=self.caption.isChecked(),
            legend=self.legend.isChecked(),
        )

    def video_choice(self) -> VideoChoice:
        """A film's choices as the preferences keep them."""
        return VideoChoice(
            width=self.width_box.value(),
            height=self.height_box.value(),
            theme=self.theme.currentData(),
            seconds=self.seconds.value(),
            fps=self.fps.value(),
            suffix=self.format.currentData(),
            subject=self.subject.currentData(),
            caption=self.caption.isChecked(),
            legend=self.legend.isChecked(),
        )

    def refuse_training(self, why: Message | None) -> None:
        """Set why the training cannot be filmed now; None if it can."""
        if why is not None:
            self.subject.setCurrentIndex(self.subject.findData("run"))
            self.subject.setEnabled(False)
            self.subject.setToolTip(wrapped(worded(why)))

    # --- the size of the file

    def _size_unknown(self) -> None:
        self._estimates = True
        self.file_size.setText(WRITING if self.running else ESTIMATING)
        self._changing.start()

    def show_file_size(self, size: int | None) -> None:
        """Show the estimated bytes of the file; None if there is no estimate."""
        if size is not None and size > MAILABLE and self._is_mailed and self._suit_mail(size):
            return
        self._estimates = False
        self.file_size.setText("unknown" if size is None else self._about(size))
        if self._waits:
            self._waits = False
            self._start()

    def _about(self, size: int) -> str:
        """The size in words, with advice if it is too large for a mail."""
        smaller = "fewer pixels" if self.kind == "picture" else "fewer pixels or frames"
        more = f": too large for a mail; choose {smaller}" if size > MAILABLE else ""
        if self._suited and not more:
            more = ": made smaller than was chosen, so that it can be mailed. Choose another size to have that."
        return f"about {megabytes(size)}{more}"

    @property
    def _is_mailed(self) -> bool:
        """Whether the file is a GIF whose size the program chose so that it can be mailed."""
        return self._suits and self.kind == "video" and self.format.currentData() == ".gif"

    def _suit_mail(self, size: int) -> bool:
        """Take fewer frames and pixels, so that the file can be mailed.

        Returns:
            Whether that was possible; the size is then estimated again.
        """
        boxes = self.width_box, self.height_box, self.fps
        before = tuple(box.value() for box in boxes)
        after = mailable(size, *before)
        self._changes_itself = True
        for box, value in zip(boxes, after, strict=True):
            box.setValue(value)
        self._changes_itself = False
        self._suited = True
        return after != before

    def _asked_for(self) -> None:
        """Keep a size or a frame rate that the user chose, however large the file is."""
        if not self._changes_itself:
            self._suits = self._suited = False

    # --- during the export

    def set_running(self, running: bool) -> None:
        self.running, self.failure = running, ""
        self._form.setEnabled(not running)
        self.start_button.setEnabled(not running)
        self.bar.setVisible(running)
        self.bar.setValue(0)
        self.status.setText("Starting…" if running else "")
        if self._estimates:  # an export ends the estimate
            self._size_unknown()

    def wait_for(self, sentence: str) -> None:
        """Say what the export waits for, which can be cancelled like the export itself."""
        if not self.running:
            self.set_running(True)
        self.status.setText(f"Waiting. {sentence}")

    def show_cancelled(self) -> None:
        """Say that nothing was written."""
        self.set_running(False)
        self.status.setText("Cancelled; nothing was written.")

    def set_progress(self, done: int, total: int, seconds_left: float | None) -> None:
        self.bar.setValue(round(1000 * done / max(total, 1)))
        left = "" if seconds_left is None else f" · {_duration(seconds_left)} left"
        self.status.setText(f"{done} of {total} frames{left}")

    def fail(self, sentence: str) -> None:
        """Say what went wrong and let the user try again."""
        self.set_running(False)
        self.failure = sentence
        self.status.setText(breakable(sentence))
        set_role(self.status, "refusal")
        layout = self.layout()
        assert layout is not None
        self.resize(self.width(), max(self.height(), layout.heightForWidth(self.width())))
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, sentence))

    def reject(self) -> None:
        """Cancel: the export if it runs, otherwise the dialog."""
        self._waits = False
        if self.running:
            self.cancelled.emit()
        else:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.running:
            self.cancelled.emit()
        super().closeEvent(event)

    # --- the form

    def _start(self) -> None:
        set_role(self.status, "caption")
        path = Path(self.path.text().strip()).expanduser()
        if not path.name or not path.stem:
            self.fail("Give the file a name.")
        elif path.suffix.lower() != self.format.currentData():
            known = ", ".join(self.format.itemData(row) for row in range(self.format.count()))
            self.fail(
                f"{path.suffix or 'A name without ending'} is not a format for a {self.kind}: end the name in {known}."
            )
        elif not os.path.isdir(path.absolute().parent):  # pathlib would raise for a name that is too long
            self.fail(f"The folder {path.absolute().parent} does not exist.")
        elif self._is_mailed and self._estimates:
            self._waits = True
            self.status.setText("The size of the file is still being estimated.")
        elif self._may_write(path.absolute()):
            choice = self.picture_choice() if self.kind == "picture" else self.video_choice()
            self._preferences.set(self.kind, choice)
            self.wanted.emit(path.absolute())

    def _may_write(self, path: Path) -> bool:
        """Whether no file exists, or the user lets it be replaced."""
        if os.path.isfile(path) and path != self._agreed and not may_replace(self, f"{path.name} exists already."):
            return False
        self._agreed = path
        return True

    def _browse(self) -> None:
        endings = [self.format.itemData(row) for row in range(self.format.count())]
        wanted = " ".join(f"*{ending}" for ending in endings)
        name, _ = file_prompts.save_name(
            self, f"Export {self.kind}", self.path.text(), f"{self.kind.title()} ({wanted})"
        )
        path = completed(self, name, endings, self.format.currentData()) if name else None
        if path is not None:
            self._agreed = path  # the file dialog has asked
            self.path.setText(str(path))
            self._path_typed()

    def _format_chosen(self) -> None:
        path = Path(self.path.text())
        if path.name:
            self.path.setText(str(path.with_suffix(self.format.currentData())))
        self._suit_format()

    def _suit_format(self) -> None:
        """Take the default size and rate of the format, if the other format's defaults are set."""
        video = VideoChoice()
        usual = {name: getattr(video, name) for name in GIF}
        before, after = (usual, GIF) if self.format.currentData() == ".gif" else (GIF, usual)
        boxes = {"width": self.width_box, "height": self.height_box, "fps": self.fps}
        if self.kind == "video" and all(box.value() == before[name] for name, box in boxes.items()):
            for name, box in boxes.items():
                box.setValue(after[name])
        self._suits, self._suited = True, False

    def _path_typed(self) -> None:
        row = self.format.findData(Path(self.path.text()).suffix.lower())
        if row >= 0:
            self.format.blockSignals(True)
            self.format.setCurrentIndex(row)
            self.format.blockSignals(False)
            self._suit_format()
            self._size_unknown()

    def _size_chosen(self, row: int) -> None:
        if row < len(SIZES):
            _, width, height = SIZES[row]
            self.width_box.setValue(width)
            self.height_box.setValue(height)

    def _show_preset(self) -> None:
        size = (self.width_box.value(), self.height_box.value())
        rows = [row for row, (_, *known) in enumerate(SIZES) if tuple(known) == size]
        self.size_preset.setCurrentIndex(rows[0] if rows else len(SIZES))

    def _describe(self, browse: QPushButton) -> None:
        for widget, name, tip in (
            (self.path, "File", "Where to write it; the ending chooses the format"),
            (browse, "Choose the file", "Choose where to write it"),
            (self.format, "Format", FORMAT_TIPS[self.kind]),
            (self.caption, "Caption", "Name the layers, the sampler and the moment, at the bottom right"),
            (self.legend, "Legend", "Say which colour is which: a key of the layers, and scales"),
            (self.size_preset, "Size", "Common sizes"),
            (self.width_box, "Width in pixels", "Width in pixels, even"),
            (self.height_box, "Height in pixels", "Height in pixels, even"),
            (self.subject, "What the film shows", "The sampler's run, or how the network learned, step by step"),
            (self.seconds, "Length in seconds", "The whole film takes this long"),
            (self.fps, "Frames a second", "Frames a second"),
            (self.theme, "Theme", "Colours of what is exported"),
        ):
            widget.setAccessibleName(name)
            widget.setToolTip(wrapped(tip))


class PixelBox(QSpinBox):
    """A number of pixels, which must be even for video formats; a typed odd number becomes the next lower even one."""

    def __init__(self) -> None:
        super().__init__()
        # Qt would leave the odd number in the text, because the value stays the same.
        self.editingFinished.connect(lambda: self.lineEdit().setText(self.textFromValue(self.value())))

    def valueFromText(self, text: str) -> int:
        return super().valueFromText(text) // 2 * 2


def _pixels(value: int) -> QSpinBox:
    box = PixelBox()
    box.setRange(64, 7680)
    box.setSingleStep(2)
    box.setValue(value // 2 * 2)
    return box


def _row(*widgets: QWidget, stretch: bool = True) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(UNIT)
    for widget in widgets:
        layout.addWidget(widget)
    if stretch:
        layout.addStretch(1)
    return row


def _duration(seconds: float) -> str:
    seconds = max(round(seconds), 1)
    return f"{seconds} s" if seconds < 90 else f"{seconds // 60}:{seconds % 60:02d} min"
