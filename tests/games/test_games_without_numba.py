"""Without the extra the package works, and compiled games say in one line what is missing."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = "import sys; sys.modules['numba'] = None; import sounding.games.game; import sounding.cli\n"


def test_one_line_names_the_extra():
    code = WITHOUT + (
        "from sounding.errors import UsageError\n"
        "try:\n    import sounding.games.connect4\n"
        "except UsageError as error:\n    print(error)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert found.stderr == ""
    assert "numba, which is missing. Install it: pip install 'sounding[games]'" in found.stdout
    assert found.stdout.count("\n") == 1
