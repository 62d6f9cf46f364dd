"""Mistakes in meta.yaml, in the workspace and on the command line."""

from __future__ import annotations

from tests.mistakes.row import (
    CONFIG,
    META,
    WORKSPACE,
    Mistake,
    included,
)

SPACE_META = "forgather_workspace/meta_defaults.yaml"
WRONG_LIBRARY: dict[str, str | None] = {
    "forgather_workspace/base_directories.yaml": "-- set ns.forgather_dir = '/no/such/place'\n"
}
DYNAMIC = "dynamic_args:\n    - names: --width\n      type: int\n"
PROJECTS = [
    Mistake(
        "dynamic argument of the wrong type",
        "FG151",
        included("dynamic_args:\n    - <?>names: --width\n      type: int\n"),
        "--width takes a value of type int, not 'wide'",
        "defined by the config",
        command="pp --width wide",
        status=2,
    ),
    Mistake(
        "dynamic argument that does not exist",
        "FG001",
        included(DYNAMIC),
        "unrecognized arguments: --widht",
        "did you mean '--width'?",
        command="pp --widht 1",
        status=2,
    ),
    Mistake(
        "dynamic argument of an unknown type",
        "FG150",
        included("dynamic_args:\n    - <?>names: --width\n      type: itn\n"),
        "unknown type 'itn'",
        "did you mean 'int'?",
    ),
    Mistake(
        "meta.yaml missing",
        "FG501",
        {META: None},
        "no project was found at or above",
        "a project is a directory with a meta.yaml",
    ),
    Mistake(
        "no workspace above",
        "FG502",
        {name: None for name in WORKSPACE if name.startswith("forgather_workspace")},
        "'forgather_workspace'",
        "forgather ws create",
    ),
    Mistake(
        "forgather_dir wrong, found by check",
        "FG512",
        WRONG_LIBRARY
        | {
            SPACE_META: WORKSPACE[SPACE_META].replace(
                '    - "{{ joinpath(ns', '    - <?>"{{ joinpath(ns'
            )
        },
        "there is no directory /no/such/place/library",
        "base_directories.yaml:1",
        command="check",
    ),
    Mistake(
        "forgather_dir wrong, so that nothing is found",
        "FG103",
        WRONG_LIBRARY | {CONFIG: "-- extends '<!>base.yaml'\n"},
        "'base.yaml' not found",
        "ns.forgather_dir is set at ",
        shown=("there is no directory /no/such/place/library", "base_directories.yaml:1"),
    ),
    Mistake(
        "meta.yaml with a mistake in a template it includes",
        "FG101",
        {
            "forgather_workspace/base_directories.yaml": "\n-- set ns.forgather_dir = joinpath(<!>workspaceroot)\n"
        },
        "'workspaceroot' is undefined",
        "did you mean 'workspace_root'?",
        chain=("forgather_workspace/meta_defaults.yaml:2",),
    ),
    Mistake(
        "meta.yaml with a value of the wrong type",
        "FG503",
        {META: WORKSPACE[META] + "<?>system_path: [a]\n"},
        "'system_path' must be a string",
        "",
    ),
    Mistake(
        "meta.yaml that calls something",
        "FG503",
        {META: WORKSPACE[META] + "system_path: <!>!call:os:getcwd []\n"},
        "meta.yaml is plain data",
        "give the value itself",
    ),
    Mistake(
        "config that does not exist",
        "FG505",
        {},
        "project 'P' has no config 'confg.yaml'",
        "did you mean 'config.yaml'?",
        command="-t confg.yaml pp",
    ),
    Mistake(
        "default config that does not exist",
        "FG505",
        {META: WORKSPACE[META].replace('default_config: "config', '<?>default_config: "confg')},
        "project 'P' has no config 'confg.yaml'",
        "did you mean 'config.yaml'?",
    ),
    Mistake(
        "project without configs",
        "FG504",
        {CONFIG: None, META: "-- extends 'meta_defaults.yaml'\n[configs]\nname: P\n"},
        "project 'P' has no config",
        "templates/configs",
    ),
    Mistake(
        "unknown command",
        "FG002",
        {},
        "'tragets'",
        "did you mean 'targets'?",
        command="tragets",
        status=2,
    ),
]
