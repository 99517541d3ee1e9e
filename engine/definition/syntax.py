"""From the text of an expression to Python's syntax tree, or to a place and a sentence."""

import ast
import re

LONGEST = 500
DURATION_HINT = "A duration in an expression is the name of a parameter."
ALLOWED = "Allowed: comparisons, in, and, or, not, + - * / // %, 'a if b else c', min, max, abs."

SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.BitAnd: "&",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.Invert: "~",
    ast.UAdd: "+",
}
"""How each operator of Python is written, the refused ones too."""

_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_ODD = re.compile("[\\\\\x00-\x08\x0e-\x1f\ud800-\udfff]")
_GLUED = re.compile(r"(?:(?<![\w.])\d[\d_.]*+|\.\d[\d_.]*+)(?:[eE][-+]?\d[\d_]*+)?+[^\W\d]\w*")
_FOREIGN = (
    (re.compile("&&"), "Write 'and' for '&&'."),
    (re.compile(r"\|\|"), "Write 'or' for '||'."),
    (re.compile("!(?!=)"), "Write 'not' for '!'."),
    (re.compile("(?<![=!<>])=(?!=)"), "Write '==' to compare."),
)


class Unreadable(ValueError):  # noqa: N818 - it says what the text is
    """A text that is no expression. ``at`` is the index of the character at fault."""

    def __init__(self, at: int, message: str, hint: str = "") -> None:
        self.at = at
        self.hint = hint
        super().__init__(message)


def syntax_tree(text: str) -> ast.expr:
    """The syntax tree of a text without space around it; raises :class:`Unreadable`."""
    if not text:
        raise Unreadable(0, "The expression is empty.", ALLOWED)
    if len(text) > LONGEST:
        message = f"The expression has {len(text)} characters; at most {LONGEST} are allowed."
        raise Unreadable(0, message, "Split it over several transitions or variables.")
    bare = _TEXTS.sub(lambda found: "'" + "_" * (len(found[0]) - 2) + "'", text)
    odd = _ODD.search(text) or re.search("#", bare)
    if odd:
        raise Unreadable(odd.start(), f"The character {odd[0]!a} is not allowed here.")
    glued = _GLUED.search(bare)
    if glued:
        message = f"'{glued[0]}' is neither a number nor a name."
        raise Unreadable(glued.start(), message, DURATION_HINT)
    try:
        return ast.parse(re.sub(r"\s", " ", text), mode="eval").body
    except SyntaxError as error:
        at = min(max(0, (error.offset or 1) - 1), len(text) - 1)
        hint = next((hint for sign, hint in _FOREIGN if sign.search(bare)), ALLOWED)
        raise Unreadable(at, "The expression cannot be read from here on.", hint) from None
    except (RecursionError, MemoryError):
        raise Unreadable(0, "The expression nests too deep.", ALLOWED) from None
