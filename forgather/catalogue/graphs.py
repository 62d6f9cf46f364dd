"""FG3xx: the parsed config, as a graph and while objects are built from it; FG4xx: code from it."""

from __future__ import annotations

from forgather.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "FG300",
        "the parsed config is not a sound graph",
        "A node holds something that it cannot hold, such as a search path that is not a list.",
        "a: !call:dict { submodule_searchpath: [ 1 ] }\n",
        "Correct the value at the place shown.",
        how="told",
    ),
    Entry(
        "FG301",
        "a value of a type that configs cannot hold",
        "A graph holds strings, numbers, booleans, None, lists, tuples, mappings and nodes. Text cannot "
        "bring anything else in, a graph made in Python can.",
        "a: !!set { x }\n",
        "Use one of these types; anything else is made by a node that calls its constructor.",
        how="told",
    ),
    Entry(
        "FG302",
        "two nodes with one name",
        "Two different nodes carry the same `@name`. Names become variables of generated code, so each "
        "belongs to one node.",
        "a: !call:dict@x {}\nb: !call:list@x []\n",
        "Rename one, or refer to the first by an alias if one object is meant.",
    ),
    Entry(
        "FG303",
        "a malformed import spec",
        "An import spec is the name of a builtin, `module:symbol`, `.module:symbol` (looked up in "
        "`submodule_searchpath`) or `path/file.py:symbol`, with one colon.",
        "a: !call:os:path:join [ a, b ]\n",
        "Write one colon, between module and symbol: `os:path.join`.",
        how="check",
    ),
    Entry(
        "FG304",
        "a module, file or attribute that does not exist",
        "The import spec is well formed and leads nowhere: the module is not installed, the file is not "
        "there, or it has no such name.",
        "a: !call:collections:OrderedDct {}\n",
        "The message names the nearest that exists. `forgather check` finds these without importing "
        "anything.",
        how="check",
    ),
    Entry(
        "FG305",
        "a variable without a value",
        "A `!var` without default is built, and no value was given for it.",
        "a: !call:dict { steps: !var max_steps }\n",
        'Give a value (`proj("a", max_steps=10)`), or a default: '
        "`!var { name: max_steps, default: 10 }`.",
        how="construct",
    ),
    Entry(
        "FG306",
        "a target that does not exist",
        "What was asked for is not one of the top-level keys of the config. Keys that begin with a dot "
        "are not targets.",
        "forgather code --target modle",
        "`forgather targets` lists the targets. The message names the nearest.",
        {"templates/configs/config.yaml": "model: !call:dict {}\n"},
        "command",
    ),
    Entry(
        "FG307",
        "a constructor that failed",
        "The callable was found, and raised an exception when it was called. The cause is its own "
        "exception, with its traceback.",
        "a: !call:int [ 'many' ]\n",
        "Read the cause. The message shows the place in the graph and the line of the template.",
        how="construct",
    ),
    Entry(
        "FG308",
        "arguments that do not fit the constructor",
        "The constructor has no parameter of this name, or one without default is missing. A `!partial` "
        "may leave arguments out.",
        "a: !call:textwrap:shorten { text: 'a', widht: 10 }\n",
        "The message names the nearest parameter. `forgather check` reads signatures from source, and "
        "builds nothing.",
        how="check",
    ),
    Entry(
        "FG309",
        "a module or file that fails while it is imported",
        "The module exists, and its own code raises while it is imported.",
        "a: !call:parts.py:Part {}\n",
        "Mend the module; its own traceback is shown below the message.",
        how="told",
    ),
    Entry(
        "FG310",
        "an import spec of something that cannot be called",
        "The spec names a module, a constant or another object that is no class or function.",
        "a: !call:math:pi []\n",
        "Name a callable. For the value itself: `!call:getattr [ !call:importlib:import_module "
        "[ math ], pi ]`.",
        how="construct",
    ),
    Entry(
        "FG311",
        "a value that contains itself",
        "A graph made in Python has a cycle; the message gives its path. In text this is FG211.",
        "loop = []\nloop.append(loop)\n",
        "Break the cycle.",
        how="told",
    ),
    Entry(
        "FG312",
        "values nested too deep",
        "A graph made in Python is nested beyond what can be walked. In text this is FG219.",
        "graph = 1\nfor _ in range(10_000):\n    graph = [graph]\n",
        "Make it flatter.",
        how="told",
    ),
    Entry(
        "FG313",
        "aliases of plain containers that stand for too many values",
        "Plain lists and mappings are copied at each alias, so a few nested aliases can stand for "
        "millions of values.",
        "a: &a [ 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 ]\n"
        + "".join(
            f"{name}: &{name} [ {', '.join(['*' + of] * 10)} ]\n"
            for of, name in zip("abcdef", "bcdefg", strict=True)
        ),
        "Make the repeated container a node (`!list`, `!dict`): nodes are shared, not copied.",
    ),
    Entry(
        "FG400",
        "a graph that cannot be turned into code",
        "Code generation needs what is not there: a name that is no Python name, a part that comes from "
        "no file, a template that does not exist.",
        "forgather code --template missing.py.jinja",
        "The message says what is missing, and where in the graph.",
        how="told",
    ),
)
