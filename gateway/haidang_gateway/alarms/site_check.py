"""What a configuration must keep so that every alarm can be written."""

from collections.abc import Iterator

from haidang_gateway.errors import ConfigError
from haidang_gateway.site import Site

# The wire contract ends a headline at 200 characters: two names and the sentence must fit.
_ID_LIMIT = 48
_NAME_LIMIT = 80


def check_site(site: Site) -> None:
    """ConfigError for a site that no alarm can name."""
    used = [
        *site.node_places.items(),
        *site.camera_places.items(),
        *((zone.id, zone.place) for zone in site.zones.values()),
    ]
    problems = [
        f"{who} stands at place {place!r}, which is not configured; add a [[place]]"
        for who, place in used
        if place not in site.places
    ]
    problems += [
        f"{what} {name!r} has {len(name)} characters; {limit} are the most that fit a headline"
        for what, name, limit in _names(site)
        if len(name) > limit
    ]
    if problems:
        raise ConfigError(tuple(problems))


def _names(site: Site) -> Iterator[tuple[str, str, int]]:
    for place in site.places.values():
        yield "the id of place", place.id, _ID_LIMIT
        yield "the name of place", place.name, _NAME_LIMIT
        yield "the English name of place", place.name_en, _NAME_LIMIT
    for source in (*site.node_places, *site.camera_places):
        yield "the source", source, _ID_LIMIT
