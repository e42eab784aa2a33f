"""The vocabulary of addresses: street types, buildings, floors and parishes, as people abbreviate them."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TYPES = {
    "avenue": "ave av",
    "close": "cl",
    "court": "ct crt",
    "crescent": "cres cresc",
    "drive": "dr drv",
    "gardens": "gdns gdn garden",
    "green": "grn",
    "grove": "gr grv",
    "hill": "",
    "lane": "ln la",
    "mews": "",
    "parade": "pde",
    "park": "pk",
    "place": "pl",
    "quay": "",
    "rise": "",
    "road": "rd",
    "row": "",
    "square": "sq",
    "street": "str",
    "terrace": "terr ter tce",
    "view": "vw",
    "walk": "wlk",
    "way": "wy",
}
STREET_TYPES = frozenset(_TYPES)
ABBREVIATIONS = {short: word for word, shorts in _TYPES.items() for short in shorts.split() if short != "la"}
ABBREVIATIONS |= {"hse": "house", "cott": "cottage", "cotts": "cottages", "fm": "farm", "bldgs": "buildings"}

FRENCH_TYPES = _words("avenue boulevard chemin clos mont route rue ruelle ruette vallee")
"""Types that stand before the name, as in Jersey and Guernsey: the whole phrase is then the street."""

FRENCH_PARTICLES = _words("a au aux d de des du en et l la le les")
ARTICLES = FRENCH_PARTICLES | frozenset({"of", "the"})

SHARED_BUILDINGS = _words("apartments block buildings court flats heights house lodge mansions point tower towers")
"""A number before one of these is a flat in it when a street follows: 12 Rose Court, High Street."""

BUILDINGS = SHARED_BUILDINGS | _words(
    "annexe barn bungalow cottage cottages farm farmhouse grange hall manor mill rectory stables vicarage villa"
)

COMMON_STREETS = _words(
    "church high main station park london victoria green manor king kings queen queens new mill school york "
    "springfield grange george windsor"
)
"""Found in nearly every town: with a number alone such a street does not tell one address from another's."""

SAINTS = _words("andrew brelade clement helier john lawrence martin mary ouen peter sampson saviour")
"""Of whom the parishes of Jersey and Guernsey are named."""

PARISH = re.compile(
    rf"(?:^|(?<!\bde)(?<!\bdu)(?<!\bof) )(saint (?:peter port|{'|'.join(sorted(SAINTS))})"
    r"|trinity|grouville|torteval)$"
)
"""A parish at the end of a segment; "rue de saint jean" is a street."""

WIDER_PLACES = frozenset(
    ["jersey", "guernsey", "channel islands", "ci", "uk", "united kingdom", "england", "great britain"]
)

FLOORS = (
    (re.compile(r"\b(?:basement|bsmt|lower ground|lgff?)(?: (?:floor|flr))?(?: flat(?! \w{1,3}\b))?"), "flat basement"),
    (re.compile(r"\b(?:gff?|ground (?:floor|flr))(?: flat(?! \w{1,3}\b))?"), "flat ground"),
    (re.compile(r"\b(?:fff|(?:first|1st) (?:floor|flr))(?: flat(?! \w{1,3}\b))?"), "flat first"),
    (re.compile(r"\b(?:sff|(?:second|2nd) (?:floor|flr))(?: flat(?! \w{1,3}\b))?"), "flat second"),
    (re.compile(r"\b(?:tff|top (?:floor|flr))(?: flat(?! \w{1,3}\b))?"), "flat top"),
    (re.compile(r"\b(garden|top|attic) flat(?! \w{1,3}\b)"), r"flat \1"),
)
UNIT = re.compile(r"\b(?:apartment|appartment|apt|flt|maisonette|room|rm|studio|unit)\b")
FLAT = re.compile(r"\bflat(?: (?:no|nr|number))? (\d+[a-z]?|[a-z]\d*|basement|ground|first|second|top|garden|attic)\b")
