"""pyqtgraph: what its modules import by name, and none of its own looks for other things.

Takes the place of the community's hook, which imports every example.
"""

hiddenimports = [
    "pyqtgraph.graphicsItems.PlotItem.plotConfigTemplate_generic",
    "pyqtgraph.graphicsItems.ViewBox.axisCtrlTemplate_generic",
    "pyqtgraph.imageview.ImageViewTemplate_generic",
]
