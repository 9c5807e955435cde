"""Paths and URLs of metastores, as values; nothing is opened here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from aiqc.core.errors import InvalidInput

#: URL scheme -> dialect
SCHEMES = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
MEMORY = ":memory:"
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a metastore is, before it is opened."""

    dialect: str
    #: the file of an SQLite store; None stands for a private temporary one
    path: Path | None = None
    #: name of a server's database
    database: str = ""
    #: arguments of the driver: host, port, user, password, ...
    parameters: dict[str, str | int] = field(default_factory=dict)

    @property
    def masked(self) -> str:
        """The URL, without its password."""
        return self._url("***")

    @property
    def secret(self) -> str:
        """The URL with its password, to hand to a child process."""
        return self._url(None)

    def _url(self, mask: str | None) -> str:
        if self.dialect == "sqlite":
            return f"sqlite:///{self.path}" if self.path else f"sqlite:///{MEMORY}"
        rest = dict(self.parameters)
        user, password = rest.pop("user", ""), rest.pop("password", "")
        shown = (mask or _quoted(password)) if password else ""
        account = f"{_quoted(user)}{':' if password else ''}{shown}{'@' if user else ''}"
        host = str(rest.pop("host", "")) if _is_host(rest.get("host")) else ""
        host = f"[{host}]" if ":" in host else host
        port = f":{rest.pop('port')}" if "port" in rest else ""
        query = "&".join(f"{key}={_quoted(value)}" for key, value in rest.items())
        url = f"{self.dialect}://{account}{host}{port}/{_quoted(self.database)}"
        return f"{url}?{query}" if query else url


def parse_target(target: str | Path) -> Target:
    """Return what a path, `:memory:` or a URL points to.

    Raises
    ------
    InvalidInput
        If the scheme is unknown, or a server's URL names no database.

    Examples
    --------
    >>> parse_target("postgresql://ada:secret@db.example/study").masked
    'postgresql://ada:***@db.example/study'
    """
    if isinstance(target, Path):
        return _file(str(target))
    if not str(target).strip():
        msg = f"{target!r} is not a path or URL of a metastore."
        raise InvalidInput(msg, hint="Pass a file path or a URL.", value=target)
    match = _SCHEME.match(target)
    if match is None:
        return _file(target)
    dialect = SCHEMES.get(match[1].lower())
    if dialect is None:
        msg = f"The scheme {match[1]!r} is not that of a metastore."
        hint = "Use a file path, sqlite:///, postgresql:// or mysql://."
        raise InvalidInput(msg, hint=hint, value=match[1])
    if dialect == "sqlite":
        return _file(_sqlite_path(target[match.end() :]))
    return _server(target, dialect)


def _sqlite_path(rest: str) -> str:
    """Return the path of `sqlite:///relative`, `sqlite:////absolute` or `sqlite://:memory:`."""
    path = unquote(rest.partition("?")[0])
    path = path[1:] if path.startswith("/") else path
    return path or MEMORY


def _file(path: str) -> Target:
    if path == MEMORY:
        return Target("sqlite")
    return Target("sqlite", Path(path).expanduser().absolute())


def _server(url: str, dialect: str) -> Target:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        msg = f"The {dialect} URL cannot be read: {error}."
        raise InvalidInput(msg, hint=f"Use {dialect}://user:password@host:port/name.") from None
    database = unquote(parts.path.lstrip("/"))
    if not database:
        msg = f"The URL of {parts.hostname or dialect} names no database."
        raise InvalidInput(msg, hint=f"Use {dialect}://user:password@host:port/name.")
    given: dict[str, str | int | None] = {
        "host": parts.hostname,
        "port": port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        **{key: int(text) if text.isdigit() else text for key, text in parse_qsl(parts.query)},
    }
    return Target(dialect, None, database, {key: value for key, value in given.items() if value})


def _is_host(value: str | int | None) -> bool:
    """Return whether a host is a name or address, not the folder of a socket."""
    return isinstance(value, str) and "/" not in value


def _quoted(value: str | int) -> str:
    return quote(str(value), safe="")
