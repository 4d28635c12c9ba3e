from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.access import PAGES, Who
from alliance_site.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def bare(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return HttpResponse(str(cursor.fetchone()[0]))


PAGES["bare"] = Who.SIGNED_IN
urlpatterns = [*urlpatterns, path("bare/", bare, name="bare")]
