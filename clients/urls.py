from django.urls import path

from .views import engagement, episodes, goals, homework

app_name = "clients"
urlpatterns = [
    path("clients/", episodes.client_list, name="client-list"),
    path("clients/new/", episodes.client_create, name="client-create"),
    path("clients/<uuid:client_id>/", episodes.client_edit, name="client-edit"),
    path("clients/<uuid:client_id>/episode/", episodes.episode_create, name="episode-create"),
    path("episodes/<uuid:episode_id>/end/", episodes.episode_end, name="episode-end"),
    path("episodes/<uuid:episode_id>/agreements/", goals.agreements, name="agreements"),
    path("episodes/<uuid:episode_id>/agreements/log/", engagement.agreement_log, name="agreement-log"),
    path("episodes/<uuid:episode_id>/goals/new/", goals.goal_create, name="goal-create"),
    path("goals/<uuid:goal_id>/edit/", goals.goal_edit, name="goal-edit"),
    path("goals/<uuid:goal_id>/agree/", goals.goal_agree, name="goal-agree"),
    path("goals/<uuid:goal_id>/settle/", goals.goal_settle, name="goal-settle"),
    path("goals/<uuid:goal_id>/levels/", goals.goal_levels, name="goal-levels"),
    path("goals/<uuid:goal_id>/progress/", goals.goal_progress, name="goal-progress"),
    path("episodes/<uuid:episode_id>/tasks/new/", homework.task_create, name="task-create"),
    path("tasks/<uuid:task_id>/edit/", homework.task_edit, name="task-edit"),
    path("tasks/<uuid:task_id>/agree/", homework.task_agree, name="task-agree"),
    path("tasks/<uuid:task_id>/settle/", homework.task_settle, name="task-settle"),
    path("tasks/<uuid:task_id>/step-down/", homework.task_step_down, name="task-step-down"),
    path("tasks/<uuid:task_id>/outcome/", homework.task_outcome, name="task-outcome"),
    path("episodes/<uuid:episode_id>/engagement/", engagement.engagement_phase, name="engagement"),
    path("episodes/<uuid:episode_id>/engagement/<slug:code>/", engagement.objective_edit, name="objective"),
    path("episodes/<uuid:episode_id>/expectations/", engagement.expectations_edit, name="expectations"),
    path("episodes/<uuid:episode_id>/needs/", engagement.needs_edit, name="needs"),
    path("episodes/<uuid:episode_id>/first-challenge/", engagement.first_challenge, name="first-challenge"),
    path("episodes/<uuid:episode_id>/hand-over/", episodes.episode_hand_over, name="episode-hand-over"),
    path("people/<uuid:person_id>/episodes/", episodes.person_episodes, name="person-episodes"),
]
