# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Split the value of a variable into arguments, as systemd does for $VAR in ExecStart=.

This is a second parser after that of the file: it takes quotes and backslashes out of the *value*, wherever they
stand in a word, and forgives what is left open at the end. Source: systemd's extract_first_word() with the flags
that replace_env_argv() gives it; the tests compare with the library itself.
"""

from collections import namedtuple

from .sysconfig import WHITESPACE

# text: bytes, the argument; start, end: where it stands in the value
Word = namedtuple("Word", "text start end")


def split(value):
    """Split a value into Words.

    :param value: bytes
    :returns: list of Word; an empty quoted word is a word
    """
    words = []  # type: list
    offset = 0
    while True:
        while offset < len(value) and value[offset : offset + 1] in WHITESPACE:
            offset += 1
        if offset >= len(value):
            return words
        word = _word(value, offset)
        words.append(word)
        offset = word.end


def texts(value):
    """Split a value into arguments (list of bytes), without their places."""
    return [word.text for word in split(value)]


def _word(value, start):
    """Read the one word that begins at an offset which is not whitespace."""
    text = bytearray()
    quote = b""
    offset = start
    while offset < len(value):
        char = value[offset : offset + 1]
        if char == b"\\":  # inside quotes too; at the very end it is dropped
            text += value[offset + 1 : offset + 2]
            offset += 1
        elif quote:
            if char == quote:
                quote = b""
            else:
                text += char
        elif char in (b"'", b'"'):
            quote = char
        elif char in WHITESPACE:
            break
        else:
            text += char
        offset += 1
    return Word(bytes(text), start, min(offset, len(value)))
