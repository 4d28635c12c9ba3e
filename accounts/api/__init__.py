"""The frame of the API: who asks, with which right, and how an answer and an error look.

What can be asked stands in each app's `api`: it parses, calls a selector or an action, and answers. A view names for
each method the page that it stands for; whoever may not open that page may not ask here either.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, ClassVar, cast

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import MethodNotAllowed, NotFound, ParseError
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from ..access import PAGES, may_open
from ..audit import record_events
from ..idempotency import earlier_answer, write_once
from ..models import ApiToken, User
from ..second_factor import must_set_up
from .problems import BadQuery, answer_problem

REQUESTS_A_MINUTE = 300
KEY_HEADER = "Idempotency-Key"
# So many lists and objects may stand within each other.
DEEPEST = 20


def clock() -> float:
    return time.time()


class Json(JSONParser):
    """JSON that can be written back: no half of a character, and nothing deeper than any body of ours."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            data = super().parse(*args, **kwargs)
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ParseError("There is half of a character in the text.") from None
        except RecursionError:
            raise ParseError("This is nested too deeply.") from None
        level = [data]
        for _depth in range(DEEPEST):
            level = [inner for one in level if isinstance(one, dict | list) for inner in members(one)]
        if level:
            raise ParseError("This is nested too deeply.")
        return data


def members(of: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return of.values() if isinstance(of, dict) else of


class TokenAuthentication(BaseAuthentication):
    """The middleware has looked for the token, as nothing can be read before the organisation is known."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        token: ApiToken | None = getattr(request._request, "token", None)
        return None if token is None else (token.person, token)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class AsThePage(BasePermission):
    """Asks the page table for the page that this method stands for, and the token for its scope."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return False
        page = view.pages.get("GET" if request.method == "HEAD" else request.method)
        if page is None:
            raise MethodNotAllowed(request.method or "")
        if not may_open(request.user, PAGES[page]):
            raise PermissionDenied("This is not part of your role.")
        if must_set_up(request.auth.person):
            raise PermissionDenied(
                "Your service asks you for a second step at sign-in. Set it up first, in the browser."
            )
        if request.method not in SAFE_METHODS and not request.auth.can_write:
            raise PermissionDenied("This token may only read.")
        return True


class PerToken(BaseThrottle):
    """Counts the requests of each token by the minute, where a request that is taken back does not take it back."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return True
        key = f"api-{request.auth.pk}-{int(clock()) // 60}"
        seen: int = cache.get(key, 0) + 1
        cache.set(key, seen, timeout=120)
        return seen <= REQUESTS_A_MINUTE

    def wait(self) -> float:
        return 60 - clock() % 60


class Pages(CursorPagination):
    """In the order of ids, which never change: each record that is there throughout comes once."""

    ordering = "id"
    page_size = 50
    max_page_size = 100
    page_size_query_param = "page_size"

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                uuid.UUID(str(cursor.position))
            except ValueError:
                raise NotFound(self.invalid_cursor_message) from None
        return cursor


class Since(serializers.Serializer):
    """What a list can be narrowed by."""

    updated_since = serializers.DateTimeField(
        required=False, help_text="Records that were added or changed at this moment or later."
    )


PAGING = ("cursor", "page_size")


class ApiView(GenericAPIView):
    """`pages`: method → the page it stands for. `conflicts`: refusals that mean that something changed meanwhile."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [AsThePage]
    throttle_classes = [PerToken]
    renderer_classes = [JSONRenderer]
    parser_classes = [Json]
    pagination_class: Any = None
    http_method_names = ["get", "head", "post"]
    pages: ClassVar[dict[str, str]] = {}
    conflicts: ClassVar[tuple[type[Exception], ...]] = ()
    # From a record to the client it is about.
    client_path = "client_id"
    # Whose query it is, for the schema alone.
    query_serializer: ClassVar[type[serializers.Serializer]] = serializers.Serializer

    @property
    def user(self) -> User:
        """Whose token it is."""
        return cast(User, self.request.user)

    def get_exception_handler(self) -> Any:
        return answer_problem

    def query(self, *also: str) -> dict[str, Any]:
        """The values of the query. Raises BadQuery for one that is not known: a typing error must not list all."""
        given = self.request.query_params
        fields = self.query_serializer(data=given.dict())
        unknown = sorted(set(given) - set(fields.fields) - set(also))
        if unknown:
            raise BadQuery({name: ["There is no such parameter."] for name in unknown})
        if not fields.is_valid():
            raise BadQuery(fields.errors)
        return dict(fields.validated_data)

    def body(self, serializer: type[serializers.Serializer]) -> dict[str, Any]:
        self.query()
        given = serializer(data=self.request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def record_read(self, rows: Iterable[Model]) -> None:
        """Who read of which client, once for each client in an answer."""
        first = {attrgetter(self.client_path)(row): row for row in rows}
        record_events(
            f"api.{self.kind}-read",
            [(row, client) for client, row in first.items()],
            organisation_id=self.user.organisation_id,
            by=self.user,
        )

    @property
    def kind(self) -> str:
        return (self.request.resolver_match.url_name or "").removesuffix("-list")  # type: ignore[union-attr]

    def write_once(self, write: Callable[[], str], rows: QuerySet[Any], serializer: Any) -> Response:
        """Run `write`, which returns the address of what it wrote, unless this key has been here before."""
        data = QueryDict(mutable=True)
        content = json.dumps(self.request.data, sort_keys=True)
        data.update({"submission": str(self.key()), "path": self.request.path, "content": content})
        earlier = earlier_answer(data, by=self.user)
        location = earlier or write_once(data, write, by=self.user)
        row = get_object_or_404(rows, pk=location.rstrip("/").rpartition("/")[2])
        headers = {"Location": self.request.build_absolute_uri(location)}
        if earlier:
            headers["Idempotent-Replayed"] = "true"
        shown = serializer(row, context=self.get_serializer_context())
        return Response(shown.data, status=201, headers=headers)

    def key(self) -> uuid.UUID:
        try:
            return uuid.UUID(self.request.headers.get(KEY_HEADER, ""))
        except ValueError:
            raise BadQuery(
                {KEY_HEADER: ["Send a UUID of your own with every POST, and the same one when you try again."]}
            ) from None


class ListView(ApiView):
    """Records of one kind that the person may see."""

    pagination_class = Pages
    query_serializer = Since

    def rows(self, **filters: Any) -> QuerySet[Any]:
        raise NotImplementedError

    def changed_since(self, rows: QuerySet[Any], moment: Any) -> QuerySet[Any]:
        return rows.filter(updated_at__gte=moment)

    def get(self, request: Request) -> Response:
        filters = self.query(*PAGING)
        since = filters.pop("updated_since", None)
        rows = self.rows(**filters)
        page = self.paginate_queryset(self.changed_since(rows, since) if since else rows)
        self.record_read(page or [])
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class DetailView(ApiView):
    """One record; 404 where it is not the person's to see."""

    def rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def get(self, request: Request, pk: uuid.UUID) -> Response:
        self.query()
        row = get_object_or_404(self.rows(), pk=pk)
        self.record_read([row])
        return Response(self.get_serializer(row).data)
