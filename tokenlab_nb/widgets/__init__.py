"""What the user sees: the only folder with ipywidgets, anywidget and IPython."""
