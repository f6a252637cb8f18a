"""The little language of a backend's filter_function and goodness_function, as upstream's: numbers,
texts and names of facts (volume.size, capabilities.free_capacity_gb, stats., extra., qos.) with
+ - * / ^, < <= > >= == !=, and or not (&& || !), a ? b : c, abs min max. Read once, with bounds on
its length and its depth; it can call nothing else and loops nowhere.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

LONGEST, DEEPEST, HIGHEST = 1000, 30, 1e30

Facts = Mapping[str, Mapping[str, Any]]
Node = Callable[[Facts], Any]
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d{1,2})?|\.\d+)|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<name>[A-Za-z_][\w.]*)|(?P<sign>&&|\|\||[<>=!]=|[-+*/^<>!?:(),]))")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b}
_COUNT: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b, "^": lambda a, b: a ** b}
_CALLS: dict[str, Callable[..., Any]] = {"abs": abs, "min": min, "max": max}


class BadExpression(ValueError):
    """Not of the language, or not to be answered with these facts."""


def evaluate(text: str, facts: Facts) -> Any:
    """What the text comes to: a number, a truth or a text. Raises BadExpression."""
    try:
        return _read(text)(facts)
    except (ArithmeticError, TypeError, ValueError, RecursionError) as error:
        raise BadExpression(str(error)) from error


@lru_cache(256)
def _read(text: str) -> Node:
    if len(text) > LONGEST:
        raise BadExpression(f"it is longer than {LONGEST} characters")
    return _Reader(text).whole()


class _Reader:
    """Reads by descent: each level of precedence is a method that asks the next."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.at, self.depth = 0, 0

    def whole(self) -> Node:
        node = self.choice()
        if self.at < len(self.tokens):
            raise BadExpression(f"'{self.tokens[self.at][1]}' is not understood")
        return node

    def choice(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadExpression(f"it is nested deeper than {DEEPEST}")
        asked = self.either()
        if self.take("?"):
            yes = self.choice()
            self.need(":")
            no = self.choice()
            asked = _choice(asked, yes, no)
        self.depth -= 1
        return asked

    def either(self) -> Node:
        node = self.both()
        while self.take("or", "||"):
            node = _or(node, self.both())
        return node

    def both(self) -> Node:
        node = self.negation()
        while self.take("and", "&&"):
            node = _and(node, self.negation())
        return node

    def negation(self) -> Node:
        turned = False
        while self.take("not", "!"):
            turned = not turned
        node = self.comparison()
        return (lambda facts: not node(facts)) if turned else node

    def comparison(self) -> Node:
        node = self.sum()
        while sign := self.take(*_COMPARE):
            node = _pair(_COMPARE[sign], node, self.sum())
        return node

    def sum(self) -> Node:
        node = self.product()
        while sign := self.take("+", "-"):
            node = _number(_COUNT[sign], node, self.product())
        return node

    def product(self) -> Node:
        node = self.signed()
        while sign := self.take("*", "/"):
            node = _number(_COUNT[sign], node, self.signed())
        return node

    def signed(self) -> Node:
        minus = False
        while sign := self.take("-", "+"):
            minus ^= sign == "-"
        node = self.power()
        return (lambda facts: -node(facts)) if minus else node

    def power(self) -> Node:
        node = self.atom()
        while self.take("^"):
            node = _number(_COUNT["^"], node, self.atom())
        return node

    def atom(self) -> Node:
        if self.take("("):
            node = self.choice()
            self.need(")")
            return node
        if self.at >= len(self.tokens):
            raise BadExpression("it ends too early")
        kind, word = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            value = float(word)
            return lambda facts: value
        if kind == "text":
            return lambda facts: word[1:-1]
        if kind == "name" and word in _CALLS and self.take("("):
            return self.call(_CALLS[word])
        if kind == "name":
            return lambda facts: _fact(facts, word)
        raise BadExpression(f"'{word}' is not understood")

    def call(self, func: Callable[..., Any]) -> Node:
        parts = [self.choice()]
        while self.take(","):
            parts.append(self.choice())
        self.need(")")
        if len(parts) == 1 and func is not abs:
            return parts[0]
        return lambda facts: func(*(part(facts) for part in parts))

    def take(self, *words: str) -> str:
        if self.at < len(self.tokens):
            kind, word = self.tokens[self.at]
            if word in words and kind != "text":
                self.at += 1
                return word
        return ""

    def need(self, word: str) -> None:
        if not self.take(word):
            raise BadExpression(f"'{word}' is missing")


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadExpression(f"'{text[at:at + 20].strip()}' is not understood")
        tokens.append((str(match.lastgroup), match[match.lastgroup or 0]))
        at = match.end()
    return tokens


def _choice(asked: Node, yes: Node, no: Node) -> Node:
    return lambda facts: yes(facts) if asked(facts) else no(facts)


def _or(left: Node, right: Node) -> Node:
    return lambda facts: bool(left(facts) or right(facts))


def _and(left: Node, right: Node) -> Node:
    return lambda facts: bool(left(facts) and right(facts))


def _pair(func: Callable[[Any, Any], bool], left: Node, right: Node) -> Node:
    return lambda facts: func(left(facts), right(facts))


def _number(func: Callable[[float, float], float], left: Node, right: Node) -> Node:
    def count(facts: Facts) -> float:
        value = func(float(left(facts)), float(right(facts)))
        if isinstance(value, complex) or not abs(value) <= HIGHEST:
            raise BadExpression("it comes to no number that is of use")
        return value

    return count


def _fact(facts: Facts, name: str) -> Any:
    """Raises BadExpression for what nobody said."""
    group, _, key = name.partition(".")
    value = facts.get(group, {}).get(key)
    if value is None:
        if name.lower() in ("true", "false"):
            return name.lower() == "true"
        raise BadExpression(f"nothing is said of {name}")
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
