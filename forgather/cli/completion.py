"""Completion scripts for bash, zsh and fish, made from the table of commands and their parsers.

A script holds commands, options and fixed choices. What depends on the project (configs after ``-t``,
targets after ``--target``, names of tasks) it asks ``forgather completion --configs|--targets|--tasks|--ids``
for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from forgather.cli.parser import Parser
from forgather.make.kinds import KINDS

DOIT_COMMANDS = ("clean", "forget", "graph", "ignore", "info", "list", "run", "why")
# Commands that take names of tasks (and ids of configs), and what else stands in their place.
TASKS = {"build": (), "doit": DOIT_COMMANDS, "watch": (), "why": ()}
TAKES_IDS = ("watch", "why")
DEFAULT = re.compile(r"\s*\(default: (%\(default\)s|[^)]*)\)")


@dataclass(frozen=True)
class Word:
    """One option of a command: its spellings, its help, what may follow it."""

    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One command, or one action of a command (``logs list``)."""

    name: str
    summary: str
    options: tuple[Word, ...]
    actions: tuple[Entry, ...] = ()


def describe(name: str, summary: str, parser: Parser) -> Entry:
    """The words that completion offers for one parser."""
    options = tuple(
        Word(
            names=tuple(action.option_strings),
            help=DEFAULT.sub("", action.help or "").replace("%%", "%"),
            takes_value=action.nargs != 0,
            choices=tuple(map(str, action.choices or ())),
        )
        for action in parser.options()
        if action.option_strings
    )
    actions = tuple(
        describe(child, (sub.description or "").split("\n")[0], sub)
        for child, sub in parser.commands()
    )
    return Entry(name, summary, options, actions)


def render(shell: str, root: Entry) -> str:
    """The script for ``shell``; ``root`` is ``forgather`` itself with its commands as actions."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](root)


def _names(entry: Entry) -> str:
    return " ".join(name for word in entry.options for name in word.names)


def _bash_cases(root: Entry) -> tuple[list[str], list[str]]:
    words, values = [], []
    for entry in root.actions:
        actions = " ".join(action.name for action in entry.actions)
        words.append(f'        {entry.name}) words="{_names(entry)} {actions}" ;;')
        for action in entry.actions:
            words.append(f'        {entry.name}:{action.name}) words="{_names(action)}" ;;')
        for part in (entry, *entry.actions):
            key = entry.name if part is entry else f"{entry.name}:{part.name}"
            for word in part.options:
                if word.choices:
                    keys = "|".join(f"{key}:{name}" for name in word.names)
                    values.append(f'        {keys}) words="{" ".join(word.choices)}" ;;')
    return words, values


def _bash(root: Entry) -> str:
    words, values = _bash_cases(root)
    actions = "|".join(
        f"{entry.name}:{action.name}" for entry in root.actions for action in entry.actions
    )
    return f"""# bash completion for forgather:  source <(forgather completion bash)
_forgather() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
    local command="" scope="" words="" index=1 select=()
    while [ $index -lt $COMP_CWORD ]; do
        case "${{COMP_WORDS[index]}}" in
        -p|--project-dir|-t|--config-template)
            select+=("${{COMP_WORDS[index]}}" "${{COMP_WORDS[index+1]}}"); index=$((index + 1)) ;;
        -*) ;;
        *)
            if [ -z "$command" ]; then command="${{COMP_WORDS[index]}}"; scope="$command"
            else case "$command:${{COMP_WORDS[index]}}" in
                {actions}) scope="$command:${{COMP_WORDS[index]}}" ;; esac
            fi ;;
        esac
        index=$((index + 1))
    done
    case "$previous" in
    -t|--config-template)
        words="$(forgather "${{select[@]}}" completion --configs 2>/dev/null)"
        COMPREPLY=($(compgen -W "$words" -- "$current")); return ;;
    --target)
        words="$(forgather "${{select[@]}}" completion --targets 2>/dev/null)"
        COMPREPLY=($(compgen -W "$words" -- "$current")); return ;;
    -p|--project-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
    -o|--output-file|--output) COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
    case "$scope:$previous" in
{chr(10).join(values)}
    esac
    if [ -z "$words" ] && [[ "$command" =~ ^({"|".join(TASKS)})$ ]]; then
        # The word as it was typed: bash breaks it at colons, and takes what follows the last for all of it
        local typed="${{COMP_LINE:0:COMP_POINT}}"; typed="${{typed##*[[:space:]]}}"
        if [[ "$typed" != -* ]]; then
            local ask=(--tasks "$typed")
            [[ "$command" =~ ^({"|".join(TAKES_IDS)})$ ]] && ask+=(--ids "$typed")
            [ "$command" = doit ] && words="{" ".join(DOIT_COMMANDS)} "
            words+="$(forgather "${{select[@]}}" completion "${{ask[@]}}" 2>/dev/null)"
            COMPREPLY=($(compgen -W "$words" -- "$typed"))
            [[ "$typed" == *:* && "$COMP_WORDBREAKS" == *:* ]] &&
                COMPREPLY=("${{COMPREPLY[@]#"${{typed%:*}}:"}}")
            # a kind may be all of it, or go on with a colon
            [[ "${{COMPREPLY[*]}}" =~ ^({"|".join(KINDS)})$ ]] && compopt -o nospace 2>/dev/null
            return
        fi
    fi
    if [ -z "$words" ]; then
        case "$scope" in
        "") words="{_names(root)} {" ".join(entry.name for entry in root.actions)}" ;;
{chr(10).join(words)}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -F _forgather forgather
"""


def _quote(text: str) -> str:
    return text.replace("'", "").replace("[", "(").replace("]", ")").replace(":", " ")


def _zsh_option(word: Word) -> list[str]:
    value = ""
    if word.takes_value:
        if word.choices:
            value = f":value:({' '.join(word.choices)})"
        elif "--config-template" in word.names:
            value = ":config:_forgather_configs"
        elif "--target" in word.names:
            value = ":target:_forgather_targets"
        elif "--project-dir" in word.names:
            value = ":directory:_files -/"
        else:
            value = ":value:_files"
    return [f"'{name}[{_quote(word.help)}]{value}'" for name in word.names]


def _zsh_targets(command: str) -> str:
    if command not in TASKS:
        return ""
    return "target:_forgather_ids_and_tasks" if command in TAKES_IDS else "target:_forgather_tasks"


def _zsh_case(entry: Entry, indent: str) -> str:
    """What may follow one command; the options of an action follow the action."""
    inner = f"{indent}    "
    options = [text for word in entry.options for text in _zsh_option(word)]
    if not entry.actions:
        what = _zsh_targets(entry.name) or "argument:_files"
        lines = [f"{inner}_arguments", *options, f"'*:{what}' ;;"]
        return f"{indent}{entry.name})\n" + f" \\\n{inner}    ".join(lines)
    names = " ".join(action.name for action in entry.actions)
    rest = [f"'1:action:({names})'", "'*::argument:->action'"]
    head = f" \\\n{inner}    ".join([f"{inner}_arguments -C", *options, *rest])
    cases = "\n".join(_zsh_case(action, f"{inner}    ") for action in entry.actions)
    return (
        f"{indent}{entry.name})\n{head}\n{inner}if [[ $state == action ]]; then\n"
        f"{inner}    case $line[1] in\n{cases}\n{inner}    esac\n{inner}fi ;;"
    )


def _zsh(root: Entry) -> str:
    commands = "\n".join(f"        '{e.name}:{_quote(e.summary)}'" for e in root.actions)
    options = " \\\n".join(f"        {text}" for w in root.options for text in _zsh_option(w))
    cases = "\n".join(_zsh_case(entry, "        ") for entry in root.actions)
    return f"""#compdef forgather
# zsh completion for forgather:  source <(forgather completion zsh)
_forgather_configs() {{ compadd -- ${{(f)"$(forgather completion --configs 2>/dev/null)"}} }}
_forgather_targets() {{ compadd -- ${{(f)"$(forgather completion --targets 2>/dev/null)"}} }}
_forgather_tasks() {{
    compadd -- ${{(f)"$(forgather completion --tasks $PREFIX 2>/dev/null)"}}
    [[ $words[1] == doit ]] && compadd -- {" ".join(DOIT_COMMANDS)}
}}
_forgather_ids_and_tasks() {{
    compadd -- ${{(f)"$(forgather completion --tasks $PREFIX --ids $PREFIX 2>/dev/null)"}}
}}
_forgather() {{
    local context state line curcontext="$curcontext"
    local -a commands=(
{commands}
    )
    _arguments -C \\
{options} \\
        '1:command:->command' \\
        '*::argument:->argument'
    case $state in
    command) _describe command commands ;;
    argument)
        case $line[1] in
{cases}
        esac ;;
    esac
}}
compdef _forgather forgather
"""


def _fish_option(word: Word, condition: str) -> str:
    parts = [f"complete -c forgather -n '{condition}'"]
    for name in word.names:
        parts.append(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}")
    if word.takes_value:
        parts.append("-r")
    if word.choices:
        parts.append(f"-f -a '{' '.join(word.choices)}'")
    elif "--config-template" in word.names:
        parts.append("-f -a '(forgather completion --configs 2>/dev/null)'")
    elif "--target" in word.names:
        parts.append("-f -a '(forgather completion --targets 2>/dev/null)'")
    return " ".join([*parts, f"-d '{_quote(word.help)}'"])


def _fish_action(entry: Entry, condition: str) -> str:
    summary = _quote(entry.summary)
    return f"complete -c forgather -f -n '{condition}' -a {entry.name} -d '{summary}'"


def _fish_targets(command: str, seen: str) -> list[str]:
    if command not in TASKS:
        return []
    ids = " --ids (commandline -ct)" if command in TAKES_IDS else ""
    ask = f"(forgather completion --tasks (commandline -ct){ids} 2>/dev/null)"
    words = " ".join([*TASKS[command], ask])
    return [f"complete -c forgather -f -n '{seen}' -a '{words}'"]


def _fish(root: Entry) -> str:
    lines = ["# fish completion for forgather:  forgather completion fish | source"]
    lines += [_fish_option(word, "__fish_use_subcommand") for word in root.options]
    for entry in root.actions:
        lines.append(_fish_action(entry, "__fish_use_subcommand"))
        seen = f"__fish_seen_subcommand_from {entry.name}"
        lines += [_fish_option(word, seen) for word in entry.options]
        lines += _fish_targets(entry.name, seen)
        for action in entry.actions:
            lines.append(_fish_action(action, seen))
            inner = f"{seen}; and __fish_seen_subcommand_from {action.name}"
            lines += [_fish_option(word, inner) for word in action.options]
    return "\n".join(lines) + "\n"
