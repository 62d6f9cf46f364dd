"""The caches that checkouts and machines share: serve one, upload to it, see how it is set up.

docs/cache.md tells how they work and whom they trust.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forgather.cli.amounts import parse_size
from forgather.cli.context import Context
from forgather.cli.output import note, say, to_json
from forgather.cli.parser import Parser, add_format_option, add_subcommands
from forgather.cli.tasks import build_root_of
from forgather.errors import ProjectError, UsageError

if TYPE_CHECKING:
    from forgather.make.cache.settings import CacheSettings
    from forgather.make.storage.disk_cache import DiskCache


def configure(parser: Parser) -> None:
    actions = add_subcommands(parser)
    _configure_serve(
        actions.add_parser(
            "serve",
            help="serve a directory as a remote cache",
            description="Serve a directory as a remote cache, over plain HTTP. Without a read token "
            "everyone may read;\nwithout a write token nobody may write.",
        )
    )
    push = actions.add_parser(
        "push",
        help="upload what is waiting to be uploaded, and wait for it",
        description="Upload what builds in this checkout made and is not on the remote cache yet. "
        "Builds do it in the\nbackground; this waits, and fails (exit code 1) where something could not "
        "go.",
    )
    push.add_argument(
        "--patience",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="time to lose to a server that does not keep up (default: %(default)g)",
    )
    status = actions.add_parser(
        "status",
        help="show where the caches are, what they hold, and whether the remote answers",
        description="Show where the caches are, what they hold, and whether the remote one answers.",
    )
    add_format_option(status, "text", "json")


def _configure_serve(parser: Parser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8095, help="port; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--directory",
        metavar="DIR",
        default="forgather-cache",
        help="where entries and blobs are kept (default: ./%(default)s)",
    )
    parser.add_argument(
        "--max-size", metavar="SIZE", help="refuse uploads beyond this, as 500M or 20G"
    )
    for kind, what in (("read", "read"), ("write", "read and write")):
        parser.add_argument(
            f"--{kind}-token",
            action="append",
            default=[],
            metavar="TOKEN",
            help=f"who sends this may {what} (again for more); other users can see it in the "
            "list of processes",
        )
        parser.add_argument(
            f"--{kind}-token-file",
            action="append",
            default=[],
            metavar="FILE",
            help=f"file of tokens that may {what}, one a line",
        )


def run(context: Context, args: Namespace) -> int:
    return {"serve": _serve, "push": _push, "status": _status}[args.action](context, args)


# serve


def _serve(context: Context, args: Namespace) -> int:
    from forgather.make.cache.server import Access, CacheServer

    access = Access(
        args.read_token + _tokens(args.read_token_file),
        args.write_token + _tokens(args.write_token_file),
    )
    directory, size = Path(args.directory).absolute(), args.max_size
    max_size = parse_size(size, "--max-size", "FG622") if size is not None else None
    try:
        server = CacheServer(directory, access, host=args.host, port=args.port, max_size=max_size)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot listen on {args.host}, port {args.port}: {reason}"
        raise UsageError(message, code="FG622") from error
    readers = "everyone" if access.is_open else "tokens"
    writers = "nobody" if access.is_read_only else "tokens"
    say(f"serving {directory} at {server.url} (reads: {readers}, writes: {writers})")
    if access.is_read_only:
        note("no --write-token: nothing can be uploaded")
    sys.stdout.flush()
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("stopped")
    return 0


def _tokens(files: list[str]) -> list[str]:
    """The tokens in files, without empty lines and ``#`` comments."""
    found = []
    for name in files:
        try:
            lines = Path(name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{name} cannot be read: {error}", code="FG622") from error
        tokens = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if not tokens:
            raise UsageError(f"there is no token in {name}", code="FG622")
        found += tokens
    return found


# push and status


def _root(context: Context) -> Path | None:
    """The build root for ``-p``; outside of one only the environment counts."""
    try:
        return build_root_of(context)
    except ProjectError:
        return None


def _push(context: Context, args: Namespace) -> int:
    from forgather.make.cache.pusher import PUSH_RATE
    from forgather.make.cache.settings import CacheSettings, store_folder
    from forgather.make.storage.disk_cache import DiskCache

    root = _root(context)
    if root is None:
        raise UsageError(
            "there is no workspace here whose builds could be uploaded",
            hint="go to one, or name it with -p",
            code="FG622",
        )
    settings = CacheSettings.load(os.environ, root)
    if settings.url is None:
        raise UsageError(
            "there is no remote cache to upload to", hint="set FORGATHER_CACHE_URL", code="FG622"
        )
    if not settings.writes:
        raise UsageError(
            f"the remote cache {settings.url} is used read-only",
            hint="set FORGATHER_CACHE_MODE=read-write",
            code="FG622",
        )
    outbox, remote = settings.outbox(root), settings.remote(patience=args.patience, rate=PUSH_RATE)
    assert outbox is not None and remote is not None  # there is a remote that may be written to
    done = outbox.push(DiskCache(store_folder(root)), remote, settings.signer())
    remote.close()
    say(f"{settings.url}: {done}")
    return 1 if done is None or done.failed else 0


def _status(context: Context, args: Namespace) -> int:
    from forgather.make.cache.settings import CacheSettings

    root = _root(context)
    settings = CacheSettings.load(os.environ, root)
    found = _facts(settings, root)
    if args.format == "json":
        say(to_json(found))
        return 0
    directory, remote = found["directory"], found["remote"]
    if directory is None:
        say("per-user cache: off")
    else:
        say(f"per-user cache: {directory['path']}")
        say(
            f"    {directory['entries']} entries, {directory['blobs']} blobs, {directory['bytes']} bytes"
        )
    if remote is None:
        say("remote cache: none (FORGATHER_CACHE_URL is not set)")
        return 0
    say(f"remote cache: {remote['url']} (from {remote['source']}), {remote['mode']}")
    say(f"    {remote['trouble'] or 'it answers'}")
    say(f"    credentials: {remote['credentials']}")
    say(f"    entries must be signed: {'yes' if remote['signed'] else 'no'}")
    if remote["waiting"] is not None:
        say(f"    waiting to be uploaded: {remote['waiting']}")
    return 0


def _facts(settings: CacheSettings, root: Path | None) -> dict[str, Any]:
    from forgather.make.storage.disk_cache import DiskCache

    directory = None
    if settings.directory is not None:
        directory = {"path": str(settings.directory), **_sizes(DiskCache(settings.directory))}
    remote = settings.remote(patience=5.0, warn=lambda message: None)
    if remote is None:
        return {"directory": directory, "remote": None}
    outbox = settings.outbox(root) if root is not None else None
    return {
        "directory": directory,
        "remote": {
            "url": settings.url,
            "source": settings.source,
            "mode": settings.mode,
            "trouble": remote.probe(),
            "credentials": settings.credentials,
            "signed": settings.key is not None,
            "waiting": len(outbox.keys()) if outbox is not None else None,
        },
    }


def _sizes(cache: DiskCache) -> dict[str, int]:
    counts = {"entries": 0, "blobs": 0, "bytes": 0}
    for name, counted in (("ac", "entries"), ("cas", "blobs")):
        folder = cache.root / name
        for path in folder.iterdir() if folder.is_dir() else ():
            counts[counted] += 1
            counts["bytes"] += path.stat().st_size
    return counts
