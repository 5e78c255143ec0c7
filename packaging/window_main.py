"""Where the window's program begins, in a bundle."""

import multiprocessing
import sys
from types import ModuleType

if __name__ == "__main__":
    multiprocessing.freeze_support()
    # pyqtgraph imports it for drawing with OpenGL, which is off. It would be 9 MB.
    sys.modules["PySide6.QtOpenGL"] = ModuleType("PySide6.QtOpenGL")
    from gui.app import main

    sys.exit(main())
