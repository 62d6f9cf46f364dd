"""A small reader of TextMate grammars: enough to say which scopes a piece of a line gets.

Knows match, begin/end with back references, captures with names or patterns, and includes within one
grammar. Patterns are Python's ``re``, so a grammar tested here must keep to what Python and Oniguruma
have in common; that is worth having anyway.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Rule = dict[str, Any]


@dataclass(frozen=True)
class Token:
    text: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class _Open:
    """A begin/end rule that is open, with the pattern that closes it."""

    rule: Rule
    end: re.Pattern[str]
    scopes: tuple[str, ...]


class Grammar:
    def __init__(self, path: Path) -> None:
        self.data: Rule = json.loads(path.read_text(encoding="utf-8"))
        self.repository: dict[str, Rule] = self.data["repository"]

    def tokenize(self, text: str) -> list[list[Token]]:
        """The tokens of each line."""
        stack: list[_Open] = []
        return [self._line(line, stack) for line in text.split("\n")]

    def rules(self) -> Iterator[Rule]:
        """Every rule of the grammar, for checks of its form."""
        todo: list[Rule] = [self.data, *self.repository.values()]
        while todo:
            rule = todo.pop()
            yield rule
            todo += rule.get("patterns", [])
            for kind in ("captures", "beginCaptures", "endCaptures"):
                todo += rule.get(kind, {}).values()

    def _line(self, line: str, stack: list[_Open]) -> list[Token]:
        tokens: list[Token] = []
        position = 0
        while True:
            base = (self.data["scopeName"], *(scope for each in stack for scope in each.scopes))
            found = self._next(line, position, stack)
            if found is None:
                tokens.append(Token(line[position:], base))
                break
            match, rule = found
            tokens.append(Token(line[position : match.start()], base))
            tokens += self._matched(match, rule, base, stack)
            position = match.end()
        return [token for token in tokens if token.text]

    def _matched(self, match: re.Match[str], rule: Rule | None, base, stack) -> list[Token]:
        """Tokens of what matched; opens or closes a rule."""
        if rule is None:
            captures = stack.pop().rule.get("endCaptures", {})
            return self._captured(match, captures, base)
        scopes = (rule["name"],) if "name" in rule else ()
        if "begin" not in rule:
            return self._captured(match, rule.get("captures", {}), base + scopes)
        end = re.sub(r"\\(\d)", lambda group: re.escape(match[int(group[1])]), rule["end"])
        stack.append(_Open(rule, _compiled(end), scopes))
        return self._captured(match, rule.get("beginCaptures", {}), base + scopes)

    def _next(self, line: str, position: int, stack: list[_Open]):
        """The first match from here, and its rule; None for the rule that is open closes it."""
        best: tuple[re.Match[str], Rule | None] | None = None
        if stack and (match := stack[-1].end.search(line, position)):
            best = match, None
        patterns = stack[-1].rule.get("patterns", []) if stack else self.data["patterns"]
        for rule in self._flat(patterns):
            match = _compiled(rule.get("match") or rule["begin"]).search(line, position)
            if match and (best is None or match.start() < best[0].start()):
                best = match, rule
        return best

    def _flat(self, patterns: list[Rule]) -> Iterator[Rule]:
        for rule in patterns:
            if "include" in rule:
                rule = self.repository[rule["include"].removeprefix("#")]
            if "match" in rule or "begin" in rule:
                yield rule
            else:
                yield from self._flat(rule["patterns"])

    def _captured(self, match: re.Match[str], captures: Rule, base) -> list[Token]:
        tokens: list[Token] = []
        base += (captures["0"]["name"],) if "0" in captures else ()
        position = match.start()
        for number in range(1, (match.re.groups or 0) + 1):
            capture = captures.get(str(number))
            if capture is None or not match[number]:
                continue
            tokens.append(Token(match.string[position : match.start(number)], base))
            if "patterns" in capture:
                tokens += self._inner(match[number], capture["patterns"], base)
            else:
                tokens.append(Token(match[number], (*base, capture["name"])))
            position = match.end(number)
        tokens.append(Token(match.string[position : match.end()], base))
        return [token for token in tokens if token.text]

    def _inner(self, text: str, patterns: list[Rule], base) -> list[Token]:
        inner = Grammar.__new__(Grammar)
        inner.data = {"scopeName": base[-1], "patterns": patterns}
        inner.repository = self.repository
        return [Token(token.text, base + token.scopes[1:]) for token in inner._line(text, [])]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
