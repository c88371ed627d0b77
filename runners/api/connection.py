"""The line to the endpoint: one attempt at one request, through the `openai` package. It never retries by itself."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from probes.errors import CandidateError
from runners.api.exchange import Attempt
from runners.api.secrets import Secrets
from runners.backends.interface import utc_now


@dataclass(repr=False)
class Connection:
    """Where to ask and as whom. `headers` and `query` go with every request; `proxies`: obey the environment's."""

    base_url: str
    secrets: Secrets
    timeout_s: float
    concurrency: int
    organization: str | None = None
    project: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    proxies: bool = True

    def open(self) -> None:
        """Make the client; nothing is sent."""
        try:
            import httpx2
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit
        except ImportError as error:
            raise CandidateError(f"the openai package can't be imported ({error}); pip install openai") from error
        for name in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)  # their debug lines show requests whole
        key = self.secrets.key
        self._options = {} if key else {"headers": {"Authorization": Omit()}}
        self._client = AsyncOpenAI(
            api_key=key or "none",
            base_url=self.base_url,
            organization=self.organization,
            project=self.project,
            timeout=self.timeout_s,
            max_retries=0,
            default_headers=dict(self.headers),
            default_query=dict(self.query),
            http_client=DefaultAsyncHttpxClient(
                limits=httpx2.Limits(max_connections=self.concurrency),
                follow_redirects=False,
                trust_env=self.proxies,
            ),
        )

        # The package fills these from variables of its own, meant for another endpoint than this one.
        self._client.organization, self._client.project, self._client.admin_api_key = (
            self.organization,
            self.project,
            None,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def send(self, path: str, request: Mapping[str, Any], timeout_s: float) -> Attempt:
        """Send a request once. Whatever comes back, or breaks, is an Attempt; nothing is raised but cancellation."""
        import httpx2
        from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError

        asked_at, start = utc_now(), perf_counter()
        status, headers, body, fault = None, {}, None, None
        try:
            async with asyncio.timeout(timeout_s):  # the client's own limit is for each read: a trickle never ends it
                response = await self._client.post(
                    path, cast_to=httpx2.Response, body=dict(request), options=self._options
                )
            status, headers, body = self._content(response)
        except APIStatusError as error:
            status, headers, body = self._content(error.response)
        except (TimeoutError, APITimeoutError):
            fault = f"no answer within {timeout_s:.3g} s"
        except APIConnectionError as error:
            fault = f"the connection failed ({self.secrets.redact(_root_cause(error))})"
        except (OpenAIError, httpx2.HTTPError, UnicodeError, ValueError) as error:
            fault = f"the answer can't be read ({self.secrets.redact(f'{type(error).__name__}: {error}')[:200]})"
        return Attempt(status, headers, body, fault, asked_at, (perf_counter() - start) * 1000)

    def _content(self, response: Any) -> tuple[int, dict[str, str], str]:
        body = response.content.decode("utf-8", "replace")
        return (
            response.status_code,
            self.secrets.kept_headers(response.headers.multi_items()),
            self.secrets.redact(body),
        )


def _root_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"[:200]
