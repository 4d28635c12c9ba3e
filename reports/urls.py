from django.urls import path

from . import views
from .views import exports

app_name = "reports"
urlpatterns = [
    path("ratings/<uuid:rating_id>/fhir.json", views.rating_fhir, name="rating-fhir"),
    path("imports/", views.import_list, name="import-list"),
    path("imports/new/", views.import_create, name="import-create"),
    path("imports/templates/", views.template_list, name="template-list"),
    path("imports/templates/<slug:instrument>/<slug:rater>/<slug:holds>.csv", views.template, name="template"),
    path("imports/<uuid:batch_id>/", views.import_page, name="import"),
    path("imports/<uuid:batch_id>/progress/", views.import_progress, name="import-progress"),
    path("imports/<uuid:batch_id>/columns/", views.import_columns, name="import-columns"),
    path("imports/<uuid:batch_id>/mapping/", views.import_mapping, name="import-mapping"),
    path("imports/<uuid:batch_id>/mapping.toml", views.import_mapping_file, name="import-mapping-file"),
    path("imports/<uuid:batch_id>/problems.csv", views.import_problems, name="import-problems"),
    path("imports/<uuid:batch_id>/write/", views.import_write, name="import-write"),
    path("imports/<uuid:batch_id>/retry/", views.import_retry, name="import-retry"),
    path("imports/<uuid:batch_id>/undo/", views.import_undo, name="import-undo"),
    path("imports/<uuid:batch_id>/discard/", views.import_discard, name="import-discard"),
    path("exports/", exports.export_list, name="export-list"),
    path("exports/<uuid:export_id>/", exports.export_page, name="export"),
    path("exports/<uuid:export_id>/progress/", exports.export_progress, name="export-progress"),
    path("exports/<uuid:export_id>/file/", exports.export_file, name="export-file"),
    path("exports/<uuid:export_id>/cancel/", exports.export_cancel, name="export-cancel"),
    path("exports/<uuid:export_id>/retry/", exports.export_retry, name="export-retry"),
]
