"""``python -m forgather.cli``: the same as ``forgather``."""

import sys

from forgather.cli.main import main

sys.exit(main())
