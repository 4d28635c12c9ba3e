"""Every route × every kind of person × every method, in two tables that can be read.

What is not yours is 404, as if it did not exist; what is not part of your role, or is yours to see and not to change,
is 403; "in" is the way to sign-in. 405 is for a method that the page does not know.
"""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from django.db import connection, transaction
from django.urls import reverse

from accounts.access import PAGES, Who
from clients.models import Client
from jobs.models import Job
from jobs.organisation import acting_in
from measures import actions as measures
from measures.models import RatingRequest
from tests import factories
from tests.access.world import (
    ADDRESS,
    BETWEEN_TWO,
    CANARIES,
    DRAFT,
    EVERYBODY,
    HELD_BACK,
    NOTES,
    OF_SERVICE,
    OVER_TIME,
    SEALED,
    UNSHARED,
    WITHOUT_BUSINESS,
    World,
    address,
    content,
    make_world,
    route_names,
)

pytestmark = pytest.mark.django_db


@cache
def read_table(text: str) -> dict[str, dict[str, str]]:
    head, *rows = text.strip("\n").splitlines()
    assert [column.replace("e-", "elsewhere's ") for column in head.split()] == list(EVERYBODY)
    return {route: dict(zip(EVERYBODY, answers, strict=True)) for route, *answers in map(str.split, rows)}


# Ada is the therapist, Ruth her supervisor; Vera has clients of her own and supervises Ada, too. Tom, Otto (Tom's
# supervisor) and Nils (no role) have no business with her clients. Sam is the administrator. "left" may no longer sign
# in. The last two are therapist and administrator of another service.
GET = """
                              nobody ada tom ruth vera otto sam nils left e-ada e-sam
home                              in 302 302  302  302  302 302  302   in   302   302
health                           200 200 200  200  200  200 200  200  200   200   200
ready                            200 200 200  200  200  200 200  200  200   200   200
metrics                          200 200 200  200  200  200 200  200  200   200   200
account                           in 200 200  200  200  200 200  200   in   200   200
account_login                    200 302 302  302  302  302 302  302  200   302   302
account_logout                   302 200 200  200  200  200 200  200  302   200   200
account_change_password           in 200 200  200  200  200 200  200   in   200   200
account_reauthenticate            in 200 200  200  200  200 200  200   in   200   200
mfa_authenticate                 302 302 302  302  302  302 302  302  302   302   302
mfa_reauthenticate                in 200 302  302  302  302 302  302   in   302   302
mfa_reauthenticate_webauthn       in 200 302  302  302  302 302  302   in   302   302
mfa_index                         in 200 200  200  200  200 200  200   in   200   200
mfa_activate_totp                 in 302 200  200  200  200 200  200   in   200   200
mfa_deactivate_totp               in 200 404  404  404  404 404  404   in   404   404
mfa_view_recovery_codes           in 200 404  404  404  404 404  404   in   404   404
mfa_generate_recovery_codes       in 200 200  200  200  200 200  200   in   200   200
mfa_add_webauthn                  in 200 200  200  200  200 200  200   in   200   200
mfa_remove_webauthn               in 200 404  404  404  404 404  404   in   404   404
accounts:session-list             in 200 200  200  200  200 200  200   in   200   200
accounts:session-end              in 405 405  405  405  405 405  405   in   405   405
accounts:session-end-others       in 405 405  405  405  405 405  405   in   405   405
accounts:session-left             in 200 200  200  200  200 200  200   in   200   200
accounts:session-stay             in 405 405  405  405  405 405  405   in   405   405
accounts:second-factor-remove     in 403 403  403  403  403 405  403   in   403   405
accounts:choose-password         200 200 200  200  200  200 200  200  200   200   200
accounts:person-list              in 403 403  403  403  403 200  403   in   403   200
accounts:person-create            in 403 403  403  403  403 200  403   in   403   200
accounts:person-edit              in 403 403  403  403  403 200  403   in   403   404
accounts:person-password-link     in 403 403  403  403  403 405  403   in   403   405
accounts:supervision-start        in 403 403  403  403  403 405  403   in   403   405
accounts:supervision-end          in 403 403  403  403  403 405  403   in   403   405
accounts:cover-start              in 405 405  403  405  403 403  403   in   405   403
accounts:cover-end                in 405 405  403  405  403 403  403   in   405   403
accounts:token-list               in 200 200  200  200  200 200  200   in   200   200
accounts:token-revoke             in 405 405  405  405  405 405  405   in   405   405
accounts:person-cover-start       in 403 403  403  403  403 405  403   in   403   405
accounts:person-cover-end         in 403 403  403  403  403 405  403   in   403   405
accounts:organisation-edit        in 403 403  403  403  403 200  403   in   403   200
clients:client-list               in 200 200  200  200  200 403  403   in   200   403
clients:client-create             in 200 200  403  200  403 403  403   in   200   403
clients:client-edit               in 200 404  403  403  403 403  403   in   404   403
clients:episode-create            in 200 404  403  403  403 403  403   in   404   403
clients:episode-end               in 200 404  403  403  403 403  403   in   404   403
clients:agreements                in 200 404  200  200  404 403  403   in   404   403
clients:agreement-log             in 200 404  200  200  404 403  403   in   404   403
clients:engagement                in 200 404  200  200  404 403  403   in   404   403
clients:goal-create               in 200 404  403  403  403 403  403   in   404   403
clients:goal-edit                 in 200 404  403  403  403 403  403   in   404   403
clients:goal-agree                in 200 404  403  403  403 403  403   in   404   403
clients:goal-settle               in 200 404  403  403  403 403  403   in   404   403
clients:goal-levels               in 200 404  403  403  403 403  403   in   404   403
clients:goal-progress             in 200 404  403  403  403 403  403   in   404   403
clients:task-create               in 200 404  403  403  403 403  403   in   404   403
clients:task-edit                 in 200 404  403  403  403 403  403   in   404   403
clients:task-agree                in 200 404  403  403  403 403  403   in   404   403
clients:task-settle               in 200 404  403  403  403 403  403   in   404   403
clients:task-step-down            in 200 404  403  403  403 403  403   in   404   403
clients:task-outcome              in 200 404  403  403  403 403  403   in   404   403
clients:objective                 in 200 404  403  403  403 403  403   in   404   403
clients:expectations              in 200 404  403  403  403 403  403   in   404   403
clients:needs                     in 200 404  403  403  403 403  403   in   404   403
clients:first-challenge           in 200 404  403  403  403 403  403   in   404   403
clients:episode-hand-over         in 200 404  403  403  403 403  403   in   404   403
clients:person-episodes           in 403 403  403  403  403 200  403   in   403   404
sessions_app:today                in 200 200  403  200  403 403  403   in   200   403
sessions_app:session-log          in 200 404  403  403  403 403  403   in   404   403
sessions_app:log-draft            in 405 405  403  405  403 403  403   in   405   403
sessions_app:log-discard          in 405 405  403  405  403 403  403   in   405   403
sessions_app:session              in 200 404  200  200  404 403  403   in   404   403
sessions_app:session-edit         in 200 404  403  403  403 403  403   in   404   403
sessions_app:core-conditions      in 200 404  200  200  404 403  403   in   404   403
sessions_app:process-notes        in 200 404  200  200  404 403  403   in   404   403
sessions_app:process-note-create  in 200 404  403  403  403 403  403   in   404   403
sessions_app:process-note-edit    in 200 404  403  404  403 403  403   in   404   403
sessions_app:process-note-delete  in 200 404  403  404  403 403  403   in   404   403
measures:request-create           in 405 405  403  405  403 403  403   in   405   403
measures:request-revoke           in 405 405  403  405  403 403  403   in   405   403
measures:invitation-send          in 405 405  403  405  403 403  403   in   405   403
measures:baseline                 in 405 405  403  405  403 403  403   in   405   403
measures:rating-show              in 405 405  403  405  403 403  403   in   405   403
measures:comment                  in 200 404  403  403  403 403  403   in   404   403
measures:risk-now                 in 200 200  200  200  200 403  403   in   200   403
measures:risk-of-episode          in 200 404  200  200  404 403  403   in   404   403
measures:risk-answer              in 200 404  200  200  404 403  403   in   404   403
measures:hand-over                in 405 405  403  405  403 403  403   in   405   403
measures:hand-back                in 302 302  302  302  302 302  302   in   302   302
measures:link                    302 302 302  302  302  302 302  302  302   302   302
measures:rate                    404 404 404  404  404  404 404  404  404   404   404
measures:thanks                  404 404 404  404  404  404 404  404  404   404   404
measures:stop                    200 200 200  200  200  200 200  200  200   200   200
measures:rate-next               405 405 405  405  405  405 405  405  405   405   405
measures:paper                    in 200 404  403  403  403 403  403   in   404   403
measures:episode-battery          in 200 404  403  403  403 403  403   in   404   403
measures:episode-battery-reset    in 405 405  403  405  403 403  403   in   405   403
measures:battery                  in 403 403  403  403  403 200  403   in   403   200
measures:battery-remove           in 403 403  403  403  403 405  403   in   403   405
measures:battery-move             in 403 403  403  403  403 405  403   in   403   405
measures:instrument-list          in 403 403  403  403  403 200  403   in   403   200
measures:instrument               in 403 403  403  403  403 200  403   in   403   200
measures:instrument-switch        in 403 403  403  403  403 405  403   in   403   405
measures:licence-record           in 403 403  403  403  403 405  403   in   403   405
measures:wording-create           in 403 403  403  403  403 200  403   in   403   200
measures:wording-end              in 403 403  403  403  403 405  403   in   403   405
ruptures:trends                   in 403 403  403  403  403 200  403   in   403   200
ruptures:trends-progress          in 403 403  403  403  403 200  403   in   403   200
ruptures:recompute                in 403 403  403  403  403 405  403   in   403   405
ruptures:try-again                in 403 403  403  403  403 405  403   in   403   405
ruptures:signal-confirm           in 405 405  403  405  403 403  403   in   405   403
ruptures:signal-dismiss           in 405 405  403  405  403 403  403   in   405   403
ruptures:rupture-create           in 200 404  403  403  403 403  403   in   404   403
ruptures:rupture                  in 200 404  200  200  404 403  403   in   404   403
ruptures:rupture-edit             in 200 404  403  403  403 403  403   in   404   403
ruptures:rupture-change           in 200 404  403  403  403 403  403   in   404   403
ruptures:attempt-create           in 200 404  403  403  403 403  403   in   404   403
ruptures:attempt-edit             in 200 404  403  403  403 403  403   in   404   403
dashboards:episode                in 200 404  200  200  404 403  403   in   404   403
dashboards:episode-change         in 200 404  200  200  404 403  403   in   404   403
dashboards:episode-figure         in 200 404  200  200  404 403  403   in   404   403
dashboards:before-session         in 200 404  200  200  404 403  403   in   404   403
dashboards:timeline               in 200 404  200  200  404 403  403   in   404   403
dashboards:client-report          in 200 404  200  200  404 403  403   in   404   403
dashboards:together               in 200 404  403  403  403 403  403   in   404   403
dashboards:caseload               in 200 200  200  200  200 403  403   in   200   403
dashboards:caseload-figure        in 200 200  200  200  200 403  403   in   200   403
dashboards:caseload-csv           in 200 200  200  200  200 403  403   in   200   403
supervision:overview              in 200 200  200  200  200 403  403   in   200   403
supervision:therapist             in 200 404  200  200  404 403  403   in   404   403
supervision:meeting-create        in 403 403  200  200  404 403  403   in   403   403
supervision:meeting               in 200 404  200  404  404 403  403   in   404   403
supervision:meeting-edit          in 403 403  200  404  404 403  403   in   403   403
supervision:meeting-move          in 403 403  405  405  405 403  403   in   403   403
supervision:meeting-notes         in 403 403  200  404  404 403  403   in   403   403
supervision:discuss               in 403 403  405  405  405 403  403   in   403   403
supervision:bring                 in 200 404  200  200  404 403  403   in   404   403
supervision:item                  in 200 404  200  404  404 403  403   in   404   403
supervision:step-create           in 403 403  200  404  404 403  403   in   403   403
supervision:step-edit             in 200 404  200  404  404 403  403   in   404   403
supervision:target-create         in 200 404  200  200  404 403  403   in   404   403
supervision:target-edit           in 200 404  200  200  404 403  403   in   404   403
supervision:pack                  in 200 404  200  200  404 403  403   in   404   403
supervision:pack-report           in 200 404  200  200  404 403  403   in   404   403
dashboards:service                in 403 403  200  200  200 200  403   in   403   200
dashboards:service-progress       in 403 403  200  200  200 200  403   in   403   200
dashboards:service-figure         in 403 403  404  404  404 404  403   in   403   404
dashboards:service-work-out       in 403 403  405  405  405 405  403   in   403   405
dashboards:service-report         in 403 403  200  200  200 200  403   in   403   200
dashboards:methods                in 200 200  200  200  200 200  200   in   200   200
reports:rating-fhir               in 200 404  200  200  404 403  403   in   404   403
reports:import-list               in 403 403  403  403  403 200  403   in   403   200
reports:import-create             in 403 403  403  403  403 200  403   in   403   200
reports:template-list             in 403 403  403  403  403 200  403   in   403   200
reports:audit                     in 403 403  403  403  403 200  403   in   403   200
reports:audit-csv                 in 403 403  403  403  403 200  403   in   403   200
reports:template                  in 403 403  403  403  403 200  403   in   403   200
reports:import                    in 403 403  403  403  403 200  403   in   403   404
reports:import-progress           in 403 403  403  403  403 200  403   in   403   404
reports:import-columns            in 403 403  403  403  403 200  403   in   403   404
reports:import-mapping            in 403 403  403  403  403 200  403   in   403   404
reports:import-mapping-file       in 403 403  403  403  403 200  403   in   403   404
reports:import-problems           in 403 403  403  403  403 200  403   in   403   404
reports:import-write              in 403 403  403  403  403 405  403   in   403   405
reports:import-retry              in 403 403  403  403  403 405  403   in   403   405
reports:import-undo               in 403 403  403  403  403 200  403   in   403   404
reports:import-discard            in 403 403  403  403  403 200  403   in   403   404
reports:export-list               in 200 200  403  200  403 200  403   in   200   200
reports:export                    in 200 404  403  404  403 404  403   in   404   404
reports:export-progress           in 200 404  403  404  403 404  403   in   404   404
reports:export-file               in 200 404  403  404  403 404  403   in   404   404
reports:export-cancel             in 405 405  403  405  403 405  403   in   405   405
reports:export-retry              in 405 405  403  405  403 405  403   in   405   405
reports:client-data               in 200 404  403  403  403 403  403   in   404   403
reports:pack-create               in 405 405  403  405  403 403  403   in   405   403
reports:erasure-request           in 405 405  403  405  403 403  403   in   405   403
reports:erasure-list              in 403 403  403  403  403 200  403   in   403   200
reports:erasure                   in 200 404  403  404  403 200  403   in   404   404
reports:erasure-progress          in 200 404  403  404  403 200  403   in   404   404
reports:erasure-carry-out         in 403 403  403  403  403 405  403   in   403   405
reports:erasure-close             in 405 405  403  405  403 405  403   in   405   405
reports:erasure-retry             in 403 403  403  403  403 405  403   in   403   405
reports:retention                 in 403 403  403  403  403 200  403   in   403   200
reports:hold-set                  in 403 403  403  403  403 405  403   in   403   405
reports:hold-lift                 in 403 403  403  403  403 405  403   in   403   405
gallery                           in 200 200  200  200  200 200  200   in   200   200
gallery-figure                    in 200 200  200  200  200 200  200   in   200   200
accounts:supervision-list         in 403 403  403  403  403 200 403   in   403   200
administration:overview           in 403 403  403  403  403 200 403   in   403   200
administration:texts              in 403 403  403  403  403 200 403   in   403   200
administration:thresholds         in 403 403  403  403  403 200 403   in   403   200
administration:priors             in 403 403  403  403  403 200 403   in   403   200
administration:priors-progress    in 403 403  403  403  403 200 403   in   403   200
administration:priors-work-out    in 403 403  403  403  403 405 403   in   403   405
administration:job-list           in 403 403  403  403  403 200 403   in   403   200
administration:job-retry          in 403 403  403  403  403 405 403   in   403   405
administration:job-put-away       in 403 403  403  403  403 200 403   in   403   200
"""
POST = """
                              nobody ada tom ruth vera otto sam nils left e-ada e-sam
home                              in 405 405  405  405  405 405  405   in   405   405
health                           405 405 405  405  405  405 405  405  405   405   405
ready                            405 405 405  405  405  405 405  405  405   405   405
metrics                          405 405 405  405  405  405 405  405  405   405   405
account                           in 405 405  405  405  405 405  405   in   405   405
account_login                    200 302 302  302  302  302 302  302  200   302   302
account_logout                   302 302 302  302  302  302 302  302  302   302   302
account_change_password           in 302 302  302  302  302 302  302   in   302   302
account_reauthenticate            in 200 200  200  200  200 200  200   in   200   200
mfa_authenticate                 302 302 302  302  302  302 302  302  302   302   302
mfa_reauthenticate                in 200 302  302  302  302 302  302   in   302   302
mfa_reauthenticate_webauthn       in 302 302  302  302  302 302  302   in   302   302
mfa_index                         in 405 405  405  405  405 405  405   in   405   405
mfa_activate_totp                 in 302 422  422  422  422 422  422   in   422   422
mfa_deactivate_totp               in 302 404  404  404  404 404  404   in   404   404
mfa_view_recovery_codes           in 405 405  405  405  405 405  405   in   405   405
mfa_generate_recovery_codes       in 302 422  422  422  422 422  422   in   422   422
mfa_add_webauthn                  in 422 422  422  422  422 422  422   in   422   422
mfa_remove_webauthn               in 302 404  404  404  404 404  404   in   404   404
accounts:session-list             in 405 405  405  405  405 405  405   in   405   405
accounts:session-end              in 302 404  404  404  404 404  404   in   404   404
accounts:session-end-others       in 302 302  302  302  302 302  302   in   302   302
accounts:session-left             in 405 405  405  405  405 405  405   in   405   405
accounts:session-stay             in 204 204  204  204  204 204  204   in   204   204
accounts:second-factor-remove     in 403 403  403  403  403 302  403   in   403   404
accounts:choose-password         302 302 302  302  302  302 302  302  302   302   302
accounts:person-list              in 403 403  403  403  403 405  403   in   403   405
accounts:person-create            in 403 403  403  403  403 302  403   in   403   302
accounts:person-edit              in 403 403  403  403  403 302  403   in   403   404
accounts:person-password-link     in 403 403  403  403  403 200  403   in   403   404
accounts:supervision-start        in 403 403  403  403  403 302  403   in   403   422
accounts:supervision-end          in 403 403  403  403  403 302  403   in   403   404
accounts:cover-start              in 302 302  403  422  403 403  403   in   422   403
accounts:cover-end                in 302 404  403  404  403 403  403   in   404   403
accounts:token-list               in 422 422  422  422  422 422  422   in   422   422
accounts:token-revoke             in 302 404  404  404  404 404  404   in   404   404
accounts:person-cover-start       in 403 403  403  403  403 302  403   in   403   422
accounts:person-cover-end         in 403 403  403  403  403 302  403   in   403   404
accounts:organisation-edit        in 403 403  403  403  403 302  403   in   403   302
clients:client-list               in 405 405  405  405  405 403  403   in   405   403
clients:client-create             in 302 302  403  302  403 403  403   in   302   403
clients:client-edit               in 302 404  403  403  403 403  403   in   404   403
clients:episode-create            in 302 404  403  403  403 403  403   in   404   403
clients:episode-end               in 302 404  403  403  403 403  403   in   404   403
clients:agreements                in 405 405  405  405  405 403  403   in   405   403
clients:agreement-log             in 405 405  405  405  405 403  403   in   405   403
clients:engagement                in 405 405  405  405  405 403  403   in   405   403
clients:goal-create               in 302 404  403  403  403 403  403   in   404   403
clients:goal-edit                 in 302 404  403  403  403 403  403   in   404   403
clients:goal-agree                in 302 404  403  403  403 403  403   in   404   403
clients:goal-settle               in 302 404  403  403  403 403  403   in   404   403
clients:goal-levels               in 302 404  403  403  403 403  403   in   404   403
clients:goal-progress             in 302 404  403  403  403 403  403   in   404   403
clients:task-create               in 302 404  403  403  403 403  403   in   404   403
clients:task-edit                 in 302 404  403  403  403 403  403   in   404   403
clients:task-agree                in 302 404  403  403  403 403  403   in   404   403
clients:task-settle               in 302 404  403  403  403 403  403   in   404   403
clients:task-step-down            in 302 404  403  403  403 403  403   in   404   403
clients:task-outcome              in 302 404  403  403  403 403  403   in   404   403
clients:objective                 in 302 404  403  403  403 403  403   in   404   403
clients:expectations              in 302 404  403  403  403 403  403   in   404   403
clients:needs                     in 302 404  403  403  403 403  403   in   404   403
clients:first-challenge           in 302 404  403  403  403 403  403   in   404   403
clients:episode-hand-over         in 302 404  403  403  403 403  403   in   404   403
clients:person-episodes           in 403 403  403  403  403 302  403   in   403   404
sessions_app:today                in 405 405  403  405  403 403  403   in   405   403
sessions_app:session-log          in 302 404  403  403  403 403  403   in   404   403
sessions_app:log-draft            in 204 404  403  403  403 403  403   in   404   403
sessions_app:log-discard          in 302 404  403  403  403 403  403   in   404   403
sessions_app:session              in 405 405  405  405  405 403  403   in   405   403
sessions_app:session-edit         in 302 404  403  403  403 403  403   in   404   403
sessions_app:core-conditions      in 302 404  302  302  404 403  403   in   404   403
sessions_app:process-notes        in 405 405  405  405  405 403  403   in   405   403
sessions_app:process-note-create  in 302 404  403  403  403 403  403   in   404   403
sessions_app:process-note-edit    in 302 404  403  404  403 403  403   in   404   403
sessions_app:process-note-delete  in 302 404  403  404  403 403  403   in   404   403
measures:request-create           in 302 404  403  403  403 403  403   in   404   403
measures:request-revoke           in 302 404  403  403  403 403  403   in   404   403
measures:invitation-send          in 302 404  403  403  403 403  403   in   404   403
measures:baseline                 in 302 404  403  403  403 403  403   in   404   403
measures:rating-show              in 302 404  403  403  403 403  403   in   404   403
measures:comment                  in 302 404  403  403  403 403  403   in   404   403
measures:risk-now                 in 405 405  405  405  405 403  403   in   405   403
measures:risk-of-episode          in 405 405  405  405  405 403  403   in   405   403
measures:risk-answer              in 302 404  403  403  404 403  403   in   404   403
measures:hand-over                in 302 404  403  403  403 403  403   in   404   403
measures:hand-back                in 302 302  302  302  302 302  302   in   302   302
measures:link                    405 405 405  405  405  405 405  405  405   405   405
measures:rate                    404 404 404  404  404  404 404  404  404   404   404
measures:thanks                  405 405 405  405  405  405 405  405  405   405   405
measures:stop                    200 200 200  200  200  200 200  200  200   200   200
measures:rate-next               404 404 404  404  404  404 404  404  404   404   404
measures:paper                    in 302 404  403  403  403 403  403   in   404   403
measures:episode-battery          in 302 404  403  403  403 403  403   in   404   403
measures:episode-battery-reset    in 302 404  403  403  403 403  403   in   404   403
measures:battery                  in 403 403  403  403  403 302  403   in   403   302
measures:battery-remove           in 403 403  403  403  403 302  403   in   403   302
measures:battery-move             in 403 403  403  403  403 302  403   in   403   302
measures:instrument-list          in 403 403  403  403  403 405  403   in   403   405
measures:instrument               in 403 403  403  403  403 405  403   in   403   405
measures:instrument-switch        in 403 403  403  403  403 302  403   in   403   302
measures:licence-record           in 403 403  403  403  403 302  403   in   403   302
measures:wording-create           in 403 403  403  403  403 302  403   in   403   302
measures:wording-end              in 403 403  403  403  403 302  403   in   403   404
ruptures:trends                   in 403 403  403  403  403 405  403   in   403   405
ruptures:trends-progress          in 403 403  403  403  403 405  403   in   403   405
ruptures:recompute                in 403 403  403  403  403 302  403   in   403   302
ruptures:try-again                in 403 403  403  403  403 302  403   in   403   302
ruptures:signal-confirm           in 302 404  403  403  403 403  403   in   404   403
ruptures:signal-dismiss           in 302 404  403  403  403 403  403   in   404   403
ruptures:rupture-create           in 302 404  403  403  403 403  403   in   404   403
ruptures:rupture                  in 405 405  405  405  405 403  403   in   405   403
ruptures:rupture-edit             in 302 404  403  403  403 403  403   in   404   403
ruptures:rupture-change           in 302 404  403  403  403 403  403   in   404   403
ruptures:attempt-create           in 302 404  403  403  403 403  403   in   404   403
ruptures:attempt-edit             in 302 404  403  403  403 403  403   in   404   403
dashboards:episode                in 405 405  405  405  405 403  403   in   405   403
dashboards:episode-change         in 405 405  405  405  405 403  403   in   405   403
dashboards:episode-figure         in 405 405  405  405  405 403  403   in   405   403
dashboards:before-session         in 405 405  405  405  405 403  403   in   405   403
dashboards:timeline               in 405 405  405  405  405 403  403   in   405   403
dashboards:client-report          in 405 405  405  405  405 403  403   in   405   403
dashboards:together               in 405 405  403  405  403 403  403   in   405   403
dashboards:caseload               in 405 405  405  405  405 403  403   in   405   403
dashboards:caseload-figure        in 405 405  405  405  405 403  403   in   405   403
dashboards:caseload-csv           in 405 405  405  405  405 403  403   in   405   403
supervision:overview              in 405 405  405  405  405 403  403   in   405   403
supervision:therapist             in 405 405  405  405  405 403  403   in   405   403
supervision:meeting-create        in 403 403  302  302  404 403  403   in   403   403
supervision:meeting               in 405 405  405  405  405 403  403   in   405   403
supervision:meeting-edit          in 403 403  302  404  404 403  403   in   403   403
supervision:meeting-move          in 403 403  302  404  404 403  403   in   403   403
supervision:meeting-notes         in 403 403  302  404  404 403  403   in   403   403
supervision:discuss               in 403 403  302  404  404 403  403   in   403   403
supervision:bring                 in 302 404  302  302  404 403  403   in   404   403
supervision:item                  in 302 404  302  404  404 403  403   in   404   403
supervision:step-create           in 403 403  302  404  404 403  403   in   403   403
supervision:step-edit             in 302 404  302  404  404 403  403   in   404   403
supervision:target-create         in 302 404  302  302  404 403  403   in   404   403
supervision:target-edit           in 302 404  302  302  404 403  403   in   404   403
supervision:pack                  in 405 405  405  405  405 403  403   in   405   403
supervision:pack-report           in 405 405  405  405  405 403  403   in   405   403
dashboards:service                in 403 403  405  405  405 405  403   in   403   405
dashboards:service-progress       in 403 403  405  405  405 405  403   in   403   405
dashboards:service-figure         in 403 403  405  405  405 405  403   in   403   405
dashboards:service-work-out       in 403 403  302  302  302 302  403   in   403   302
dashboards:service-report         in 403 403  405  405  405 405  403   in   403   405
dashboards:methods                in 405 405  405  405  405 405  405   in   405   405
reports:rating-fhir               in 405 405  405  405  405 403  403   in   405   403
reports:import-list               in 403 403  403  403  403 405  403   in   403   405
reports:import-create             in 403 403  403  403  403 302  403   in   403   302
reports:template-list             in 403 403  403  403  403 405  403   in   403   405
reports:audit                     in 403 403  403  403  403 405  403   in   403   405
reports:audit-csv                 in 403 403  403  403  403 405  403   in   403   405
reports:template                  in 403 403  403  403  403 405  403   in   403   405
reports:import                    in 403 403  403  403  403 405  403   in   403   405
reports:import-progress           in 403 403  403  403  403 405  403   in   403   405
reports:import-columns            in 403 403  403  403  403 302  403   in   403   404
reports:import-mapping            in 403 403  403  403  403 302  403   in   403   404
reports:import-mapping-file       in 403 403  403  403  403 405  403   in   403   405
reports:import-problems           in 403 403  403  403  403 405  403   in   403   405
reports:import-write              in 403 403  403  403  403 302  403   in   403   404
reports:import-retry              in 403 403  403  403  403 302  403   in   403   404
reports:import-undo               in 403 403  403  403  403 302  403   in   403   404
reports:import-discard            in 403 403  403  403  403 302  403   in   403   404
reports:export-list               in 302 302  403  422  403 302  403   in   302   302
reports:export                    in 405 405  403  405  403 405  403   in   405   405
reports:export-progress           in 405 405  403  405  403 405  403   in   405   405
reports:export-file               in 405 405  403  405  403 405  403   in   405   405
reports:export-cancel             in 302 404  403  404  403 404  403   in   404   404
reports:export-retry              in 302 404  403  404  403 404  403   in   404   404
reports:client-data               in 405 405  403  405  403 403  403   in   405   403
reports:pack-create               in 302 404  403  403  403 403  403   in   404   403
reports:erasure-request           in 302 404  403  403  403 403  403   in   404   403
reports:erasure-list              in 403 403  403  403  403 405  403   in   403   405
reports:erasure                   in 405 405  403  405  403 405  403   in   405   405
reports:erasure-progress          in 405 405  403  405  403 405  403   in   405   405
reports:erasure-carry-out         in 403 403  403  403  403 302  403   in   403   404
reports:erasure-close             in 302 404  403  404  403 302  403   in   404   404
reports:erasure-retry             in 403 403  403  403  403 302  403   in   403   404
reports:retention                 in 403 403  403  403  403 302  403   in   403   302
reports:hold-set                  in 403 403  403  403  403 302  403   in   403   422
reports:hold-lift                 in 403 403  403  403  403 302  403   in   403   404
gallery                           in 405 405  405  405  405 405  405   in   405   405
gallery-figure                    in 405 405  405  405  405 405  405   in   405   405
accounts:supervision-list         in 403 403  403  403  403 405 403   in   403   405
administration:overview           in 403 403  403  403  403 405 403   in   403   405
administration:texts              in 403 403  403  403  403 302 403   in   403   302
administration:thresholds         in 403 403  403  403  403 302 403   in   403   302
administration:priors             in 403 403  403  403  403 405 403   in   403   405
administration:priors-progress    in 403 403  403  403  403 405 403   in   403   405
administration:priors-work-out    in 403 403  403  403  403 302 403   in   403   302
administration:job-list           in 403 403  403  403  403 405 403   in   403   405
administration:job-retry          in 403 403  403  403  403 302 403   in   403   302
administration:job-put-away       in 403 403  403  403  403 302 403   in   403   302
"""
# The same pages on records in another state: an episode that was handed over, and a session of it; a process note that
# was shared; a meeting whose notes the supervisor keeps; a session with an open link.
AGAIN_GET = """
                                         nobody ada tom ruth vera otto sam nils left e-ada e-sam
dashboards:episode@handed-over               in 200 404  200  200  404 403  403   in   404   403
sessions_app:session@handed-over             in 200 404  200  200  404 403  403   in   404   403
sessions_app:session-log@handed-over         in 403 404  403  403  403 403  403   in   404   403
sessions_app:session-edit@handed-over        in 403 404  403  403  403 403  403   in   404   403
sessions_app:core-conditions@handed-over     in 403 404  403  403  404 403  403   in   404   403
clients:goal-create@handed-over              in 403 404  403  403  403 403  403   in   404   403
ruptures:rupture-create@handed-over          in 403 404  403  403  403 403  403   in   404   403
measures:paper@handed-over                   in 403 404  403  403  403 403  403   in   404   403
measures:episode-battery@handed-over         in 403 404  403  403  403 403  403   in   404   403
sessions_app:process-note-edit@shared        in 200 404  403  403  403 403  403   in   404   403
supervision:meeting@unshared                 in 200 404  200  404  404 403  403   in   404   403
sessions_app:session@unrated                 in 200 404  200  200  404 403  403   in   404   403
"""
AGAIN_POST = """
                                         nobody ada tom ruth vera otto sam nils left e-ada e-sam
dashboards:episode@handed-over               in 405 405  405  405  405 403  403   in   405   403
sessions_app:session@handed-over             in 405 405  405  405  405 403  403   in   405   403
sessions_app:session-log@handed-over         in 403 404  403  403  403 403  403   in   404   403
sessions_app:session-edit@handed-over        in 403 404  403  403  403 403  403   in   404   403
sessions_app:core-conditions@handed-over     in 403 404  403  403  404 403  403   in   404   403
clients:goal-create@handed-over              in 403 404  403  403  403 403  403   in   404   403
ruptures:rupture-create@handed-over          in 403 404  403  403  403 403  403   in   404   403
measures:paper@handed-over                   in 403 404  403  403  403 403  403   in   404   403
measures:episode-battery@handed-over         in 403 404  403  403  403 403  403   in   404   403
sessions_app:process-note-edit@shared        in 302 404  403  403  403 403  403   in   404   403
supervision:meeting@unshared                 in 405 405  405  405  405 403  403   in   405   403
sessions_app:session@unrated                 in 405 405  405  405  405 403  403   in   405   403
"""
# Process notes, a comment that the client asked not to raise yet or that waits for the therapist's rating, a log
# begun, and what the two people of a supervision share or not: in which answers they stand, and how often; in no other
# answer to anybody.
COUNTED = (
    NOTES | BETWEEN_TWO | {"held back": HELD_BACK, "sealed": SEALED, "draft": DRAFT, "supervisor's own notes": UNSHARED}
)
SHOWN = {
    ("GET", "measures:comment", "ada"): {"held back": 1},
    ("GET", "sessions_app:process-notes", "ada"): {"private": 1, "shared": 1},
    ("GET", "sessions_app:process-note-edit", "ada"): {"private": 1},
    ("GET", "sessions_app:process-note-edit@shared", "ada"): {"shared": 1},
    ("GET", "sessions_app:session-log", "ada"): {"draft": 1},
    ("GET", "sessions_app:process-notes", "ruth"): {"shared": 1},
    ("GET", "sessions_app:process-notes", "vera"): {"shared": 1},
    **{
        ("GET", f"supervision:{page}", who): shown
        for who in ("ada", "ruth")
        for page, shown in {
            "item": {"why it is on the agenda": 1},
            "meeting": {"supervision notes": 1, "why it is on the agenda": 1, "next step": 2},
            "step-edit": {"next step": 1},
            "therapist": {"why it is on the agenda": 1, "next step": 2},
        }.items()
    },
    ("GET", "supervision:overview", "ada"): {"why it is on the agenda": 1, "next step": 2},
    ("GET", "supervision:overview", "ruth"): {"why it is on the agenda": 1},
    # In the form, and for print.
    ("GET", "supervision:meeting", "ruth"): {"supervision notes": 2, "why it is on the agenda": 1, "next step": 2},
    ("GET", "supervision:meeting-notes", "ruth"): {"supervision notes": 1},
    ("GET", "supervision:meeting@unshared", "ada"): {"why it is on the agenda": 1},
    # In the form, and for print.
    ("GET", "supervision:meeting@unshared", "ruth"): {"why it is on the agenda": 1, "supervisor's own notes": 2},
}
# Cover stands in for Ada today and is answered as she is; Former handed the episode over to her and is now a colleague
# like Tom. But: nobody hands another's clients over or takes them on, nor ends a cover that others have set; and who
# the client is, the former therapist still knows.
BUT: dict[tuple[str, str], dict[str, str]] = {
    ("cover", "clients:episode-create"): {"GET": "403", "POST": "403"},
    ("cover", "clients:episode-hand-over"): {"GET": "403", "POST": "403"},
    ("cover", "accounts:cover-end"): {"POST": "404"},
    ("cover", "accounts:token-revoke"): {"POST": "404"},
    # Only Ada herself has an app, a passkey and another device.
    ("cover", "accounts:session-end"): {"POST": "404"},
    ("cover", "mfa_reauthenticate"): {"GET": "302", "POST": "302"},
    ("cover", "mfa_reauthenticate_webauthn"): {"GET": "302", "POST": "302"},
    ("cover", "mfa_activate_totp"): {"GET": "200", "POST": "422"},
    ("cover", "mfa_deactivate_totp"): {"GET": "404", "POST": "404"},
    ("cover", "mfa_view_recovery_codes"): {"GET": "404"},
    ("cover", "mfa_generate_recovery_codes"): {"POST": "422"},
    ("cover", "mfa_remove_webauthn"): {"GET": "404", "POST": "404"},
    # What is between the client and the therapist, or the therapist's alone.
    ("cover", "measures:comment"): {"GET": "404", "POST": "404"},
    ("cover", "sessions_app:process-note-create"): {"GET": "403", "POST": "403"},
    ("cover", "sessions_app:process-note-edit"): {"GET": "404", "POST": "404"},
    ("cover", "sessions_app:process-note-delete"): {"GET": "404", "POST": "404"},
    # An export is for whoever asked for it.
    ("cover", "reports:export"): {"GET": "404"},
    ("cover", "reports:export-progress"): {"GET": "404"},
    ("cover", "reports:export-file"): {"GET": "404"},
    ("cover", "reports:export-cancel"): {"POST": "404"},
    ("cover", "reports:export-retry"): {"POST": "404"},
    ("former", "clients:client-edit"): {"GET": "403", "POST": "403"},
    # What he recorded he goes on reading, and writes in no more.
    **{("former", f"{page}@handed-over"): {"GET": "200"} for page in ("dashboards:episode", "sessions_app:session")},
    **{
        ("former", route): {"GET": "403", "POST": "403"}
        for route in read_table(AGAIN_GET)
        if route.endswith("@handed-over") and read_table(AGAIN_POST)[route]["ada"] == "403"
    },
    ("cover", "sessions_app:process-note-edit@shared"): {"GET": "404", "POST": "404"},
    ("cover", "supervision:meeting@unshared"): {"GET": "404"},
    # All that is held about a client is handed out, and asked to be erased, by their therapist alone.
    **{(who, "reports:client-data"): {"GET": "403"} for who in ("cover", "former")},
    **{
        (who, f"reports:{page}"): {"POST": "403"}
        for who in ("cover", "former")
        for page in ("pack-create", "erasure-request")
    },
    ("cover", "reports:erasure"): {"GET": "404"},
    ("cover", "reports:erasure-progress"): {"GET": "404"},
    ("cover", "reports:erasure-close"): {"POST": "404"},
    # Supervision is between two people; who covers is none of them.
    **{
        ("cover", f"supervision:{page}"): {"GET": "404", "POST": "404"}
        for page in ("bring", "item", "step-edit", "target-create", "target-edit")
    },
    ("cover", "supervision:therapist"): {"GET": "404"},
    ("cover", "supervision:meeting"): {"GET": "404"},
    ("cover", "supervision:pack"): {"GET": "404"},
    ("cover", "supervision:pack-report"): {"GET": "404"},
}
# HEAD is answered as GET here, and refused everywhere else.
KNOW_HEAD = {
    "health", "ready", "account_login", "account_logout", "account_change_password", "measures:link", "measures:rate",
    "measures:thanks", "measures:stop", "dashboards:episode-figure", "dashboards:caseload-figure", "gallery-figure",
    "dashboards:service-figure", "metrics",
}  # fmt: skip
# allauth's forms take PUT, find nothing in it and are shown again. No page knows DELETE; the sign-in page sends on
# whoever is signed in before it looks at the method.
KNOW_PUT = {"account_login", "account_change_password"}
# Tables that a refused request may write: the record that it was refused, and the browser's session.
NOT_RECORDS = {"accounts_auditevent", "django_session", "usersessions_usersession", "jobs_limit"}


def answer_for(method: str, route: str, who: str) -> str:
    """What the tables say of GET and POST."""
    table, again = (GET, AGAIN_GET) if method == "GET" else (POST, AGAIN_POST)
    row = (read_table(again) if "@" in route else read_table(table))[route]
    return BUT.get((who, route), {}).get(method) or row[OVER_TIME.get(who, who)]


def expected(method: str, route: str, who: str) -> set[str]:
    get, post = answer_for("GET", route, who), answer_for("POST", route, who)
    if method == "GET":
        return {get}
    if method == "POST":
        return {post}
    if (method == "HEAD" and route in KNOW_HEAD) or (method == "PUT" and route in KNOW_PUT):
        return {get}
    if route == "account_login" and get == "302":
        return {get}
    return {"in"} if post == "in" else {"405"} if post not in {"403", "404"} else {"403", "405"}


def answer_of(response) -> str:
    is_to_sign_in = response.status_code == 302 and response["Location"].startswith(reverse("account_login") + "?")
    return "in" if is_to_sign_in else str(response.status_code)


@cache
def tables() -> dict[str, str | None]:
    """Every table of records, with the column that says whose a row is, where it has one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT t.tablename, c.column_name FROM pg_tables t LEFT JOIN information_schema.columns c
            ON c.table_schema = 'public' AND c.table_name = t.tablename AND c.column_name = 'organisation_id'
            WHERE t.schemaname = 'public' ORDER BY 1"""
        )
        found = dict(cursor.fetchall()) | {"accounts_organisation": "id"}
    return {name: column for name, column in found.items() if name not in NOT_RECORDS}


def checksum(world: World) -> dict[str, str]:
    """One hash per table and service of everything that is theirs; of tables without organisation, of all rows."""
    sums = {}
    with connection.cursor() as cursor:
        for service in (world.service, world.other):
            query = " UNION ALL ".join(
                f"SELECT '{name}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t"
                + (f" WHERE {column} = '{service.organisation.pk}'" if column else "")
                for name, column in tables().items()
            )
            with acting_in(service.organisation.pk):
                cursor.execute(query)
                sums |= {f"{service.organisation.slug}: {name}": value for name, value in cursor.fetchall()}
    return sums


def touched() -> int:
    """How many rows this transaction has written, those taken back included: where it stays, nothing was."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables
            WHERE schemaname = 'public' AND relname <> ALL(%s)""",
            [list(NOT_RECORDS)],
        )
        return cursor.fetchone()[0]


def written(world: World, before: dict[str, str]) -> list[str]:
    return [name for name, value in checksum(world).items() if before[name] != value]


def ask(world: World, method: str, route: str, who: str):
    browser = world.browser(who)
    send = getattr(browser, method.lower())
    if method == "POST":
        return send(address(world, route), content(world, route))
    if method == "PUT":
        return send(address(world, route), data="", content_type="application/x-www-form-urlencoded")
    return send(address(world, route))


def difference(world: World, before: dict[str, str], method: str, route: str, who: str) -> list[str]:
    """In what the answer is not that of the tables, a refusal wrote something or a body holds what it must not.

    `before` is a checksum: the request is taken back, so it stays what it was.
    """
    found = []
    with transaction.atomic():
        rows = touched()
        response = ask(world, method, route, who)
        wrote = written(world, before) if touched() != rows else []
        answer = answer_of(response)
        if answer not in expected(method, route, who):
            found.append(f"is {answer}, not {' or '.join(sorted(expected(method, route, who)))}")
        is_refused = answer == "in" or int(answer) >= 400
        if method == "HEAD" or (is_refused and method != "GET"):
            found += [f"was refused, and yet wrote to {name}" for name in wrote]
        is_from_elsewhere = who.startswith("elsewhere") and PAGES[route.partition("@")[0]] is not Who.ANYONE
        if is_from_elsewhere and method == "POST" and not is_refused:
            ours = f"{world.service.organisation.slug}: "
            found += [f"wrote to another service's {name}" for name in wrote if name.startswith(ours)]
        body = response.getvalue().decode(errors="replace")
        if is_from_elsewhere and OF_SERVICE in body.lower():
            found.append("shows what is of another service")
        if who not in ("ada", "cover", "former") and ADDRESS in body:
            found.append("shows the client's address")
        if who not in ("ada", "cover") and world.token in body:
            found.append("shows the client's link")
        found += [f"shows the {what}" for what in hidden_from(who) if CANARIES[what] in body]
        told = f"{response.headers}{body}"
        counted = {what: told.count(it) for what, it in COUNTED.items() if it in told}
        if counted != SHOWN.get((method, route, who), {}):
            found.append(f"shows {counted}")
        transaction.set_rollback(True)
    return [f"{method} {route} as {who} {what}" for what in found]


def differences(world: World, who: str, methods=("GET", "HEAD", "POST", "PUT", "DELETE")) -> Iterator[str]:
    world.browser(who)
    before = checksum(world)
    for route in sorted(route_names() | set(read_table(AGAIN_GET))):
        for method in methods:
            yield from difference(world, before, method, route, who)


def hidden_from(who: str) -> set[str]:
    if who not in {*WITHOUT_BUSINESS, "former"}:
        return set()
    # The former therapist knows the client, an administrator the code; neither what is in the record now.
    return set(CANARIES) - {"former": {"name", "code"}, "sam": {"code"}}.get(who, set())


@pytest.fixture
def world(service, other_service):
    return make_world(service, other_service)


def test_every_route_is_in_both_tables_and_in_the_page_table():
    assert set(read_table(GET)) == route_names()
    assert set(read_table(POST)) == route_names()
    assert set(read_table(AGAIN_GET)) == set(read_table(AGAIN_POST))
    assert {route.partition("@")[0] for route in read_table(AGAIN_GET)} <= route_names()
    assert set(PAGES) == route_names()
    assert "" not in {name.rpartition(":")[2] for name in route_names()} and None not in route_names()


def test_whatever_is_written_is_noticed_although_it_is_taken_back(world):
    writes = (
        lambda: Client.objects.update(version=9),
        lambda: Job.objects.all()._raw_delete("default"),
        lambda: factories.make_session(world.episode),
    )
    for write in writes:
        rows, before = touched(), checksum(world)
        assert list(Client.objects.all()) and touched() == rows
        with transaction.atomic():
            write()
            assert touched() > rows and written(world, before)
            transaction.set_rollback(True)
        assert touched() > rows and not written(world, before)


@pytest.mark.parametrize("who", [*EVERYBODY, *OVER_TIME])
def test_everybody_gets_what_is_theirs_and_nothing_else(world, who):
    found = list(differences(world, who))
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize("who", ["ada", "ruth", "vera", "cover"])
def test_the_canaries_are_seen_by_those_whose_business_they_are(world, who):
    pages = [
        "clients:client-list",
        "dashboards:episode",
        "sessions_app:session",
        "ruptures:rupture",
        "clients:agreement-log",
    ]
    bodies = [ask(world, "GET", route, who).content.decode() for route in pages]
    bodies.append(world.browser(who).get(reverse("clients:client-list"), {"show": "ended"}).content.decode())
    missing = [what for what, it in CANARIES.items() if it not in "".join(bodies)]
    assert not missing


def test_a_sealed_comment_is_seen_by_nobody_before_the_therapist_has_rated(world):
    for who in ("ada", "ruth", "vera"):
        for url in (
            reverse("sessions_app:session", args=[world.sealed.pk]),
            reverse("sessions_app:session-edit", args=[world.sealed.pk]),
            address(world, "dashboards:episode"),
        ):
            assert "unseen" not in world.browser(who).get(url).content.decode()
    with transaction.atomic():
        assert ask(world, "POST", "measures:rating-show", "ada").status_code == 302
        shown = world.browser("ada").get(reverse("sessions_app:session", args=[world.sealed.pk]))
        assert "unseen" in shown.content.decode()


@pytest.mark.parametrize("who", ["tom", "elsewhere's ada"])
def test_a_record_that_is_not_yours_looks_like_one_that_does_not_exist(world, who):
    for route in ("dashboards:episode", "sessions_app:session", "clients:client-edit", "sessions_app:session-log"):
        there = world.browser(who).get(address(world, route))
        nowhere = world.browser(who).get(reverse(route, args=["00000000-0000-4000-8000-000000000000"]))
        assert there.status_code == nowhere.status_code == 404
        assert there.content == nowhere.content


def test_a_malformed_id_is_404_for_everybody(world):
    for who in ("nobody", "ada", "sam"):
        assert world.browser(who).get("/episodes/1 OR 1=1/").status_code == 404
        assert world.browser(who).get("/sessions/../../etc/passwd/").status_code == 404


# --- Links of clients ---------------------------------------------------------------------------------


def without_csrf(body: bytes) -> bytes:
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", body)


def follow(token: str, request_id) -> tuple[int, int, bytes]:
    """Status of the link, then status and bytes of the form behind it, in a fresh browser."""
    browser = factories.Browser()
    opened = browser.get(reverse("measures:link", args=[token]))
    if opened.status_code != 302:
        return opened.status_code, opened.status_code, without_csrf(opened.content)
    form = browser.get(reverse("measures:rate", args=[request_id]))
    return opened.status_code, form.status_code, without_csrf(form.content)


def used_up(world: World, kind: str) -> tuple[str, object]:
    """A token of this kind and the request it was made for."""
    request, token = world.request, world.token
    if kind == "used":
        answers = dict.fromkeys(range(1, 7), 5)
        measures.redeem_request(request_id=request.pk, token=token, key=request.pk, answers=answers)
    elif kind == "expired":
        # Time can't be waited for: only the deadline is moved.
        RatingRequest.objects.filter(pk=request.pk).update(expires_at=request.created_at)
    elif kind == "revoked":
        measures.revoke_request(request=request, by=world.service.ada)
    elif kind == "replaced by a newer one":
        measures.request_rating(session=world.unrated, instrument="session-check-in", by=world.service.ada)
    elif kind == "mistyped":
        token = token[:-1] + ("a" if token[-1] != "a" else "b")
    elif kind == "garbage":
        token = "x"
    return token, request.pk


UNUSABLE = ["used", "expired", "revoked", "replaced by a newer one", "mistyped", "garbage"]


def test_an_open_link_shows_its_one_form_and_no_record(world):
    opened, form, body = follow(world.token, world.request.pk)
    assert (opened, form) == (302, 200)
    assert b"item-1" in body
    assert not [what for what, it in CANARIES.items() if it.encode() in body]


def test_links_that_cannot_be_used_answer_alike_to_the_byte(world):
    world.request.refresh_from_db()
    answers = {}
    for kind in UNUSABLE:
        with transaction.atomic():
            answers[kind] = follow(*used_up(world, kind))
            transaction.set_rollback(True)
    assert {status for status, _form, _body in answers.values()} == {404}
    assert len({body for _status, _form, body in answers.values()}) == 1


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_form_behind_a_link_that_stopped_working_is_refused(world, kind):
    world.request.refresh_from_db()
    browser = factories.Browser()
    browser.get(reverse("measures:link", args=[world.token]))
    token, request_id = used_up(world, kind)
    browser.cookies[f"rating-{request_id.hex}"] = token
    before = checksum(world)
    answer = browser.post(reverse("measures:rate", args=[request_id]), content(world, "measures:rate"))
    assert answer.status_code == 404
    assert checksum(world) == before


def test_the_link_of_one_service_opens_no_form_of_another(world):
    other = world.other
    with acting_in(other.organisation.pk):
        episode = factories.make_episode(other.ada, code="E-2", name="Eider")
        request, token = factories.make_request(factories.make_session(episode))
    assert follow(token, request.pk)[1] == 200
    browser = factories.Browser()
    unusable = follow("x", None)[2]
    for request_id in (world.request.pk, request.pk):
        wrong = token if request_id == world.request.pk else world.token
        browser.cookies[f"rating-{request_id.hex}"] = wrong
        crossed = browser.get(reverse("measures:rate", args=[request_id]))
        assert (crossed.status_code, without_csrf(crossed.content)) == (404, unusable)
        before = checksum(world)
        sent = browser.post(reverse("measures:rate", args=[request_id]), content(world, "measures:rate"))
        assert (sent.status_code, checksum(world)) == (404, before)


def test_a_used_link_thanks_only_the_browser_that_used_it(world):
    browser = factories.Browser()
    browser.get(reverse("measures:link", args=[world.token]))
    sent = browser.post(reverse("measures:rate", args=[world.request.pk]), content(world, "measures:rate"))
    thanks = reverse("measures:thanks", args=[world.request.pk])
    assert (sent.status_code, sent["Location"]) == (302, thanks)
    assert browser.get(thanks).status_code == 200
    assert factories.Browser().get(thanks).status_code == 404
