"""Words that can stand for one another, and what is known of English: what `invariances.py` swaps and adds.

Names are those that are no other word when they are written small (no Rose, Will or Mark), so that they are found in
texts without capitals. They are given in the spelling of English; texts in other languages hold them less often.
"""

from __future__ import annotations

WOMEN = (
    "Mary Jennifer Linda Susan Karen Nancy Lisa Betty Helen Sandra Donna Carol Sharon Michelle Laura Sarah Deborah "
    "Jessica Cynthia Angela Melissa Brenda Amy Anna Rebecca Kathleen Pamela Martha Amanda Stephanie Carolyn Christine "
    "Marie Janet Catherine Diane Alice Julie Teresa Doris Evelyn Cheryl Judith Andrea Hannah Emma Julia Sophia Elena"
)
MEN = (
    "James John Robert Michael William David Richard Charles Joseph Thomas Christopher Daniel Paul Donald George "
    "Kenneth Steven Edward Brian Ronald Anthony Kevin Jason Matthew Gary Timothy Larry Jeffrey Eric Stephen Andrew "
    "Raymond Gregory Joshua Jerry Dennis Walter Patrick Peter Harold Douglas Henry Carl Arthur Ryan Roger Martin"
)
COUNTRIES = (
    "France Germany Spain Italy Japan India Brazil Canada Mexico Russia Egypt Kenya Sweden Norway Poland Portugal "
    "Argentina Australia Austria Belgium Greece Iceland Ireland Switzerland Denmark Finland Hungary Vietnam Thailand"
)
CITIES = (
    "London Paris Berlin Madrid Tokyo Moscow Beijing Chicago Boston Seattle Dallas Houston Miami Toronto Vancouver "
    "Dublin Vienna Lisbon Athens Amsterdam Stockholm Oslo Helsinki Warsaw Prague Budapest Cairo Sydney Melbourne"
)
FIRST_NAMES = (tuple(WOMEN.split()), tuple(MEN.split()))
"""One group stands for another of its own group, so that "he" and "her" still fit."""
PLACES = (tuple(COUNTRIES.split()), tuple(CITIES.split()))

ENGLISH = frozenset(("the", "of", "and", "to", "is", "that", "what", "this", "with", "was", "are", "for"))
"""Words of which an English sentence mostly holds one."""
NEUTRAL_SENTENCES = (
    "It was a Tuesday.",
    "This was written in March.",
    "There are two pages.",
    "The next part is on another page.",
)
"""English sentences that say nothing of what stands before them."""
