"""Pictures from plain arrays with QPainter: the same code paints the screen and the video."""
