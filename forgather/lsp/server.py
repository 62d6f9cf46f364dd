"""The protocol side: pygls, positions in the client's units, and which request asks for what.

Answers need renders, so they are worked out in threads; checks of one save run one after the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from forgather.errors import Span
from forgather.lsp import completion, definition, diagnostics
from forgather.lsp.hover import hover
from forgather.lsp.outline import Outline, Spot
from forgather.lsp.projects import Projects
from forgather.view.check.findings import Finding

TRIGGERS = ["'", '"', "[", "!", ":", ".", "*", "/"]
SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "note": types.DiagnosticSeverity.Information,
}
KINDS = {
    "template": types.CompletionItemKind.File,
    "block": types.CompletionItemKind.Struct,
    "tag": types.CompletionItemKind.Keyword,
    "spec": types.CompletionItemKind.Module,
    "anchor": types.CompletionItemKind.Reference,
}
Find = Callable[[Projects, str, Outline, Spot], list[Span]]
PLACES: dict[str, Find] = {
    types.TEXT_DOCUMENT_DEFINITION: lambda *asked: definition.definitions(*asked)[:1],
    types.TEXT_DOCUMENT_IMPLEMENTATION: definition.overrides,
    types.TEXT_DOCUMENT_REFERENCES: definition.all_places,
}


class Server(LanguageServer):
    """Holds what is known between requests."""

    def __init__(self) -> None:
        super().__init__("forgather", metadata.version("forgather"))
        self.projects = Projects()
        self.diagnostics = diagnostics.Diagnostics(self.projects)
        self.checking = threading.Lock()

    def start(self, folders: list[str]) -> None:
        self.projects.folders = folders

    def publish(self, path: str) -> None:
        """Check what uses the file and tell the client."""
        with self.checking:
            for file, findings in self.diagnostics.check(path).items():
                uri = uris.from_fs_path(file)
                assert uri is not None
                if _same_file(file, path):
                    uri = self._open_uri(path) or uri
                document = self.workspace.get_text_document(uri)
                self.text_document_publish_diagnostics(
                    types.PublishDiagnosticsParams(
                        uri, [_diagnostic(document, finding) for finding in findings]
                    )
                )

    def _open_uri(self, path: str) -> str | None:
        """The client's own spelling of a file that it has open."""
        for uri, document in self.workspace.text_documents.items():
            if document.path and _same_file(document.path, path):
                return uri
        return None

    def asked(
        self, params: types.TextDocumentPositionParams
    ) -> tuple[str, Outline, types.Position, TextDocument]:
        """Path, outline, and the position in characters."""
        document = self.workspace.get_text_document(params.text_document.uri)
        position = document.position_from_client_units(params.position)
        return document.path, Outline(document.source), position, document

    def location(self, span: Span) -> types.Location | None:
        if span.path is None:
            return None
        uri = uris.from_fs_path(span.path)
        assert uri is not None
        line, column = span.line - 1, (span.column or 1) - 1
        start = types.Position(line, column)
        return types.Location(uri, types.Range(start, start))

    def locations(self, spans: list[Span]) -> list[types.Location]:
        return [found for span in spans if (found := self.location(span)) is not None]


def _same_file(one: str, other: str) -> bool:
    return Path(one).resolve() == Path(other).resolve()


def _diagnostic(document: TextDocument, finding: Finding) -> types.Diagnostic:
    try:
        lines = document.lines
    except (OSError, UnicodeDecodeError):
        lines = []
    line, start, end = diagnostics.extent(finding, lines)
    shown = types.Range(types.Position(line, start), types.Position(line, end))
    if line < len(lines):
        shown = document.range_to_client_units(shown)
    return types.Diagnostic(
        range=shown,
        message=diagnostics.message(finding),
        severity=SEVERITIES[finding.level],
        code=finding.code,
        source="forgather",
    )


def make_server() -> Server:
    server = Server()

    @server.feature(types.INITIALIZED)
    def initialized(ls: Server, params: types.InitializedParams) -> None:
        folders = [uris.to_fs_path(folder.uri) for folder in ls.workspace.folders.values()]
        if not folders and ls.workspace.root_path:
            folders = [ls.workspace.root_path]
        ls.start([folder for folder in folders if folder])

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    @server.thread()
    def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
        ls.publish(ls.workspace.get_text_document(params.text_document.uri).path)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    @server.thread()
    def did_save(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
        ls.publish(ls.workspace.get_text_document(params.text_document.uri).path)

    _register_places(server)
    _register_texts(server)
    return server


def _register_places(server: Server) -> None:
    for request, find in PLACES.items():
        _register_place(server, request, find)


def _register_place(server: Server, request: str, find: Find) -> None:
    @server.feature(request)
    @server.thread()
    def places(ls: Server, params: types.TextDocumentPositionParams) -> list[types.Location]:
        path, outline, position, _ = ls.asked(params)
        spot = outline.at(position.line, position.character)
        return ls.locations(find(ls.projects, path, outline, spot)) if spot is not None else []


def _register_texts(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    @server.thread()
    def show(ls: Server, params: types.HoverParams) -> types.Hover | None:
        path, outline, position, document = ls.asked(params)
        spot = outline.at(position.line, position.character)
        text = hover(ls.projects, path, outline, spot) if spot is not None else None
        if spot is None or text is None:
            return None
        content = types.MarkupContent(types.MarkupKind.Markdown, text)
        return types.Hover(content, _range(document, spot.line, spot.start, spot.end))

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=TRIGGERS)
    )
    @server.thread()
    def complete(ls: Server, params: types.CompletionParams) -> types.CompletionList:
        path, outline, position, document = ls.asked(params)
        found = completion.completions(
            ls.projects, path, outline, position.line, position.character
        )
        items = [_item(document, position, candidate) for candidate in found]
        return types.CompletionList(is_incomplete=False, items=items)


def _item(
    document: TextDocument, position: types.Position, candidate: completion.Candidate
) -> types.CompletionItem:
    start = position.character - len(candidate.typed)
    replaced = _range(document, position.line, start, position.character)
    return types.CompletionItem(
        label=candidate.text,
        kind=KINDS[candidate.kind],
        detail=candidate.detail or None,
        text_edit=types.TextEdit(replaced, candidate.text),
    )


def _range(document: TextDocument, line: int, start: int, end: int) -> types.Range:
    shown = types.Range(types.Position(line, start), types.Position(line, end))
    return document.range_to_client_units(shown)
