"""Every instrument an organisation can meet: those we ship, and the measures it defined itself."""

from collections.abc import Iterable, Mapping

from .instruments import Edition, Instrument, UnknownInstrument, instruments
from .models import OwnMeasure


def known(codes: Iterable[str]) -> Mapping[str, Instrument]:
    """The instruments of these codes; asks the database only for codes that are not shipped."""
    shipped = instruments()
    wanted = set(codes)
    found = {code: shipped[code] for code in wanted if code in shipped}
    if own := wanted - set(found):
        found |= {measure.code: measure.as_instrument() for measure in OwnMeasure.objects.filter(code__in=own)}
    return found


def edition(code: str, rater: str) -> Edition:
    """One edition, shipped or the organisation's own. Raises UnknownInstrument."""
    instrument = known([code]).get(code)
    if instrument is None or rater not in instrument.editions:
        raise UnknownInstrument(f"there is no instrument {code!r} for the rater {rater!r}")
    return instrument.editions[rater]
