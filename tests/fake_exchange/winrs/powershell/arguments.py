# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a command get? The words behind its name as values, lists and named arguments."""

from __future__ import annotations

import re

from .conversion import number_from_text, to_text
from .evaluation import evaluate, evaluate_raw
from .expressions import variable_name
from .functions import COMMON_PARAMETERS, Named
from .interpreter import Interpreter
from .strings import escaped
from .syntax import Node, parse
from .values import Hashtable, as_sequence, unwrap

_VALUELESS = frozenset({"verbose", "debug", "whatif", "confirm"})


def arguments_of(elements: Node) -> list[tuple[Node, bool]]:
    """The arguments; the flag says that nothing, not even a blank, stands before one (`a,b`), and
    for a value after `-Name:` that the colon was there."""
    result: list[tuple[Node, bool]] = []
    glued = False
    for child in elements.children:
        if child.kind == "command_argument_sep":
            text = "".join(part.text for part in child.children) or child.text
            glued = glued or text.strip() == ":" or text == ""
            if text.strip() == "" and text != "" and not result:
                glued = False
            continue
        result.append((child, glued))
        glued = False
    return result


def evaluate_arguments(interpreter: Interpreter, words: list[tuple[Node, bool]]) -> list[object]:
    arguments: list[object] = []
    awaiting_comma = False
    for index, (node, glued) in enumerate(words):
        if node.kind == "command_parameter":
            follows = words[index + 1] if index + 1 < len(words) else None
            colon = follows is not None and follows[1] and follows[0].kind != "command_parameter"
            if colon and follows is not None and follows[0].text.lstrip().startswith(","):
                colon = False
            name = node.text.strip().lstrip("-")
            arguments.append(Named(name, bare=not colon))
            continue
        values, leading, trailing = _argument_values(interpreter, node)
        previous = arguments[-1] if arguments else None
        if (leading or awaiting_comma) and arguments and not _is_bare(previous):
            _append_to_last(arguments, values)
        elif isinstance(previous, Named) and not previous.bare and previous.value is None and glued:
            arguments[-1] = Named(previous.name, _single(values), bare=False)
        elif node.kind == "variable" and node.text.strip().startswith("@"):
            arguments += _splatted(interpreter, node)
        else:
            arguments.append(_single(values))
        awaiting_comma = trailing
    return arguments


def _is_bare(value: object) -> bool:
    return isinstance(value, Named) and value.bare


def _single(values: list[object]) -> object:
    return values[0] if len(values) == 1 else values


def _append_to_last(arguments: list[object], values: list[object]) -> None:
    previous = arguments[-1]
    value = previous.value if isinstance(previous, Named) else previous
    joined = [*value, *values] if isinstance(value, list) else [value, *values]
    arguments[-1] = Named(previous.name, joined) if isinstance(previous, Named) else joined


def _argument_values(interpreter: Interpreter, node: Node) -> tuple[list[object], bool, bool]:
    """The values of one argument, and whether a comma stands before or after it."""
    if node.kind == "generic_token":
        pieces = _WORD_PIECES.findall(node.text.strip())
        words = [word(interpreter, piece) for piece in pieces if piece != ","]
        return words, pieces[0] == ",", pieces[-1] == "," and len(pieces) > 1
    if node.kind == "expression_with_unary_operator" and node.children[0].text.strip() == ",":
        value = evaluate(interpreter, node.named[0])
        items = as_sequence(value)
        several = node.named[0].kind == "array_literal_expression" and items is not None
        return (list(items) if several and items is not None else [value]), True, False
    return [unwrap(evaluate_raw(interpreter, node))], False, False


#: A bare word may hold quoted parts and, between commas, several values.
_WORD_PIECES = re.compile(r"""(?:'(?:[^']|'')*'|"(?:[^"`]|`.)*"|[^,'"])+|,""")


def word(interpreter: Interpreter, text: str) -> object:
    """The value of a bare word, which may be a number or have quoted parts."""
    if re.fullmatch(r"-?(\d+(\.\d+)?|0x[0-9a-fA-F]+)", text):
        return number_from_text(text)
    parts = re.findall(r"""'(?:[^']|'')*'|"(?:[^"`]|`.|"")*"|[^'"]+""", text)
    return "".join(_part(interpreter, part) for part in parts)


def _part(interpreter: Interpreter, part: str) -> str:
    if part[0] not in "'\"":
        return expanded(interpreter, part)
    node = parse(part).root
    while node.kind != "string_literal":
        node = node.named[0]
    return to_text(evaluate(interpreter, node))


def expanded(interpreter: Interpreter, text: str) -> str:
    """A bare word with its variables and escapes replaced."""
    replaced = re.sub(
        r"(?<!`)\$(?:\{([^}]+)\}|((?:\w+:)?\w+))",
        lambda found: to_text(interpreter.get_variable(found.group(1) or found.group(2))),
        text,
    )
    return escaped(replaced)


def _splatted(interpreter: Interpreter, node: Node) -> list[object]:
    value = interpreter.get_variable(variable_name(node))
    if isinstance(value, Hashtable):
        return [Named(to_text(key), item, bare=False) for key, item in value.items()]
    items = as_sequence(value)
    if items is None:
        return [] if value is None else [value]
    return list(items)


def join_common(arguments: list[object]) -> list[object]:
    """-ErrorAction and the like with the value after them as one `Named`."""
    joined: list[object] = []
    for argument in arguments:
        previous = joined[-1] if joined else None
        if isinstance(previous, Named) and previous.bare and not isinstance(argument, Named):
            kind = COMMON_PARAMETERS.get(previous.name.casefold())
            if kind is not None and kind not in _VALUELESS:
                joined[-1] = Named(previous.name, argument)
                continue
        joined.append(argument)
    return joined
