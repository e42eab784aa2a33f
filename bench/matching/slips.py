"""What happens to a detail on its way from a child to an enquiry: heard, typed, transliterated, shortened, mistaken.

Each function takes one right detail and returns it as somebody might give it. Nothing here knows how matching works.
"""

import re
from calendar import monthrange
from datetime import date, timedelta
from random import Random

from registry_api.matching.names import fold

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_HEARD = (
    ("ph", "f"), ("f", "ph"), ("c", "k"), ("k", "c"), ("ck", "k"), ("y", "ie"), ("ie", "y"), ("ei", "ie"),
    ("ee", "ea"), ("ai", "ay"), ("s", "z"), ("z", "s"), ("th", "t"), ("gh", ""), ("e", ""), ("ow", "au"), ("v", "w"),
    ("i", "e"), ("o", "u"), ("mm", "m"), ("n", "m"), ("a", "e"), ("x", "cks"), ("j", "g"), ("qu", "kw"), ("dge", "ge"),
)  # fmt: skip
"""Spellings that sound alike, or nearly so over a bad line."""

_SPELLINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "Pakistani and Bangladeshi": (("oo", "u"), ("u", "oo"), ("ee", "i"), ("i", "ee"), ("q", "k"), ("ah", "a"),
                                  ("kh", "k"), ("ss", "s"), ("mm", "m"), ("ai", "ei"), ("a", "aa"), ("ou", "u")),
    "Arabic": (("ou", "u"), ("u", "ou"), ("ee", "i"), ("ei", "ai"), ("q", "k"), ("al-", "el-"), ("el-", "al "),
               ("kh", "k"), ("dh", "d"), ("ss", "s"), ("h", ""), ("y", "i"), ("sh", "ch"), ("aa", "a")),
    "East African": (("x", "h"), ("dh", "d"), ("aa", "a"), ("i", "ii"), ("c", ""), ("q", "k"), ("u", "oo")),
    "West African": (("ou", "u"), ("ss", "s"), ("ch", "sh"), ("h", ""), ("kw", "qu"), ("y", "i"), ("dj", "j")),
    "Polish": (("w", "v"), ("sz", "sh"), ("cz", "ch"), ("j", "y"), ("rz", "z"), ("ska", "ski"), ("ł", "w"), ("ó", "u")),
    "Romanian": (("ș", "sh"), ("ț", "ts"), ("ă", "a"), ("c", "k"), ("iu", "u"), ("escu", "esku")),
    "Chinese": (("x", "sh"), ("zh", "j"), ("q", "ch"), ("ng", "n"), ("ou", "ow"), ("-", " "), (" ", "")),
    "Turkish": (("ş", "sh"), ("ç", "ch"), ("ı", "i"), ("ğ", "g"), ("ü", "u"), ("c", "j")),
    "Indian": (("ee", "i"), ("oo", "u"), ("v", "w"), ("sh", "s"), ("th", "t"), ("kar", "ker"), ("i", "ee"), ("y", "i")),
    "Portuguese": (("ão", "ao"), ("ç", "c"), ("lh", "ll"), ("z", "s"), ("ph", "f"), ("nh", "n")),
    "Irish": (("O'", "O "), ("O'", ""), ("Mc", "Mac"), ("ao", "ee"), ("bh", "v"), ("gh", "g")),
    "Scottish": (("Mac", "Mc"), ("Mc", "Mac "), ("ae", "a"), ("Mac", "M'")),
    "Welsh": (("dd", "d"), ("ff", "f"), ("w", "u"), ("y", "i"), ("rh", "r"), ("ll", "l")),
    "Norman": (("Le ", "Le"), ("De ", "de"), ("De ", ""), ("Le ", ""), ("qu", "k"), ("é", "e")),
    "French": (("é", "e"), ("eau", "o"), ("ph", "f"), ("ette", "et"), ("ie", "y")),
    "Filipino": (("de ", "De"), ("dela ", ""), ("z", "s"), ("c", "k"), ("y", "i")),
}  # fmt: skip
"""How names of an origin are written when they are taken down by somebody who does not know them."""

_SEVERAL = (
    "Mohammed Muhammad Mohammad Mohamed Mohamad Muhammed",
    "Aisha Ayesha Aysha Aicha Aisha",
    "Yusuf Yousef Yusef Youssef Yousuf",
    "Hussain Hussein Husain Hossain",
    "Ahmed Ahmad Ahmet",
    "Zainab Zaynab Zeinab",
    "Fatima Fatimah Fatema Fatma",
    "Abdullah Abdallah Abdulla",
    "Chaudhry Chowdhury Choudhury Choudhry",
    "Catherine Katherine Kathryn Catharine",
    "Stephen Steven Stefan",
    "Sarah Sara",
    "Sophie Sofie",
    "Sean Shaun Shawn",
    "Niamh Neve",
    "Isabelle Isabel Isobel",
    "Osman Usman Uthman",
    "Khadija Khadijah Kadija",
    "Ibrahim Ebrahim",
    "Sheikh Shaikh Sheik",
)
_VARIANTS = {word: group.split() for group in _SEVERAL for word in group.split()}


def spellings(name: str) -> list[str]:
    """Return the ways in which one given name is written."""
    return _VARIANTS.get(name, [])


def typed(random: Random, text: str) -> str:
    """Return ``text`` with one slip of the keyboard."""
    letters = [i for i, c in enumerate(text) if c.isalpha()]
    if len(letters) < 3:
        return text
    at = random.choice(letters[1:] if random.random() < 0.85 else letters)
    kind = random.random()
    if kind < 0.25 and at + 1 < len(text):
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind < 0.5:
        return text[:at] + text[at + 1 :]
    if kind < 0.65:
        return text[:at] + text[at] + text[at:]
    row = next((row for row in _KEYS if text[at].lower() in row), "")
    if not row:
        return text[:at] + text[at + 1 :]
    near = row[max(0, row.index(text[at].lower()) - 1) : row.index(text[at].lower()) + 2]
    new = random.choice(near.replace(text[at].lower(), "") or "e")
    return text[:at] + new + text[at + (kind < 0.85) :]


def heard(random: Random, text: str) -> str:
    """Return ``text`` as another spelling of the same sounds."""
    return _respelt(random, text, _HEARD)


def transliterated(random: Random, text: str, origin: str) -> str:
    """Return a name of ``origin`` as another hand writes it."""
    words = text.split()
    for i, word in enumerate(words):
        if word in _VARIANTS:
            words[i] = random.choice([other for other in _VARIANTS[word] if other != word] or [word])
            return " ".join(words)
    return _respelt(random, text, _SPELLINGS.get(origin, _HEARD))


def _respelt(random: Random, text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    fits = [(a, b) for a, b in pairs if a in text.lower() or a in text]
    if not fits or len(text) < 3:
        return text
    a, b = random.choice(fits)
    places = [m.start() for m in re.finditer(re.escape(a), text, re.IGNORECASE)]
    at = random.choice(places)
    new = text[:at] + b + text[at + len(a) :]
    return new if len(fold(new).replace(" ", "")) > 1 else text


def unaccented(text: str) -> str:
    """Return ``text`` as a keyboard without accents has it."""
    return fold(text).title()


def day_slip(random: Random, born: date) -> date:
    """Return a date with day and month swapped, one digit wrong, or one part wrong."""
    kind = random.random()
    if kind < 0.3 and born.day <= 12 and born.day != born.month:
        return born.replace(month=born.day, day=born.month)
    if kind < 0.75:
        for _ in range(20):
            digits = list(born.strftime("%Y%m%d"))
            at = random.choice((3, 5, 6, 7, 7, 7))
            digits[at] = random.choice("0123456789")
            if (new := _date("".join(digits))) and new != born:
                return new
    if kind < 0.85:
        return born + timedelta(days=random.choice((-1, 1)))
    if kind < 0.93:
        year = born.year + random.choice((-1, 1))
        return born.replace(year=year, day=min(born.day, monthrange(year, born.month)[1]))
    return born.replace(day=random.randint(1, 28))


def _date(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


_SHORT = {
    "Road": "Rd", "Street": "St", "Avenue": "Ave", "Lane": "Ln", "Close": "Cl", "Drive": "Dr", "Gardens": "Gdns",
    "Court": "Ct", "Terrace": "Terr", "Crescent": "Cres", "Place": "Pl", "Square": "Sq", "Grove": "Gr", "Park": "Pk",
}  # fmt: skip


def address_lines(random: Random, lines: str) -> str:
    """Return the lines of an address as they are typed at three in the morning."""
    if random.random() < 0.5:
        for word, short in _SHORT.items():
            lines = re.sub(rf"\b{word}\b", short, lines)
    flat = re.match(r"Flat (\d+), (\d+) (.*)", lines, re.DOTALL)
    if flat:
        style = random.random()
        if style < 0.25:
            lines = f"{flat[1]}/{flat[2]} {flat[3]}"
        elif style < 0.4:
            lines = f"Apt {flat[1]} {flat[2]} {flat[3]}"
        elif style < 0.55:
            lines = f"{flat[2]} {flat[3]}"
        elif style < 0.65:
            lines = f"{flat[2]} {flat[3]}, flat {flat[1]}"
    if random.random() < 0.35:
        lines = lines.rpartition(",")[0] or lines  # without the town
    if random.random() < 0.4:
        lines = lines.replace(",", "")
    if random.random() < 0.3:
        lines = lines.lower()
    return typed(random, lines) if random.random() < 0.12 else lines


def postcode(random: Random, code: str) -> str:
    """Return a postcode as typed."""
    kind = random.random()
    if kind < 0.35:
        code = code.replace(" ", "")
    if kind < 0.15:
        code = code.lower()
    if random.random() < 0.03:
        code = code.replace("0", "O") if "0" in code else code.replace("1", "I")
    if random.random() < 0.03:
        at = random.choice([i for i, c in enumerate(code) if c.isalpha()])
        code = code[:at] + random.choice("ABDEFGHJLNPQRSTUWXYZ") + code[at + 1 :]
    return code


def nhs_slip(random: Random, number: str) -> str:
    """Return an NHS number with two digits changed about, so that its check digit hardly ever holds."""
    at = random.randrange(3, 9)
    return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
