"""Projects: create one in a workspace, show it, add configs to it."""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import say, to_json
from forgather.cli.parser import Parser, add_format_option, add_subcommands
from forgather.view.index import meta_data
from forgather.view.tables import text_table


def configure(parser: Parser) -> None:
    actions = add_subcommands(parser)
    _configure_create(
        actions.add_parser(
            "create",
            help="create a project",
            description="Create a project in the workspace around -p: README.md, meta.yaml and a "
            "default config.",
        )
    )
    show = actions.add_parser(
        "show", help="show the project", description="Show the project's names and places."
    )
    add_format_option(show, "text", "json")
    config = actions.add_parser(
        "new_config",
        help="add a config or template",
        description="Add a config or a template, empty or a copy of a file.",
    )
    config.add_argument("name", metavar="NAME", help="name of the new file")
    config.add_argument("copy_from", nargs="?", metavar="FILE", help="file to copy")
    config.add_argument(
        "--type",
        choices=("config", "project", "ws"),
        default="config",
        help="where it goes: the project's configs, its templates, or the workspace "
        "(default: %(default)s)",
    )


def _configure_create(parser: Parser) -> None:
    parser.add_argument("--name", required=True, help="name of the project")
    parser.add_argument("--description", required=True, help="what it is for, in one line")
    parser.add_argument(
        "--config-prefix",
        default="configs",
        metavar="DIR",
        help="folder of the configs, below templates (default: %(default)s)",
    )
    parser.add_argument(
        "--default-config",
        default="default.yaml",
        metavar="NAME",
        help="name of the default config (default: %(default)s)",
    )
    parser.add_argument(
        "--project-dir-name", metavar="NAME", help="its directory (default: the name in lower case)"
    )
    parser.add_argument(
        "copy_from", nargs="?", metavar="FILE", help="config to copy as the default config"
    )


def run(context: Context, args: Namespace) -> int:
    return {"create": _create, "show": _show, "new_config": _new_config}[args.action](context, args)


def _create(context: Context, args: Namespace) -> int:
    from forgather.workspace.create import create_project

    path = create_project(
        args.name,
        args.description,
        parent=context.start,
        directory=args.project_dir_name,
        config_prefix=args.config_prefix,
        default_config=args.default_config,
        copy_from=args.copy_from,
    )
    say(f"Created project {args.name!r} in {path}")
    return 0


def _show(context: Context, args: Namespace) -> int:
    data = meta_data(context.meta)
    if args.format == "json":
        say(to_json(data))
        return 0
    rows = [
        ("Project Name:", data["name"]),
        ("Description:", data["description"] or ""),
        ("Default Config:", data["default_config"]),
        ("Project Directory:", data["project_dir"]),
        ("Workspace Root:", data["workspace_root"]),
        ("Config Prefix:", data["config_prefix"]),
    ]
    rows += [
        ("Search Path:" if not number else "", path)
        for number, path in enumerate(data["searchpath"])
    ]
    say(text_table(rows))
    return 0


def _new_config(context: Context, args: Namespace) -> int:
    from forgather.workspace.create import create_config

    path = create_config(
        context.project_dir,
        args.name,
        kind=args.type,
        copy_from=args.copy_from,
        config_prefix=context.meta.config_prefix,
    )
    say(f"Created {path}")
    return 0
