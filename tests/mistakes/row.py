"""The mistakes users make, one row each: the files, the command, and what the message must say.

In the text of a file ``<!>`` marks the place the message must name, line and column; ``<?>`` marks a
place of which only the line is asked. Most mistakes are not in the config itself but in a template it
extends or includes, or in an inline one, which is where line numbers go wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

EXACT, LINE = "<!>", "<?>"

WORKSPACE = {
    "forgather_workspace/base_directories.yaml": "-- set ns.forgather_dir = workspace_root\n",
    "forgather_workspace/meta_defaults.yaml": """\
-- set ns = namespace()
-- include "base_directories.yaml"
[searchdir]
searchdir:
    [searchdir_project]
    - "{{ joinpath(project_dir, 'templates') }}"
    [searchdir_common]
    - "{{ joinpath(ns.forgather_dir, 'library') }}"
[configs]
""",
    "library/base.yaml": """\
-- set ns = namespace(learning_rate=0.1)
[model]
model: 1

[optimizer]
optimizer:
    lr: {{ ns.learning_rate }}

[main_output]
main: !call:dict { a: 1 }
""",
    "p/meta.yaml": """\
-- extends "meta_defaults.yaml"
[configs]
name: "P"
description: "a project"
default_config: "config.yaml"
""",
    "p/templates/configs/config.yaml": '-- extends "base.yaml"\n',
}

CONFIG = "p/templates/configs/config.yaml"
META = "p/meta.yaml"


@dataclass(frozen=True)
class Mistake:
    """One row.

    files: what the workspace has besides, or instead of, WORKSPACE; None removes a file.
    message, hint: fragments. chain: lines the message must name as the way to the template.
    shown: further fragments of the output. below: the directory to run in.
    """

    name: str
    code: str
    files: dict[str, str | None]
    message: str
    hint: str
    command: str = "pp"
    status: int = 1
    chain: tuple[str, ...] = ()
    shown: tuple[str, ...] = field(default=())
    below: str = "p"


def included(text: str) -> dict[str, str | None]:
    """The mistake is in a file that a block of the config includes."""
    config = '-- extends "base.yaml"\n[model]\n-- include "part.yaml"\n\n'
    return {CONFIG: config, "library/part.yaml": text}


def inline(text: str) -> dict[str, str | None]:
    """The mistake is in an inline template of the config."""
    head = '-- extends "base.yaml"\n\n[model]\n-- include "my.part"\n\n#-------- my.part --------\n'
    return {CONFIG: head + text}


def overriding(text: str) -> dict[str, str | None]:
    """The mistake is in a template between the config and the base."""
    return {
        CONFIG: '-- extends "middle.yaml"\n',
        "library/middle.yaml": '-- extends "base.yaml"\n' + text,
    }


def config(text: str) -> dict[str, str | None]:
    return {CONFIG: text}


INCLUDED = (f"{CONFIG}:3",)
INLINE = (f"{CONFIG}:4",)
EXTENDED = (f"{CONFIG}:1",)
