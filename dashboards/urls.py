from django.urls import path

from . import views
from .views import printed, service

app_name = "dashboards"
urlpatterns = [
    path("episodes/<uuid:episode_id>/", views.episode, name="episode"),
    path("episodes/<uuid:episode_id>/change/", views.episode_change, name="episode-change"),
    path("episodes/<uuid:episode_id>/figure.json", views.EpisodeFigure.as_view(), name="episode-figure"),
    path("episodes/<uuid:episode_id>/before-session/", views.before_session, name="before-session"),
    path("episodes/<uuid:episode_id>/timeline/", views.timeline, name="timeline"),
    path("episodes/<uuid:episode_id>/together/", views.together, name="together"),
    path("episodes/<uuid:episode_id>/report.pdf", printed.client_report, name="client-report"),
    path("caseload/", views.caseload, name="caseload"),
    path("caseload/caseload.csv", views.caseload_csv, name="caseload-csv"),
    path("caseload/figure.json", views.CaseloadFigure.as_view(), name="caseload-figure"),
    path("service/summary/", service.service, name="service"),
    path("service/summary/progress/", service.service_progress, name="service-progress"),
    path("service/summary/work-out/", service.service_work_out, name="service-work-out"),
    path("service/summary/report.pdf", printed.service_report, name="service-report"),
    path("service/summary/<slug:chart>/figure.json", service.ServiceFigure.as_view(), name="service-figure"),
    path("methods/", service.method_notes, name="methods"),
]
