"""Every instrument an organisation can meet: those we ship, and the measures it defined itself."""

from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError

from accounts.models import User

from .instruments import Edition, Instrument, UnknownInstrument, instruments
from .models import InstrumentUse, OwnMeasure


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


def every() -> dict[str, Instrument]:
    """All there is, the organisation's own last."""
    return {**instruments(), **{own.code: own.as_instrument() for own in OwnMeasure.objects.order_by("name")}}


def switched() -> dict[str, bool]:
    """What somebody here has switched on or off."""
    return dict(InstrumentUse.objects.values_list("instrument", "is_on"))


def those_on(found: Mapping[str, Instrument]) -> dict[str, Instrument]:
    """Those of some instruments that may be rated with."""
    use = switched()
    return {code: one for code, one in found.items() if use.get(code, one.is_on_by_default)}


def in_use() -> dict[str, Instrument]:
    return those_on(every())


def is_on(code: str) -> bool:
    return code in those_on(known([code]))


def measure_as_defined(
    *,
    code: str,
    name: str,
    construct: str,
    low: float,
    high: float,
    higher_is_better: bool,
    sd: float | None,
    reliability: float | None,
    licence: str,
    by: User,
) -> OwnMeasure:
    """A measure of the organisation's own: the one that is there, or a new one, not saved.

    Raises ValidationError when the code belongs to another one: a range that changed would change what old scores mean.
    """
    values = {
        "name": name,
        "construct": construct,
        "low": low,
        "high": high,
        "higher_is_better": higher_is_better,
        "sd": sd,
        "reliability": reliability,
        "licence": licence,
    }
    if code in instruments():
        raise ValidationError({"code": f"{code} is an instrument that is shipped. Choose another code."})
    there = OwnMeasure.objects.filter(code=code).first()
    if there is not None:
        if any(getattr(there, field) != value for field, value in values.items()):
            raise ValidationError({"code": f"A measure {code} is defined otherwise already. Choose another code."})
        return there
    measure = OwnMeasure(organisation_id=by.organisation_id, code=code, created_by=by, **values)
    measure.check_values()
    return measure
