"""Dict and string work: the names of HTML's characters, counted, grouped and enciphered."""

import html.entities

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def count(word: str) -> dict[str, int]:
    """Return how often each letter is in a word."""
    counts: dict[str, int] = {}
    for letter in word.lower():
        counts[letter] = counts.get(letter, 0) + 1
    return counts


def signature(word: str) -> str:
    """Return what is the same for two words of the same letters."""
    counts = count(word)
    parts: list[str] = []
    for letter in sorted(counts):
        part = letter if counts[letter] == 1 else f"{letter}{counts[letter]}"
        parts.append(part)
    return "".join(parts)


def encipher(word: str, key: str) -> str:
    """Return a word as Vigenere's cipher writes it."""
    written = ""
    for place, letter in enumerate(word):
        if letter in ALPHABET:
            shift = ALPHABET.index(key[place % len(key)])
            letter = ALPHABET[(ALPHABET.index(letter) + shift) % len(ALPHABET)]
        written += letter
    return written


def run_lengths(text: str) -> str:
    """Return a text with its repeated letters counted."""
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = start
        while end < len(text) and text[end] == text[start]:
            end += 1
        pieces.append(f"{end - start}{text[start]}" if end - start > 1 else text[start])
        start = end
    return "".join(pieces)


def main() -> None:
    groups: dict[str, int] = {}
    lengths: dict[int, int] = {}
    checksum = 0
    for name in sorted(html.entities.html5)[::3]:
        first = signature(name)[:1]
        groups[first] = groups.get(first, 0) + 1
        written = run_lengths(encipher(name, "python"))
        lengths[len(written)] = lengths.get(len(written), 0) + 1
        for letter in written:
            checksum = (checksum * 31 + ord(letter)) % 1_000_003
    print(sorted(groups.items()))
    print(sorted(lengths.items()))
    print(checksum)


main()
