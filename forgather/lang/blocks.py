"""Block headers: a line ``[name]`` opens a block, and the next header closes it.

* A header closes every open block that is indented as much as it or more; the end of the template
  closes all. Lines of text never close a block.
* ``[name!]`` also trims white space around the block's text.
* The closing tags are put at the end of the last line before the header, so no line is added. If that
  line is not empty, a newline is put between. Each block ends with one newline of its own.
* The indentation of a header says only what is nested in what; it is not added to the text.

``[ name ]``, with blanks, is a YAML list, and so is anything that is not one plain word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_HEADER = re.compile(r"(\s*)\[([^\W\d]\w*)(!*)\]\s*")


def expand(lines: Iterable[tuple[str, bool]]) -> str:
    """The text with headers replaced by Jinja blocks; takes what :func:`sugar.translate` gives."""
    done: list[str] = []
    opened: list[tuple[int, str, bool]] = []  # (indentation, name, trimmed)
    for line, continued in lines:
        match = None if continued or "[" not in line else _HEADER.fullmatch(line)
        if match is None:
            done.append(line)
            continue
        indent, name, trimmed = len(match[1]), match[2], bool(match[3])
        while opened and opened[-1][0] >= indent:
            _close(done, *opened.pop()[1:])
        opened.append((indent, name, trimmed))
        done.append(("{% filter trim %}" if trimmed else "") + f"{{% block {name} %}}")
    while opened:
        _close(done, *opened.pop()[1:])
    return "\n".join(done)


def _close(done: list[str], name: str, trimmed: bool) -> None:
    newline = "{{'\\n'}}" if done[-1] else ""
    end = "{% endfilter %}" if trimmed else ""
    done[-1] += f"{newline}{{% endblock {name} +%}}{end}"
