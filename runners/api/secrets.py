"""The key: where it comes from, and how it is kept out of everything that is written or said."""

import base64
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from probes.errors import CandidateError

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(r"authori[sz]ation|cookie|secret|password|token$|api[-_]?key|[-_]key$|^key$", re.IGNORECASE)
_SHORTEST = 6  # a shorter "key" (a placeholder such as "none") would be cut out of innocent words


@dataclass(frozen=True, repr=False)
class Secrets:
    """The key and its other spellings, to be taken out of texts. Shows nothing of it in its `repr`."""

    key: str | None

    def redact(self, text: str) -> str:
        """The text without the key, in whatever spelling."""
        for spelling in self._spellings():
            text = text.replace(spelling, REDACTED)
        return text

    def kept_headers(self, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Headers as they may be kept: without those that carry secrets by nature, and without the key."""
        return {name: self.redact(value) for name, value in headers if not is_secret_name(name)}

    def _spellings(self) -> list[str]:
        key = self.key
        if key is None or len(key) < _SHORTEST:
            return []
        encoded = base64.b64encode(key.encode()).decode()
        return sorted({key, quote(key, safe=""), encoded, encoded.rstrip("=")}, key=len, reverse=True)


def key_from(variable: str | None) -> str | None:
    """The key in an environment variable; None where none is named. Raises CandidateError, never with the key."""
    if variable is None:
        return None
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        # Not repeated: somebody may have put the key itself here.
        raise CandidateError("backend.api_key_env must be the name of an environment variable that holds the key")
    key = os.environ.get(variable, "").strip()
    if not key:
        raise CandidateError(
            f"the environment variable {variable} holds no key; export it, name another one with "
            "backend.api_key_env=NAME, or say backend.api_key_env=null if the endpoint needs none"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise CandidateError(f"the key in {variable} holds a space or a character that no HTTP header can carry")
    return key


def is_secret_name(name: str) -> bool:
    """Whether a header or a field of that name carries a secret by its nature."""
    return bool(_SECRET_NAME.search(name))


def checked_url(url: str) -> str:
    """The base URL, without a slash at its end. Raises CandidateError, showing nothing, if it carries credentials."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise CandidateError("backend.base_url is no URL; write it as http://HOST:PORT/v1") from error
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment or "@" in parts.netloc:
        raise CandidateError(
            "backend.base_url must hold no credentials and no query; put the key into the environment variable that "
            "backend.api_key_env names, and harmless parameters into backend.query"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise CandidateError(f"backend.base_url {url!r} must begin with http:// or https:// and name a host")
    return url.rstrip("/")


def check_without_secrets(what: str, values: Mapping[str, Any]) -> None:
    """Raise CandidateError, showing names only, if a part of the configuration looks as if it carried a key."""
    for name, value in values.items():
        if is_secret_name(str(name)):
            raise CandidateError(
                f"{what}.{name} looks like a secret; a key comes only from the environment variable that "
                "backend.api_key_env names"
            )
        if isinstance(value, Mapping):
            check_without_secrets(f"{what}.{name}", value)
