"""Tokens of sentences as the Penn Treebank has them, without Java.

COCO's evaluation of captions takes tokens from Stanford's PTBTokenizer (CoreNLP
3.4.1, ``-preserveLines -lowerCase``) and drops some punctuation; all scores depend on
that. The rules here were found by giving sentences to that program;
``docs/captioning.md`` says on how many sentences of published data sets both agree.
"""

from __future__ import annotations

import re

#: Tokens that COCO's evaluation drops. Brackets are in its list in capitals, so that
#: ``-lrb-`` and ``-rrb-`` of lower-cased text stay, and so do ``!!`` and ``?!``.
PUNCTUATION = frozenset(
    "'' ' `` ` -LRB- -RRB- -LCB- -RCB- . ? ! , : - -- ... ;".split(" ")
)

_SAME = {
    "\u2018": "`", "\u2019": "'", "\u201c": "``", "\u201d": "''", "\u2026": "...",
    "\u2013": "--", "\u2014": "--", "\u00ad": "", "\u00a0": " ", "\u20ac": "$",
    "\u00a3": "#", "\u00bc": "1/4", "\u00bd": "1/2", "\u00be": "3/4",
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"',
}  # fmt: skip
_REPLACED = re.compile("|".join(map(re.escape, _SAME)) + "|[\U00010000-\U0010ffff]")
_NAMED = {
    '"': "''",
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
}  # fmt: skip

# Their full stop belongs to them; of the next lists it does so if they begin with a
# capital, and before a number.
_ABBREVIATIONS = """
    mr mrs ms dr drs prof profs sen sens rep reps atty attys lt col gen messrs gov govs
    adm rev maj sgt cpl pvt capt st ste ave pres lieut hon brig comdr cmdr pfc spc supt
    supts det mt ft adj adv asst assoc ens insp mlle mme msgr sfc jr sr bros esq inc co
    cos corp pty ptys ltd plc bancorp dept bhd assn univ intl sys ph tel est ext sq
    ph\\.d jan feb mar apr jun jul aug sept sep oct nov dec mon tues tue wed thurs thu
    fri etc al seq blvd rd vs calif conn fla colo mich minn ariz penn wis okla neb nev
    ind kan ky ga ala md mo mont tenn va vt wyo dak ct bldg cf elec treas natl mfg jos
    wm alex""".split()
_CAPITALIZED = "Miss Mass Tex Wash Ore Ill La Ark Del Pa".split()
_NUMBERED = "nos? pp fig tel prop art".split()

_START, _END = r"(?<![^\W_])", r"(?![^\W_])"  # no letter and no digit beside it
_LETTER = r"[^\W\d_]"
_LETTERS = rf"(?:(?!n't{_END})[^\W_])"  # up to the "n't" of "isn't"
_WORD = rf"(?!n't{_END}){_LETTER}{_LETTERS}*(?:_[^\W_]+)*"
_TWO_WORDS = "cannot|gonna|wanna|gotta|gimme|lemme"  # the first has three letters
_TOKENS = re.compile(
    "|".join(
        [
            r"(?:https?://|www\.)[^\s<>|`\"']+",
            r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",  # an address
            r"</?[a-z][^<>]*>",
            r"(?P<face>[:;=]-?[()])",
            rf"(?P<two>{_START}(?:{_TWO_WORDS}){_END})",
            r"y'(?=all\b)|'t(?=is\b|was\b)|'n'|'(?:em|cause|til)\b|'\d0s\b",
            rf"(?:n't|'(?:s|m|d|re|ve|ll)){_END}",
            rf"{_START}(?:{_LETTER}\.)+{_LETTER}{_END}\.?",  # u.s.
            rf"{_START}(?:{'|'.join(_ABBREVIATIONS)})\.{_END}",
            rf"{_START}(?-i:{'|'.join(_CAPITALIZED)})\.{_END}",
            rf"{_START}(?:{'|'.join(_NUMBERED)})\.(?=\s*\d)",
            rf"{_START}{_LETTER}\.(?![^\W_]|\.)",  # an initial
            rf"{_START}(?-i:[A-Z]+(?:&[A-Z]+)+){_END}",
            r"[-+]?(?<![^\W_])\d+(?:[.,:/]\d+)+(?:-[^\W_]+)*",
            r"[-+]?(?<![^\W_])\d+[^\W_]*(?:-[^\W_]+)*|\.\d+",
            rf"(?:[dol]'(?={_LETTER}{{2}}))?{_WORD}(?:[-/.@]{_WORD}|-\d[^\W_]*)*",
            r"[?!]+|\.\.\.|--+|''|``|\*+|[@#](?=[^\W\d_])[^\W_]+",
            r"\S",
        ]
    ),
    re.IGNORECASE,
)


def tokenize(sentence: str) -> list[str]:
    """The tokens that scores of captions are counted on: lower case, few marks.

    Args:
        sentence: Any text; a line end counts as a space.
    """
    return [one for one in treebank_tokens(sentence) if one not in PUNCTUATION]


def treebank_tokens(sentence: str) -> list[str]:
    """All tokens, with marks, in lower case; every quotation mark is a closing one."""
    text = _REPLACED.sub(lambda found: _SAME.get(found[0], ""), sentence)
    tokens: list[str] = []
    for found in _TOKENS.finditer(text):
        token = found[0].lower()
        if found["two"]:
            tokens += [token[:3], token[3:]]
        elif found["face"]:
            tokens.append(token[:-1] + _NAMED[token[-1]])
        elif token.startswith("--"):
            tokens.append("--")
        else:
            tokens.append(_NAMED.get(token, token))
    return tokens
