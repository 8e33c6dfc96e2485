"""Finds the secrets in URLs, and the other forms in which a secret may appear.

Both engines ask it: `codetracer.runtime.secrets`, and `native/engine/secrets.c` once for each
secret.

It has no regexes, because `re` takes milliseconds to load, and most programs have no secret.
"""

from __future__ import annotations

from codetracer.own import seal
from codetracer.runtime.utf8 import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from codetracer.filters.names import SecretNames

    type Span = tuple[int, int]
    type Found = tuple[bytes, int, int]
    """The scheme of a URL or the name of a parameter, and the place of what is secret."""

__all__ = ["ITEMS", "LOOKED_AHEAD", "PLACEHOLDER", "PREFIX", "SHORTEST", "SecretForms"]

seal(globals())

PLACEHOLDER: Final = b"<redacted>"
"""The text that replaces a secret inside a longer text."""

SHORTEST: Final = 6
"""The least number of characters of a remembered secret. A shorter one is hidden only where it has
a secret name, because its text appears in too many other texts."""

VARIETY: Final = 3
"""The least number of different bytes of a secret: ``******`` and zeros are not remembered."""

PREFIX: Final = 6
"""The number of first bytes of a secret by which texts are searched."""

LOOKED_AHEAD: Final = 256
"""The number of bytes of a secret that are compared, and of those searched after a text's cut."""

PIECE: Final = 16
"""The size in bytes of the pieces in which the rest of a long secret is remembered."""

LONGEST_KNOWN: Final = 1 << 12
"""The number of first bytes of a secret that are remembered in pieces."""

ITEMS: Final = 100
"""The number of items of each container that are searched."""

SHORTEST_LINE: Final = 16
"""The least number of bytes of a line of a secret that is remembered as a separate secret."""

_SCHEMES: Final = frozenset([b"basic", b"bearer", b"digest", b"negotiate", b"token", b"apikey"])
"""The schemes of authorization, which stand before the secret."""

_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = b"0123456789"
_HEX_DIGITS: Final = _DIGITS + b"ABCDEFabcdef"
_UNRESERVED: Final = frozenset(_LETTERS + _DIGITS + b"_.~-")
_SCHEME_BYTES: Final = frozenset(_LETTERS + _DIGITS + b"+.-")
_LONGEST_SCHEME: Final = 31
_PARAMETER_BYTES: Final = frozenset(_LETTERS + _DIGITS + b"_.[]%$-")
_LONGEST_PARAMETER: Final = 100
_BEFORE_PARAMETER: Final = frozenset(b"?&#;")

_STOP: Final = b" "
_BLANKS: Final = b" \t\n\r\f\v"
_END_USERINFO: Final = bytes.maketrans(stops := _BLANKS + b"/?#'\"<>\\", _STOP * len(stops))
_END_PARAMETER: Final = bytes.maketrans(stops := _BLANKS + b"&#'\"<>\\", _STOP * len(stops))
"""Tables for `bytes.translate`, which turn each byte that ends the text into `_STOP`."""


class SecretForms:
    """Finds the forms of secrets.

    Parameters:
        names: decides which names are secret.
    """

    def __init__(self, names: SecretNames) -> None:
        self._names = names

    def parts(self, data: bytes) -> list[bytes]:
        """Return the forms of a secret text to remember: none, one or several.

        Parameters:
            data: the text; UTF-8 if it was a `str`.
        """
        text = data.strip()
        words = text.split(None, 1)
        if len(words) == 2 and words[0].lower() in _SCHEMES:
            text = words[1]
        found = [text, *self.urls(text)[1]]
        plain = text_of(text)
        if plain is not None:
            # The form in messages that show its repr.
            found.append(repr(plain)[1:-1].encode("utf-8", "surrogatepass"))
        # `Secrets.masked` hides only the compared part of a secret, and these pieces of the rest.
        found += [
            text[at : at + PIECE]
            for at in range(LOOKED_AHEAD, min(len(text), LONGEST_KNOWN), PIECE)
        ]
        if len(text) <= LOOKED_AHEAD and b"\n" not in text:
            found += [_unquoted(text), _quoted(text)]
        elif b"\n" in text:
            lines = text.splitlines()[:ITEMS]
            found += [line.strip() for line in lines if len(line.strip()) >= SHORTEST_LINE]
        return [part for part in dict.fromkeys(found) if self._is_told(part)]

    def _is_told(self, part: bytes) -> bool:
        """Return whether a text is long and unusual enough to be recognized again."""
        plain = text_of(part)
        size = len(part) if plain is None else len(plain)
        if size < SHORTEST or len(part) < PREFIX or len({*part[:LOOKED_AHEAD]}) < VARIETY:
            return False
        if part == PLACEHOLDER:
            return False
        return plain is None or not self._names.is_word(plain)

    def urls(self, data: bytes) -> tuple[list[Span], list[bytes]]:
        """Return the places of secrets in the URLs of a text, and the secrets to remember.

        Parameters:
            data: the text; UTF-8 if it was a `str`.
        """
        spans: list[Span] = []
        secrets: list[bytes] = []
        if self._names.readers_only:
            return spans, secrets
        for scheme, start, end in _userinfos(data):
            spans.append((start, end))
            userinfo = data[start:end]
            _, colon, password = userinfo.partition(b":")
            if colon:
                secrets += [password, _unquoted(password)]
            elif scheme.lower() in (b"http", b"https"):
                # Without a password, the name is the secret: a token, for instance.
                secrets += [userinfo, _unquoted(userinfo)]
        for name, start, end in _parameters(data):
            if self._names.is_parameter(name.decode()):
                spans.append((start, end))
                secrets += [data[start:end], _unquoted(data[start:end])]
        return sorted(spans), [text for text in dict.fromkeys(secrets) if self._is_told(text)]


def _userinfos(data: bytes) -> list[Found]:
    """Return the scheme of each URL with a userinfo, and the place of that."""
    found = []
    marked = data.translate(_END_USERINFO)
    done = 0
    at = data.find(b"://")
    last = data.rfind(b"@")
    while 0 <= at < last:
        begin = at
        least = max(done, at - _LONGEST_SCHEME)
        while begin > least and data[begin - 1] in _SCHEME_BYTES:
            begin -= 1
        # It begins with a letter.
        scheme = data[begin:at].lstrip(_DIGITS + b"+.-")
        start = at + 3
        if scheme:
            stop = marked.find(_STOP, start)
            end = data.rfind(b"@", start + 1, len(data) if stop < 0 else stop)
            if end >= 0:
                found.append((scheme, start, end))
                start = done = end + 1
        at = data.find(b"://", start)
    return found


def _parameters(data: bytes) -> list[Found]:
    """Return the name of each parameter of URLs with a value, and the place of that."""
    found = []
    marked = data.translate(_END_PARAMETER)
    done = 0
    at = data.find(b"=")
    while at >= 0:
        begin = at
        # One before the name.
        least = max(done, at - _LONGEST_PARAMETER - 1)
        while begin > least and data[begin - 1] in _PARAMETER_BYTES:
            begin -= 1
        start = at + 1
        if least < begin < at and data[begin - 1] in _BEFORE_PARAMETER:
            stop = marked.find(_STOP, start)
            end = len(data) if stop < 0 else stop
            if end > start:
                found.append((data[begin:at], start, end))
                start = done = end
        at = data.find(b"=", start)
    return found


def _quoted(data: bytes) -> bytes:
    return b"".join([bytes((byte,)) if byte in _UNRESERVED else b"%%%02X" % byte for byte in data])


def _unquoted(data: bytes) -> bytes:
    first, *rest = data.split(b"%")
    parts = [first]
    for part in rest:
        if len(part) >= 2 and part[0] in _HEX_DIGITS and part[1] in _HEX_DIGITS:
            parts += [bytes((int(part[:2], 16),)), part[2:]]
        else:
            parts += [b"%", part]
    return b"".join(parts)
