"""The bytes of files and URLs, never more than is allowed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import InvalidData, InvalidInput
from aiqc.data.sources import check_local, is_http, is_url, open_source, url_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiqc.data.limits import Limits

#: downloads that run at the same time
BATCH = 8
#: what one read of a download takes
_PIECE = 1 << 16
_OK = 200


def read_files(places: Sequence[str], limits: Limits) -> Iterator[bytes]:
    """Yield the bytes of each path or URL, in order.

    Parameters
    ----------
    places
        Absolute paths or fsspec URLs.
    limits
        Caps on size, time and redirects of each.

    Raises
    ------
    InvalidInput
        If one cannot be read, or passes a cap; names it.
    """
    for start in range(0, len(places), BATCH):
        batch = places[start : start + BATCH]
        addresses = [place for place in batch if is_http(place)]
        fetched = dict(zip(addresses, _download(addresses, limits), strict=True))
        for place in batch:
            found = fetched.get(place)
            yield _read(place, limits.max_bytes) if found is None else found


def _read(place: str, max_bytes: int) -> bytes:
    read = _read_url if is_url(place) else _read_local
    data = read(place, max_bytes)
    if len(data) > max_bytes:
        raise _too_large(place, max_bytes)
    return data


def _read_local(place: str, max_bytes: int) -> bytes:
    try:
        with open(place, "rb", buffering=0) as file:  # noqa: PTH123 - one of very many
            size = os.fstat(file.fileno()).st_size
            return file.read(min(size, max_bytes) + 1)
    except (OSError, ValueError) as error:
        check_local(place)  # knows better what is wrong
        msg = f"{place!r} cannot be read: {error}."
        raise InvalidInput(msg, hint="Check the file and your access.", path=place) from error


def _read_url(place: str, max_bytes: int) -> bytes:
    parts, size = [], 0
    with open_source(place) as file, url_errors(place, "read"):
        while size <= max_bytes and (part := file.read(_PIECE)):
            parts.append(part)
            size += len(part)
    return b"".join(parts)


def _download(addresses: list[str], limits: Limits) -> list[bytes]:
    if not addresses:
        return []
    from fsspec.asyn import get_loop, sync

    found: list[bytes] = sync(get_loop(), _fetch_all, addresses, limits)
    return found


async def _fetch_all(addresses: list[str], limits: Limits) -> list[bytes]:
    import asyncio

    import aiohttp

    # the proxies of the environment are used, as other tools use them
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=limits.timeout), trust_env=True
    ) as session:
        fetches = (_fetch(session, address, limits) for address in addresses)
        found = await asyncio.gather(*fetches, return_exceptions=True)
    for item in found:
        if isinstance(item, BaseException):
            raise item
    return [item for item in found if isinstance(item, bytes)]


async def _fetch(session: Any, address: str, limits: Limits) -> bytes:
    import aiohttp

    try:
        async with session.get(
            address,
            max_redirects=limits.max_redirects + 1,
            allow_redirects=limits.max_redirects > 0,
        ) as response:
            if response.status != _OK:
                raise _refused(address, f"the server answered {response.status}")
            return await _body(response, address, limits.max_bytes)
    except aiohttp.TooManyRedirects as error:
        raise _refused(address, f"more than {limits.max_redirects} redirects") from error
    except TimeoutError as error:
        raise _refused(address, f"it took more than {limits.timeout:g} seconds") from error
    except (aiohttp.ClientError, ValueError, OSError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise _refused(address, f"{type(error).__name__} {error}".strip()) from error


async def _body(response: Any, address: str, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(_PIECE):
        size += len(part)
        if size > max_bytes:
            raise _too_large(address, max_bytes)
        parts.append(part)
    return b"".join(parts)


def _refused(address: str, reason: str) -> InvalidInput:
    msg = f"The URL {address!r} cannot be read: {reason}."
    hint = "Check the address and your access, or download the file and give its path."
    return InvalidInput(msg, hint=hint, url=address)


def _too_large(place: str, max_bytes: int) -> InvalidData:
    msg = f"{place!r} has more than {max_bytes:,} bytes."
    hint = "If this is right, allow more with max_bytes."
    return InvalidData(msg, hint=hint, path=place, max_bytes=max_bytes)
