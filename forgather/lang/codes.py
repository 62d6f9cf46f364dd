"""The stable codes of all mistakes in the text of a config, with one line on each.

``FG1xx`` preprocessing, ``FG2xx`` YAML and tags. Codes of the graph itself (``FG3xx``) belong to
:mod:`forgather.graph`. A code never changes its meaning; a retired one is not used again.
"""

from __future__ import annotations

from typing import Final

SYNTAX: Final = "FG100"
UNDEFINED: Final = "FG101"
UNKNOWN_FUNCTION: Final = "FG102"
NO_TEMPLATE: Final = "FG103"
UNKNOWN_FILTER: Final = "FG104"
UNKNOWN_TEST: Final = "FG105"
BLOCK_TWICE: Final = "FG106"
UNCLOSED: Final = "FG107"
END_MISMATCH: Final = "FG108"
UNKNOWN_STATEMENT: Final = "FG109"
REQUIRED_BLOCK: Final = "FG110"
EXTENDS_ITSELF: Final = "FG111"
ENDLESS: Final = "FG112"
EMPTY_STATEMENT: Final = "FG113"
UNSAFE: Final = "FG114"
RAISED: Final = "FG115"
ASSERTION: Final = "FG116"
EVALUATION: Final = "FG117"
NO_ATTRIBUTE: Final = "FG118"
NO_PARENT_BLOCK: Final = "FG119"
UNREADABLE: Final = "FG120"
TOO_MUCH: Final = "FG121"
BAD_NAME: Final = "FG122"
NOT_DUMPABLE: Final = "FG123"
BAD_EXTENDS: Final = "FG124"
UNKNOWN_BLOCK: Final = "FG140"
SHADOWED: Final = "FG141"

YAML_SYNTAX: Final = "FG201"
TAB: Final = "FG202"
NO_ANCHOR: Final = "FG203"
UNKNOWN_TAG: Final = "FG204"
NO_SPEC: Final = "FG205"
TAG_ARGUMENTS: Final = "FG206"
VAR_FORM: Final = "FG207"
RESERVED: Final = "FG208"
ARGUMENT_NAME: Final = "FG209"
ROOT_KEY: Final = "FG210"
RECURSIVE: Final = "FG211"
DOCUMENTS: Final = "FG212"
MERGE: Final = "FG213"
KEY: Final = "FG214"
SCALAR: Final = "FG215"
UNSUPPORTED: Final = "FG216"
CHARACTER: Final = "FG217"
NODE_NAME: Final = "FG218"
TOO_DEEP: Final = "FG219"

TITLES: Final[dict[str, str]] = {
    SYNTAX: "a statement or expression of a template cannot be read",
    UNDEFINED: "a variable that nobody set",
    UNKNOWN_FUNCTION: "a function that templates do not have",
    NO_TEMPLATE: "a template that is not in the search path",
    UNKNOWN_FILTER: "a filter that does not exist",
    UNKNOWN_TEST: "a test (`is ...`) that does not exist",
    BLOCK_TWICE: "a block defined twice in one template",
    UNCLOSED: "a block or statement that nobody closes",
    END_MISMATCH: "an end statement that does not fit the one it closes",
    UNKNOWN_STATEMENT: "a statement that does not exist",
    REQUIRED_BLOCK: "a required block that no template fills in",
    EXTENDS_ITSELF: "a template that extends itself",
    ENDLESS: "templates or macros that call each other without end",
    EMPTY_STATEMENT: "a line marker with nothing after it",
    UNSAFE: "something that templates must not do",
    RAISED: "a template called raise()",
    ASSERTION: "a template's assert() failed",
    EVALUATION: "an expression that cannot be computed",
    NO_ATTRIBUTE: "an attribute or item that is not there",
    NO_PARENT_BLOCK: "super() in a block that no parent has",
    UNREADABLE: "a template file that cannot be read as UTF-8 text",
    TOO_MUCH: "a template that does too much work",
    BAD_NAME: "a template name that leads out of the search path",
    NOT_DUMPABLE: "a value that cannot be written as YAML",
    BAD_EXTENDS: "an extends that is in the wrong place or one too many",
    UNKNOWN_BLOCK: "an override of a block that no parent has (warning)",
    SHADOWED: "an inline template that is hidden by another of the same name (warning)",
    YAML_SYNTAX: "the rendered text is not YAML",
    TAB: "a tab where YAML wants spaces",
    NO_ANCHOR: "an alias without an anchor",
    UNKNOWN_TAG: "a tag that does not exist",
    NO_SPEC: "a tag without the name of what to call",
    TAG_ARGUMENTS: "arguments of the wrong shape for a tag",
    VAR_FORM: "a !var that is not one of its forms",
    RESERVED: "an argument name that is reserved",
    ARGUMENT_NAME: "an argument name that is not a string",
    ROOT_KEY: "a target name that is not a string",
    RECURSIVE: "an anchor that contains itself",
    DOCUMENTS: "more than one YAML document",
    MERGE: "a merge (<<) of something that is not a mapping",
    KEY: "a mapping key that cannot be one",
    SCALAR: "a value that does not fit its tag",
    UNSUPPORTED: "a YAML type that configs do not have",
    CHARACTER: "a character that YAML does not allow",
    NODE_NAME: "a malformed @name",
    TOO_DEEP: "values nested too deeply",
}
