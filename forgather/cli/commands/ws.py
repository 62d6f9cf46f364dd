"""Workspaces: directories with a ``forgather_workspace`` that their projects share."""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import say
from forgather.cli.parser import Parser, add_subcommands


def configure(parser: Parser) -> None:
    actions = add_subcommands(parser)
    create = actions.add_parser(
        "create",
        help="create a workspace",
        description="Create a workspace: README.md, base_directories.yaml and meta_defaults.yaml "
        "in DIR/forgather_workspace.",
    )
    create.add_argument("--name", required=True, help="name of the workspace")
    create.add_argument("--description", required=True, help="what it is for, in one line")
    create.add_argument(
        "--forgather-dir", metavar="DIR", help="Forgather's own directory (default: the one in use)"
    )
    create.add_argument(
        "-l",
        "--lib",
        action="append",
        default=[],
        metavar="LIB",
        help="library of templates to search, below templatelib (again for more; default: all)",
    )
    create.add_argument(
        "--search-path",
        action="append",
        default=[],
        metavar="DIR",
        help="directory of templates to search before the libraries (again for more)",
    )
    create.add_argument(
        "workspace_dir",
        nargs="?",
        metavar="DIR",
        help="where to create it (default: the name in lower case, below -p)",
    )


def run(context: Context, args: Namespace) -> int:
    from forgather.resources import forgather_dir
    from forgather.workspace.create import create_workspace

    path = create_workspace(
        args.name,
        args.description,
        parent=context.start,
        directory=args.workspace_dir,
        forgather_dir=args.forgather_dir or str(forgather_dir()),
        libraries=args.lib,
        search_path=args.search_path,
    )
    say(f"Created workspace {args.name!r} in {path}")
    return 0
