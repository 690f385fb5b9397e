# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is a script text built up? A tree of plain nodes made from tree-sitter's concrete tree, with
chains of single children collapsed, and the list of syntax errors."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter
import tree_sitter_powershell

_LANGUAGE = tree_sitter.Language(tree_sitter_powershell.language())
_DROPPED = frozenset({"comment"})
#: Constructs the grammar knows but Windows PowerShell 5.1 does not.
_AFTER_5_1 = {
    "pipeline_chain_tail": (
        "InvalidEndOfLine",
        "The token '{text}' is not a valid statement separator in this version.",
    ),
}
_MISSING = {
    ")": ("MissingEndParenthesisInExpression", "Missing closing ')' in expression."),
    "}": ("MissingEndCurlyBrace", "Missing closing '}' in statement block or type definition."),
    "]": ("MissingEndSquareBracket", "Missing closing ']'."),
    '"': ("TerminatorExpectedAtEndOfString", 'The string is missing the terminator: ".'),
}


@dataclass(eq=False, slots=True)
class Node:
    """`children` holds named and literal tokens in order, `named` only the named ones. `text` is
    the source text; `line` and `column` count from 1."""

    kind: str
    text: str
    line: int
    column: int
    children: tuple[Node, ...] = ()
    is_named: bool = True
    source_line: str = field(default="", repr=False)
    label: str | None = None
    """The label in front of a loop, in lower case."""

    @property
    def named(self) -> tuple[Node, ...]:
        return tuple(child for child in self.children if child.is_named)

    def child(self, kind: str) -> Node | None:
        """The first child of that kind."""
        return next((child for child in self.children if child.kind == kind), None)

    def all(self, kind: str) -> list[Node]:
        return [child for child in self.children if child.kind == kind]


@dataclass(frozen=True)
class SyntaxProblem:
    """One parser error, worded as PowerShell words it. `error_id` is its FullyQualifiedErrorId."""

    message: str
    error_id: str
    line: int
    column: int
    source_line: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


@dataclass(frozen=True)
class Program:
    root: Node
    problems: tuple[SyntaxProblem, ...]
    text: str


@functools.lru_cache(maxsize=256)
def parse(text: str) -> Program:
    """The tree of `text` and its syntax errors (an empty tuple if it is valid)."""
    normal = text.replace("\r\n", "\n")
    if _MULTIPLIER.search(normal):
        normal = _in_lower_case(normal)
    program = _parse(normal)
    if not program.problems:
        return program
    for repaired in _without_grammar_gaps(normal):
        again = _parse(repaired)
        if not again.problems:
            return again
    return program


def parse_errors(text: str) -> list[SyntaxProblem]:
    """The syntax errors of a Windows PowerShell 5.1 script; an empty list if there are none."""
    return list(parse(text).problems)


def _parse(text: str) -> Program:
    source = text.encode("utf-8", "surrogatepass")
    tree = tree_sitter.Parser(_LANGUAGE).parse(source)
    lines = text.split("\n")
    found = _problems(tree.root_node, source, lines)
    problems = sorted(found, key=lambda problem: (problem.line, problem.column))
    return Program(_convert(tree.root_node, source, lines), tuple(problems), text)


def _convert(raw: tree_sitter.Node, source: bytes, lines: list[str]) -> Node:
    while raw.child_count == 1 and raw.named_child_count == 1 and _is_chain(raw):
        raw = raw.children[0]
    children = tuple(
        _convert(child, source, lines) for child in raw.children if child.type not in _DROPPED
    )
    if raw.type in ("expandable_string_literal", "expandable_here_string_literal"):
        children = tuple(_string_parts(raw, children, source))
    for label, loop in itertools.pairwise(children):
        if label.kind == "label":
            loop.label = label.text.lstrip(":").casefold()
    text = source[raw.start_byte : raw.end_byte].decode("utf-8", "surrogatepass")
    stripped = text.lstrip(" \t\n") if not raw.is_named or raw.child_count == 0 else text
    row, offset = raw.start_point.row, raw.start_point.column
    skipped = text[: len(text) - len(stripped)]
    if skipped and stripped:
        row += skipped.count("\n")
        offset = offset + len(skipped) if "\n" not in skipped else len(skipped.split("\n")[-1])
    kind = raw.type if raw.is_named else raw.type.lower()
    line = lines[row] if row < len(lines) else ""
    return Node(kind, stripped or text, row + 1, offset + 1, children, raw.is_named, line)


def _is_chain(raw: tree_sitter.Node) -> bool:
    return raw.type.endswith("_expression") and raw.type != "script_block_expression"


def _string_parts(
    raw: tree_sitter.Node, children: tuple[Node, ...], source: bytes
) -> Iterator[Node]:
    """The literal pieces between the variables and sub-expressions of an expandable string."""
    kept = [c for c in raw.children if c.type not in _DROPPED]
    position = raw.start_byte
    for original, child in zip(kept, children, strict=True):
        if original.type not in ("variable", "sub_expression"):
            continue
        yield _literal(source[position : original.start_byte], child)
        yield child
        position = original.end_byte
    rest = source[position : raw.end_byte]
    line = raw.start_point.row + 1
    yield Node("literal_text", rest.decode("utf-8", "surrogatepass"), line, 1)


def _literal(piece: bytes, after: Node) -> Node:
    text = piece.decode("utf-8", "surrogatepass")
    return Node("literal_text", text, after.line, after.column)


def _problems(root: tree_sitter.Node, source: bytes, lines: list[str]) -> Iterator[SyntaxProblem]:
    pending = [root]
    while pending:
        node = pending.pop()
        if node.is_missing:
            yield from _missing(node, source, lines)
        elif node.is_error:
            yield _unexpected(node, source, lines)
        else:
            if node.type == "try_statement":
                yield from _incomplete_try(node, lines)
            elif node.type in _AFTER_5_1:
                error_id, message = _AFTER_5_1[node.type]
                text = source[node.start_byte : node.end_byte].decode("utf-8", "replace").strip()
                yield _problem(node, lines, error_id, message.format(text=text))
            pending += node.children


def _missing(node: tree_sitter.Node, source: bytes, lines: list[str]) -> Iterator[SyntaxProblem]:
    """The grammar also misses blanks before commas and the end of the last statement, which
    PowerShell does not."""
    parent = node.parent.type if node.parent is not None else ""
    if "command_argument_sep" in (node.type, parent):
        return
    known = _MISSING.get(node.type)
    if known is None and node.start_byte == len(source):
        return
    yield _problem(node, lines, *(known or ("UnexpectedToken", f"Missing '{node.type}'.")))


def _incomplete_try(node: tree_sitter.Node, lines: list[str]) -> Iterator[SyntaxProblem]:
    kinds = {child.type for child in node.children}
    if not kinds & {"catch_clauses", "finally_clause"}:
        message = "The Try statement is missing its Catch or Finally block."
        yield _problem(node, lines, "MissingCatchOrFinally", message)


def _unexpected(node: tree_sitter.Node, source: bytes, lines: list[str]) -> SyntaxProblem:
    text = source[node.start_byte : node.end_byte].decode("utf-8", "replace")
    opened = _unclosed(text)
    if opened:
        return _problem(node, lines, *_MISSING[opened])
    token = text.split()[0] if text.split() else text
    message = f"Unexpected token '{token}' in expression or statement."
    return _problem(node, lines, "UnexpectedToken", message)


def _unclosed(text: str) -> str | None:
    closing = {"(": ")", "{": "}", "[": "]"}
    expected: list[str] = []
    masked = _masked(text)
    for character in masked:
        if character in closing:
            expected.append(closing[character])
        elif expected and character == expected[-1]:
            expected.pop()
    if '"' in masked:
        return '"'
    return expected[-1] if expected else None


def _problem(
    node: tree_sitter.Node, lines: list[str], error_id: str, message: str
) -> SyntaxProblem:
    row, column = node.start_point.row, node.start_point.column
    line = lines[row] if row < len(lines) else ""
    return SyntaxProblem(message, error_id, row + 1, column + 1, line)


_OPAQUE = re.compile(
    r"""<\#.*?\#>|\#[^\n]*|@'\n.*?\n'@|@"\n.*?\n"@|'(?:[^']|'')*'|"(?:`.|""|[^"`])*\"""",
    re.DOTALL,
)


def _masked(text: str) -> str:
    """`text` with comments blanked and strings replaced by \\x01, at the same length."""

    def blank(found: re.Match[str]) -> str:
        piece = found.group()
        filler = " " if piece.startswith(("#", "<#")) else "\x01"
        return re.sub(r"[^\n]", filler, piece)

    return _OPAQUE.sub(blank, text)


#: What PowerShell reads and the grammar does not, and how to say it so that it does: bare words
#: beside commas, several switch clauses in one line, a label without colon.
_MULTIPLIER = re.compile(
    r"(?<![\w.$-])\d+(?:\.\d+)?(?:[ld]|[ld]?(?:kb|mb|gb|tb|pb))\b", re.IGNORECASE
)
_GAPS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=[\s,])([A-Za-z_*][\w*]*)[ \t]*(?=,)"), r"'\1'"),
    (re.compile(r"(?<=,)[ \t]*([A-Za-z_*][\w*]*)(?=[\s)|;},]|\Z)"), r"'\1'"),
    (re.compile(r"(\})(?=[ \t]+(?:default|[\x01\d{][^\n{}]*)[ \t]*\{)", re.IGNORECASE), r"\1;"),
    (
        re.compile(r"\b((?:break|continue)[ \t]+)(?=[A-Za-z_]\w*[ \t]*[\n;}])", re.IGNORECASE),
        r"\1:",
    ),
)


def _in_lower_case(text: str) -> str:
    """The multipliers of numbers as the grammar spells them."""
    pieces, position = [], 0
    for found in _MULTIPLIER.finditer(_masked(text)):
        pieces += [text[position : found.start()], found.group().lower()]
        position = found.end()
    return "".join([*pieces, text[position:]])


def _without_grammar_gaps(text: str) -> Iterator[str]:
    """`text` with one kind of gap mended at a time, then with all of them."""
    everything = _with_ended_param_blocks(text)
    if everything != text:
        yield everything
    for pattern, replacement in _GAPS:
        one = _replace_outside_strings(text, pattern, replacement)
        if one != text:
            yield one
        everything = _replace_outside_strings(everything, pattern, replacement)
    if everything != text:
        yield everything


def _with_ended_param_blocks(text: str) -> str:
    """`param(...)` with a semicolon behind it where code follows in the same line."""
    masked = _masked(text)
    ends: list[int] = []
    for found in re.finditer(r"\bparam\s*\(", masked, re.IGNORECASE):
        depth, position = 1, found.end()
        while depth and position < len(masked):
            depth += {"(": 1, ")": -1}.get(masked[position], 0)
            position += 1
        if re.match(r"[ \t]*[^\s;}]", masked[position:]):
            ends.append(position)
    for position in reversed(ends):
        text = f"{text[:position]};{text[position:]}"
    return text


def _replace_outside_strings(text: str, pattern: re.Pattern[str], new: str) -> str:
    pieces: list[str] = []
    position = 0
    for found in pattern.finditer(_masked(text)):
        pieces.append(text[position : found.start()])
        pieces.append(found.expand(new))
        position = found.end()
    pieces.append(text[position:])
    return "".join(pieces)
