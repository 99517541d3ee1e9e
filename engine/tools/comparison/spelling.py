"""Expressions and values in one spelling: spaces, brackets and quotes do not make a difference."""

import ast
from collections.abc import Sequence

from engine.definition.model import Scalar
from engine.definition.syntax import syntax_tree


class _Words(ast.NodeTransformer):
    """``True`` and ``False`` as YAML has them."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Name(str(node.value).lower()) if isinstance(node.value, bool) else node


def expression(raw: Scalar) -> str:
    """An expression of a checked file."""
    tree = syntax_tree(str(raw).strip())
    return ast.unparse(_Words().visit(tree))


def scalar(raw: Scalar, literals: Sequence[str] = ()) -> str:
    """A value of the file: an expression, where it is not one of the texts that stand for
    themselves."""
    return repr(raw) if raw in literals else expression(raw)
