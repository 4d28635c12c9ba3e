"""What the description of the API says beyond what serializers say."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from .problems import MEDIA_TYPE


class FieldProblemSerializer(serializers.Serializer):
    field = serializers.CharField(help_text="A path such as `answers.3`; empty for the request as a whole.")
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(required=False)
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment]


KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "format": "uuid"},
    OpenApiParameter.HEADER,
    required=True,
    description="A UUID of your own. The same request sent again with it writes nothing more.",
)
REFUSALS = {
    400: "Something in the address, a header or the JSON cannot be read.",
    401: "No token, or one that does not work.",
    403: "Not part of the person’s role, not theirs to change, or a token that may only read.",
    404: "Nothing is there, or it is not the person’s to see.",
    406: "The answer is JSON.",
    429: "Too many requests in this minute; `Retry-After` says how many seconds to wait.",
}
OF_A_WRITE = {
    415: "The body is JSON.",
    422: "A field is refused, or the key came before with other content.",
}
MEANWHILE = {409: "It has changed meanwhile."}


def refusals(words: dict[int, str]) -> dict[Any, OpenApiResponse]:
    return {(status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, text) for status, text in words.items()}


def writes(body: Any, answer: Any, *, conflict: bool = False) -> dict[str, Any]:
    """The terms of a POST for `extend_schema`."""
    words = REFUSALS | OF_A_WRITE | (MEANWHILE if conflict else {})
    return {"request": body, "responses": {201: answer, **refusals(words)}, "parameters": [KEY]}


class Schema(AutoSchema):
    """Lists have the parameters of their query; every answer may be one of the refusals."""

    view: Any

    def get_override_parameters(self) -> Any:
        query = getattr(self.view, "query_serializer", None)
        return [query] if query is not None and query is not serializers.Serializer and self.method == "GET" else []

    def get_response_serializers(self) -> Any:
        return {200: self.view.get_serializer_class(), **refusals(REFUSALS)}

    def _is_list_view(self, serializer: Any = None) -> bool:
        if not self.view.pagination_class or self.method != "GET":
            return False
        return serializer is None or isinstance(serializer, self.view.get_serializer_class())

    def get_operation_id(self) -> str:
        parts = [part.strip("{}") for part in self.path.removeprefix("/api/v1/").split("/")]
        return "-".join([self.method.lower(), *parts])

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").split("/")[0]]


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.api.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token from the page of your account."}


def only_the_api(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """The charts' own JSON is not for programs."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]
