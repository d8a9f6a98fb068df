"""Small charts painted by hand, one a file: cheap enough to follow training at thirty pictures a second."""
