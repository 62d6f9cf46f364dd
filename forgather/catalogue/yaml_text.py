"""FG2xx: the templates rendered, and what came out is not the YAML it should be.

Places in these messages are of the templates: the line that made the offending line of the output.
"""

from __future__ import annotations

from forgather.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "FG201",
        "the rendered text is not YAML",
        "Most often indentation: a block header and `== super()` add no indentation of their own, so what "
        "a block adds must be indented like the text of the parent's block. Else an unclosed bracket "
        "or quote, or a value with `: ` in it that is not quoted.",
        "a:\n    b: 1\n  c: 2\n",
        "`forgather pp` shows the whole text, `forgather blame` where each line came from.",
    ),
    Entry(
        "FG202",
        "a tab where YAML wants spaces",
        "YAML does not allow tabs in indentation.",
        "a:\n\tb: 1\n",
        "Indent with spaces, and tell your editor to.",
    ),
    Entry(
        "FG203",
        "an alias without an anchor",
        "`*name` refers to `&name`, which must stand before it in the rendered text. An override that "
        "leaves the anchor out, or a block that comes later, is the usual reason.",
        "optimizer: &optimizer {}\ntrainer:\n    opt: *optimiser\n",
        "Define the anchor before (`.define: &name ...` keeps it out of the targets). The message names "
        "the nearest anchor.",
    ),
    Entry(
        "FG204",
        "a tag that does not exist",
        "The tags are `!singleton`, `!call`, `!factory`, `!partial`, `!lambda`, `!meta`, `!var`, `!list`, "
        "`!tuple`, `!dict` and `!dlist`.",
        "a: !partail:dict {}\n",
        "The message names the nearest tag.",
    ),
    Entry(
        "FG205",
        "a tag without the name of what to call",
        "A tag that calls something needs an import spec after a colon.",
        "a: !partial { lr: 1 }\n",
        "Write `!partial:module:symbol`. For a plain container use `!dict`, `!list` or `!tuple`.",
    ),
    Entry(
        "FG206",
        "arguments of the wrong shape for a tag",
        "`!list` and `!tuple` take a sequence, `!dict` and `!dlist` a mapping; `args` must be a sequence "
        "and `kwargs` a mapping.",
        "a: !list { x: 1 }\n",
        "Give the shape that the message asks for.",
    ),
    Entry(
        "FG207",
        "a !var that is not one of its forms",
        "A variable is written `!var name`, `!var [ name, default ]` or `!var { name: ..., default: ... }`.",
        "a: !var { nam: x }\n",
        "Use one of the forms.",
    ),
    Entry(
        "FG208",
        "an argument name that is reserved",
        "`constructor` and `_identity` mean something to the graph and cannot be handed to a callable.",
        "a: !call:dict { constructor: 1 }\n",
        "Wrap the callable in one of your own that takes the argument under another name.",
    ),
    Entry(
        "FG209",
        "an argument name that is not a string",
        "Keyword arguments have names; YAML reads `1:` as a number and `yes:` as a boolean.",
        "a: !call:dict { 1: 2 }\n",
        "Quote the name, or use `arg0`, `arg1`, ... for positional arguments. A mapping with other keys "
        "is plain data: pass it as an argument.",
    ),
    Entry(
        "FG210",
        "a target name that is not a string",
        "The keys of the whole config are the names of its targets.",
        "1: a\n",
        "Quote the key.",
    ),
    Entry(
        "FG211",
        "an anchor that contains itself",
        "The value of an anchor holds an alias to that anchor; nothing could be built from it.",
        "a: &a [ *a ]\n",
        "Take the alias out, or move what both need to an anchor of its own.",
    ),
    Entry(
        "FG212",
        "more than one YAML document",
        "The text has a `---` between two documents; a config is one.",
        "a: 1\n---\nb: 2\n",
        "Remove the line, or put the second part into a config of its own.",
    ),
    Entry(
        "FG213",
        "a merge (<<) of something that is not a mapping",
        "`<<:` takes a mapping, an alias to one (tagged or not), or a list of these.",
        "a: &a [ 1 ]\nb:\n    <<: *a\n",
        "Merge a mapping. To extend a list by key, make it a `!dlist`.",
    ),
    Entry(
        "FG214",
        "a mapping key that cannot be one",
        "A key is a string, a number, a boolean or null, not a list or mapping. `{{` that reached the "
        "YAML unrendered looks like this too.",
        "a: { [ 1 ]: 2 }\n",
        "Use a simple key. For a literal `{{`, write `{% raw %}{{{% endraw %}`.",
    ),
    Entry(
        "FG215",
        "a value that does not fit its tag",
        "A standard tag such as `!!float` or `!!int` stands before a value that is not one.",
        "lr: !!float fast\n",
        "Correct the value or the tag.",
    ),
    Entry(
        "FG216",
        "a YAML type that configs do not have",
        "Configs hold strings, numbers, booleans, null, lists, tuples, mappings and nodes. YAML reads "
        "`2020-01-01` as a date.",
        "date: 2020-01-01\n",
        "Quote it to make it a string.",
    ),
    Entry(
        "FG217",
        "a character that YAML does not allow",
        "Control characters cannot stand in YAML text.",
        "a: 'bell \x07'\n",
        'Remove it, or write it escaped in double quotes: `"\\x07"`.',
    ),
    Entry(
        "FG218",
        "a malformed @name",
        "What follows `@` in a tag names the node; it must be one word.",
        "a: !call:dict@one@two {}\n",
        "Use letters, digits, `_`, `-` and `.`, and one `@`. A container is named `!dict:@name`.",
    ),
    Entry(
        "FG219",
        "values nested too deeply",
        "Lists or mappings are nested far beyond what a config needs; a loop that opens a bracket in "
        "every round does this.",
        "a: {% for i in range(2000) %}[{% endfor %}{% for i in range(2000) %}]{% endfor %}\n",
        "Make it flatter.",
    ),
    Entry(
        "FG220",
        "a key that a mapping has twice (a note)",
        "Legal, and the last one counts; overriding by repeating depends on it. Only "
        "`forgather check --strict` lists it, because now and then it is a slip.",
        "main: {lr: 1, lr: 2}\n",
        "Remove the one that does not count, if it was a slip.",
        how="told",
    ),
)
