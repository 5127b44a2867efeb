"""Where a link sends who follows it: its address, with its utm parameters where no cookie keeps who it was."""

import string
from urllib.parse import quote

from yarl import URL

from streams.core.catalogue.model import ShortLink
from streams.core.door.fields import urls

_AS_WRITTEN = string.ascii_letters + string.digits + string.punctuation


def plain(link: ShortLink) -> str:
    """The link's address as a header may carry it."""
    return _in_ascii(link.to)


def with_utm(link: ShortLink) -> str:
    """The link's address with the utm parameters that it lacks, so that the shop's own page tells whose visit it is."""
    address, hash_, fragment = link.to.partition("#")
    bare, _, query = address.partition("?")
    said = urls.parameters(query)
    wanted = {"utm_campaign": link.campaign, "utm_source": link.network, "utm_medium": link.action}
    added = "&".join(f"{name}={quote(value, safe='')}" for name, value in wanted.items() if name not in said)
    whole = "&".join(filter(None, (query.removesuffix("&"), added)))
    return _in_ascii(f"{bare}?{whole}{hash_}{fragment}")


def _in_ascii(address: str) -> str:
    """An address with a host in ASCII and bytes beyond it escaped; what is escaped already stays as it is."""
    if address.isascii():
        return address
    scheme, _, rest = address.partition("://")
    end = next((i for i, c in enumerate(rest) if c in "/?#:"), len(rest))
    host = URL.build(scheme="https", host=rest[:end]).raw_host
    return f"{scheme}://{host}{quote(rest[end:], safe=_AS_WRITTEN)}"
