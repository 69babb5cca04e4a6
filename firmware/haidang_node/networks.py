"""In which order known networks are tried; loaded when a scan is made, then forgotten."""


def ranked(known: list, seen: list) -> list:
    """(place in `known`, bssid or None) of every known network, the strongest in reach first.

    `seen` is what Radio.scan() gave. Behind those in reach come hidden ones, which a scan does
    not name, then the rest in their order: a scan misses networks now and then.
    """
    best: dict = {}
    for row in seen:
        ssid, bssid, strength_dbm = row[0], row[1], row[3]
        for place, network in enumerate(known):
            if network["ssid"].encode() == ssid and strength_dbm > best.get(place, (-999,))[0]:
                best[place] = (strength_dbm, bssid)
    order = [(place, best[place][1]) for place in sorted(best, key=lambda n: -best[n][0])]
    for hidden in (True, False):
        for place, network in enumerate(known):
            if place not in best and network.get("hidden", False) == hidden:
                order.append((place, None))
    return order
