from django.urls import path

from . import views

app_name = "administration"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("texts/", views.texts, name="texts"),
    path("thresholds/", views.thresholds, name="thresholds"),
    path("priors/", views.priors, name="priors"),
    path("priors/progress/", views.priors_progress, name="priors-progress"),
    path("priors/work-out/", views.priors_work_out, name="priors-work-out"),
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/<str:task>/try-again/", views.job_retry, name="job-retry"),
    path("jobs/<str:task>/put-away/", views.job_put_away, name="job-put-away"),
]
