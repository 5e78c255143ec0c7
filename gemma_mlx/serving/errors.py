"""What a client did wrong, in the form of OpenAI's API."""

from __future__ import annotations

from typing import Any

from gemma_mlx.errors import GemmaError

_OUR_FAULT = {"internal", "not-finite"}
_LATER = {"server-busy": 429, "server-stopped": 503}


class ApiError(Exception):
    """A reply with an HTTP status other than 200. `parameter` names the field of the request."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, parameter: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.parameter = parameter

    @property
    def document(self) -> dict[str, Any]:
        """The body of the reply."""
        kind = "invalid_request_error"
        if self.status == 429:
            kind = "rate_limit_error"
        elif self.status >= 500:
            kind = "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.parameter, "code": self.code}}


def from_gemma(problem: GemmaError) -> ApiError:
    """What the engine refused, told to a client: never a path of this machine, nor a traceback."""
    if problem.code in _OUR_FAULT:
        return ApiError(500, problem.what, code=problem.code)
    if problem.code in _LATER:
        return ApiError(_LATER[problem.code], f"{problem.what} {problem.fix}", code=problem.code)
    return ApiError(400, f"{problem.what} {problem.fix}".strip(), code=problem.code, parameter="messages")
