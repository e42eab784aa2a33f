"""How common a name is: agreeing on Smith says less than agreeing on a rare name.

Three classes rather than a table of counts: counts taken from the register would tell of it, and finer steps do not
change a decision. The lists are names that are everyday ones in England, Wales and Jersey, written down from general
knowledge and not fitted to any count, with the spellings of the one name Muhammad together.
"""

from math import log10

from registry_api.matching.weights import COMMONEST

_VERY_COMMON_GIVEN = (
    "jack oliver harry george thomas james william joshua daniel mohammed muhammad mohammad mohamed ali ahmed "
    "olivia amelia emily jessica sophie chloe charlotte grace emma ella lily isla ava"
)
_COMMON_GIVEN = (
    "charlie jacob alfie oscar noah leo max lucas ethan samuel joseph benjamin alexander luke matthew adam ryan "
    "michael david john robert andrew christopher liam connor callum jake lewis nathan jayden tyler logan archie "
    "henry freddie theo theodore arthur isaac edward finley sebastian toby dylan harrison louis ben jamie kieran "
    "cameron aaron rhys owen harvey bradley kyle jordan riley reuben tommy teddy hugo ibrahim yusuf hassan omar "
    "mia poppy isabella evie ruby freya scarlett sienna phoebe alice daisy lucy hannah holly megan lauren katie "
    "bethany georgia rebecca rachel sarah laura amy eleanor ellie millie leah matilda maya lola florence willow "
    "rosie ivy elsie imogen erin elizabeth molly abigail caitlin jasmine aisha fatima maryam zara anna maria "
    "sofia evelyn harriet maisie summer lilly layla amber eva martha zoe courtney shannon nicole natasha"
)
_VERY_COMMON_FAMILY = "smith jones williams taylor brown davies patel khan ali hussain ahmed begum singh"
_COMMON_FAMILY = (
    "evans wilson thomas roberts johnson lewis walker robinson wood thompson white watson jackson wright green "
    "harris cooper king lee martin clarke james morgan hughes edwards hill moore clark harrison scott young morris "
    "hall ward turner carter phillips mitchell patel adams campbell anderson allen cook bailey parker miller davis "
    "murphy price bell baker griffiths kelly simpson marshall collins bennett cox richardson fox gray rose chapman "
    "hunt robertson shaw reynolds lloyd ellis richards russell wilkinson khan graham stewart reid murray powell "
    "palmer holmes rogers stevens walsh hunter thomson matthews ross owen mason knight kennedy butler saunders "
    "shah akhtar bibi kaur miah uddin rahman islam malik mohamed mohammed hassan chowdhury silva dossantos fernandes "
    "nowak gomes desousa lesueur legallais renouf"
)


def _log10(name: str) -> float:
    return log10(COMMONEST[name])


_GIVEN = dict.fromkeys(_COMMON_GIVEN.split(), _log10("common"))
_GIVEN |= dict.fromkeys(_VERY_COMMON_GIVEN.split(), _log10("very common"))
_FAMILY = dict.fromkeys(_COMMON_FAMILY.split(), _log10("common"))
_FAMILY |= dict.fromkeys(_VERY_COMMON_FAMILY.split(), _log10("very common"))
_OTHER = _log10("other")


def given_frequency(word: str) -> float:
    """Return log10 of the share of people who bear the folded given name ``word``."""
    return _GIVEN.get(word, _OTHER)


def family_frequency(word: str) -> float:
    """Return log10 of the share of people who bear the folded family name ``word``."""
    return _FAMILY.get(word, _OTHER)


def is_common_given(word: str) -> bool:
    """Return whether many are really called ``word``, so that it is unlikely to be another name misspelt."""
    return word in _GIVEN


def is_common_family(word: str) -> bool:
    """Return whether so many bear the folded family name ``word`` that two who do are hardly related."""
    return word in _FAMILY
