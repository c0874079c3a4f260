"""The napari plugin: the only part that imports napari, qtpy or magicgui."""
