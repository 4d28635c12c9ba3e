from django.urls import path

from . import views
from .views import exports, privacy, trail

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
    path("audit/", trail.audit, name="audit"),
    path("audit/audit.csv", trail.audit_csv, name="audit-csv"),
    path("exports/", exports.export_list, name="export-list"),
    path("exports/<uuid:export_id>/", exports.export_page, name="export"),
    path("exports/<uuid:export_id>/progress/", exports.export_progress, name="export-progress"),
    path("exports/<uuid:export_id>/file/", exports.export_file, name="export-file"),
    path("exports/<uuid:export_id>/cancel/", exports.export_cancel, name="export-cancel"),
    path("exports/<uuid:export_id>/retry/", exports.export_retry, name="export-retry"),
    path("clients/<uuid:client_id>/data/", privacy.client_data, name="client-data"),
    path("clients/<uuid:client_id>/data/pack/", privacy.pack_create, name="pack-create"),
    path("clients/<uuid:client_id>/data/erase/", privacy.erasure_request, name="erasure-request"),
    path("erasures/", privacy.erasure_list, name="erasure-list"),
    path("erasures/<uuid:erasure_id>/", privacy.erasure_page, name="erasure"),
    path("erasures/<uuid:erasure_id>/progress/", privacy.erasure_progress, name="erasure-progress"),
    path("erasures/<uuid:erasure_id>/carry-out/", privacy.erasure_carry_out, name="erasure-carry-out"),
    path("erasures/<uuid:erasure_id>/close/", privacy.erasure_close, name="erasure-close"),
    path("erasures/<uuid:erasure_id>/retry/", privacy.erasure_retry, name="erasure-retry"),
    path("retention/", privacy.retention_page, name="retention"),
    path("retention/holds/", privacy.hold_set, name="hold-set"),
    path("retention/holds/<uuid:hold_id>/lift/", privacy.hold_lift, name="hold-lift"),
]
