"""FG1xx: mistakes in the text of templates, before there is any YAML."""

from __future__ import annotations

from forgather.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "FG100",
        "a statement or expression of a template cannot be read",
        "What follows `--`, `==` or stands in `{{ }}` is not a Jinja statement or expression.",
        "lr: {{ 1.0e-3 | }}\n",
        "Look at the line and column of the message. A statement has the form `-- keyword ...`, an "
        "expression is like one of Python.",
    ),
    Entry(
        "FG101",
        "a variable that nobody set",
        "A template uses a name that is neither set before, nor an argument of the config, nor one of "
        "the variables that all templates have. Values that shall reach other blocks or templates must "
        "be attributes of a namespace, usually `ns`.",
        "lr: {{ learning_rate }}\n",
        "Set it before (`-- set learning_rate = 1.0e-3`), give it as a dynamic argument, or say what "
        "holds without it: `{{ learning_rate | toyaml(1.0e-3) }}`.",
    ),
    Entry(
        "FG102",
        "a function that templates do not have",
        "A template calls something that is not a function of the language.",
        "path: {{ join_path('a', 'b') }}\n",
        "The message names the nearest function. All functions are listed in "
        "[the syntax reference](../configuration/syntax-reference.md).",
    ),
    Entry(
        "FG103",
        "a template that is not in the search path",
        "`extends`, `include`, `import` or the command line names a template that no directory of the "
        "search path has. An inline template is known only when its file has been loaded.",
        "-- extends 'bse.yaml'\n",
        "`forgather tlist` lists all templates, `forgather meta` shows the search path, which "
        "`searchdir` in `meta.yaml` sets. The message names the nearest template.",
        {"base.yaml": "a: 1\n"},
    ),
    Entry(
        "FG104",
        "a filter that does not exist",
        "The name after `|` is no filter.",
        "lr: {{ 1 | to_yaml }}\n",
        "The message names the nearest filter. Forgather adds `toyaml` to the filters of Jinja.",
    ),
    Entry(
        "FG105",
        "a test (`is ...`) that does not exist",
        "The name after `is` is no test.",
        "-- if ns is define\na: 1\n-- endif\n",
        "The message names the nearest test; `defined` and `none` are the usual ones.",
    ),
    Entry(
        "FG106",
        "a block defined twice in one template",
        "Two headers, or a header and a `-- block`, have one name. A block is defined once in a "
        "template; a child overrides it in another.",
        "[optimizer]\na: 1\n[optimizer]\nb: 2\n",
        "Rename one. To add to a block of a parent, override it once and begin with `== super()`.",
    ),
    Entry(
        "FG107",
        "a block or statement that nobody closes",
        "`-- block`, `-- if`, `-- for` and their like need an end statement. Only `[block]` headers "
        "are closed by the next header.",
        "-- if True\na: 1\n",
        "Add the end statement that the message names. The message shows where the open one began.",
    ),
    Entry(
        "FG108",
        "an end statement that does not fit the one it closes",
        "`endblock` names another block than the open one, or an end statement comes where something "
        "else, or nothing, is open.",
        "-- block model\na: 1\n-- endblock optimizer\n",
        "Close what was opened last. The message says what that is and where it began.",
    ),
    Entry(
        "FG109",
        "a statement that does not exist",
        "The first word after `--`, `<<` or `>>` is no statement.",
        "-- extend 'base.yaml'\n",
        "The message names the nearest statement. An expression is written with `==`.",
        {"base.yaml": "a: 1\n"},
    ),
    Entry(
        "FG110",
        "a required block that no template fills in",
        "A parent declares `-- block name required`, and no template below it has a block of that name.",
        "-- extends 'base.yaml'\n",
        "Add `[name]` with content to the config, or to a template between it and the parent.",
        {"base.yaml": "-- block model required\n-- endblock model\n"},
    ),
    Entry(
        "FG111",
        "a template that extends itself",
        "The chain of `extends` comes back to its start. Most often two projects on one search path have "
        "a config of the same name: the first directory wins, so a config `4M.yaml` that extends "
        "`configs/4M.yaml` finds itself.",
        "-- extends 'config.yaml'\n",
        "Give the config a name of its own. The message shows both files where one hides the other.",
    ),
    Entry(
        "FG112",
        "templates or macros that call each other without end",
        "A template includes itself, directly or through others, or a macro calls itself, without a "
        "condition that ends it.",
        "-- include 'config.yaml'\n",
        "Make the recursion end, or take it out.",
    ),
    Entry(
        "FG113",
        "a line marker with nothing after it",
        "A line holds only `--`, `<<`, `>>`, `==` or `=>` and white space.",
        "a: 1\n-- \n",
        "Write a statement after the marker, or remove the line.",
    ),
    Entry(
        "FG114",
        "something that templates must not do",
        "Templates run in a sandbox: they cannot reach Python's internals, so that looking at a project "
        "that you do not trust is safe.",
        "a: {{ ''.__class__.__mro__ }}\n",
        "Compute it in Python code that the config names, or give it as an argument.",
    ),
    Entry(
        "FG115",
        "a template called raise()",
        "The author of a template refuses the values that it was given; the message is the author's.",
        "{{ raise('choose a dataset') }}\n",
        "Do what the message says; the line shown is where the template decides.",
    ),
    Entry(
        "FG116",
        "a template's assert() failed",
        "A template states what must hold for it to make sense, and it does not hold.",
        "{{ assert(1 > 2, 'more heads than dimensions') }}\n",
        "Change the values that the condition is about.",
    ),
    Entry(
        "FG117",
        "an expression that cannot be computed",
        "Python refuses the operation: types that do not go together, a division by zero, a missing "
        "argument of a function.",
        "a: {{ 1 + 'b' }}\n",
        "The message ends with Python's own words. Arguments from the command line are strings unless "
        "the config gives them a type.",
    ),
    Entry(
        "FG118",
        "an attribute or item that is not there",
        "The object exists, and has no attribute or key of this name. For `ns.name`: no template has "
        "set it before this line is rendered.",
        "-- set ns = namespace(model_name='tiny')\nname: {{ ns.modl_name }}\n",
        "The message names the nearest attribute. Blocks are rendered in the order of the base "
        "template, so a value must be set in an earlier block than the one that uses it.",
    ),
    Entry(
        "FG119",
        "super() in a block that no parent has",
        "`super()` stands for what the parents say in this block, and no parent has it; or it stands "
        "outside of any block.",
        "-- extends 'base.yaml'\n[model]\n== super()\na: 1\n",
        "Remove it, or correct the name of the block: `forgather blame --block NAME` shows who has it.",
        {"base.yaml": "-- block model\n== super()\n-- endblock model\n"},
    ),
    Entry(
        "FG120",
        "a template file that cannot be read as UTF-8 text",
        "The file is in another encoding, is no text at all, or may not be read.",
        "# a file saved as Latin-1, with an umlaut in it\n",
        "Save it as UTF-8, or mend its permissions.",
        how="told",
    ),
    Entry(
        "FG121",
        "a template that does too much work",
        "A loop runs more than a million times, or a text or number grows beyond all measure. Rendering "
        "is bounded, so that no project can hang the tool.",
        "-- for i in range(99999)\n-- for j in range(99999)\n-- endfor\n-- endfor\n",
        "A config describes what is to be done. Compute elsewhere.",
    ),
    Entry(
        "FG122",
        "a template name that leads out of the search path",
        "Template names are paths below a directory of the search path; `..` and absolute paths are "
        "refused, so that templates read nothing else.",
        "-- include '../secrets.yaml'\n",
        "Add the directory to `searchdir` in `meta.yaml`, and name the template from there.",
    ),
    Entry(
        "FG123",
        "a value that cannot be written as YAML",
        "`toyaml` knows strings, numbers, booleans, None, lists and mappings.",
        "a: {{ joinpath | toyaml }}\n",
        "Give it such a value; for a function, call it.",
    ),
    Entry(
        "FG124",
        "an extends that is in the wrong place or one too many",
        "A template extends one other, and says so outside of blocks and loops.",
        "-- extends 'base.yaml'\n-- extends 'base.yaml'\n",
        "For a second parent: write an inline template that extends it, and include that in a block.",
        {"base.yaml": "a: 1\n"},
    ),
    Entry(
        "FG140",
        "an override of a block that no parent has (warning)",
        "A template that extends another has a block that none of its parents has. Nothing renders it: "
        "what is written in it is lost. Nearly always a slip in the name.",
        "-- extends 'base.yaml'\n[optimiser]\nlr: 1.0e-3\n",
        "Correct the name; the message says the nearest. A warning in `pp`, an error in `check`.",
        {"base.yaml": "[optimizer]\nlr: 1.0\n"},
    ),
    Entry(
        "FG141",
        "an inline template that is hidden by another of the same name (warning)",
        "Two files of one config define an inline template of one name. The one that is loaded first, "
        "that of the more derived template, is used for both.",
        "-- extends 'base.yaml'\n[a]\n-- include 'part'\n\n#---- part ----\na: 1\n",
        "If that is not meant, rename one: `config.part` and `project.part`, for example.",
        {"base.yaml": "[a]\n-- include 'part'\n\n#---- part ----\na: 2\n"},
    ),
    Entry(
        "FG150",
        "a malformed dynamic argument",
        "An entry of the target `dynamic_args` cannot be made into an option of the command line. It must "
        "be plain data: `names`, and settings as for Python's argparse.",
        "forgather pp",
        "Correct the entry at the place shown. A name looks like `--learning-rate`.",
        {"templates/configs/config.yaml": "dynamic_args:\n    - names: 'learning rate'\n"},
        "command",
    ),
    Entry(
        "FG151",
        "a dynamic argument of the wrong type",
        "The config gives the option a type, and the value is not of it.",
        "forgather pp --max-steps many",
        "Give a value of the type in the message, which also shows where the config defines the option.",
        {
            "templates/configs/config.yaml": "dynamic_args:\n"
            "    - names: '--max-steps'\n      type: 'int'\n"
        },
        "command",
    ),
)
