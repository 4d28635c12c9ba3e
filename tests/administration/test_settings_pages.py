"""Texts and thresholds: saved in parts, never over somebody else's, looked at before they are saved."""

import uuid

import pytest
from django.urls import reverse

from accounts.models import EMERGENCY_TEXT, AuditEvent, Organisation
from jobs.models import Job
from measures.mail import written
from tests import factories

pytestmark = pytest.mark.django_db

TEXTS, THRESHOLDS = "/administration/texts/", "/administration/thresholds/"


@pytest.fixture
def sam(service, browser_of):
    return browser_of(service.sam)


def texts(**values):
    return {
        "emergency_text": "Call 000.",
        "risk_text": "",
        "mail_subject": "A short question for you",
        "mail_name": "",
        "mail_delay_hours": 0,
        "mail_reminder_hours": 144,
        "version": 1,
        **values,
    }


def thresholds(**values):
    return {
        "signal_rate": "default",
        "signal_preset": "",
        "engagement_sessions": 5,
        "risk_hours": 24,
        "version": 1,
        **values,
    }


def words(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_what_is_saved_reaches_the_client_and_is_on_record(service, sam):
    assert sam.post(TEXTS, texts())["Location"] == TEXTS
    event = AuditEvent.objects.get(action="organisation.changed")
    assert (event.person, event.fields) == (service.sam, ["emergency_text"])
    _request, token = factories.make_request(factories.make_session(factories.make_episode(service.ada)))
    form = factories.Browser().get(reverse("measures:link", args=[token]), follow=True).content.decode()
    assert "Call 000." in form


@pytest.mark.parametrize(("page", "form"), [(TEXTS, texts), (THRESHOLDS, thresholds)])
def test_everything_that_can_be_set_is_on_its_page(service, sam, page, form):
    answer = sam.get(page)
    body = answer.content.decode()
    assert [field.name for field in answer.context["form"] if f'name="{field.html_name}"' not in body] == []
    assert {field.name for field in answer.context["form"]} == {*form(), "submission"}


@pytest.mark.parametrize(
    ("page", "form", "wrong"),
    [
        (TEXTS, texts, {"emergency_text": ""}),
        (TEXTS, texts, {"risk_text": "x" * 2001}),
        (TEXTS, texts, {"mail_subject": ""}),
        (TEXTS, texts, {"mail_subject": "How was your session?"}),
        (TEXTS, texts, {"mail_subject": "A question\r\nBcc: stranger@post.example"}),
        (TEXTS, texts, {"mail_name": "Harbour Psychotherapy"}),
        (TEXTS, texts, {"mail_name": "Harbour\nX-Mailer: forged"}),
        (TEXTS, texts, {"mail_delay_hours": 73}),
        (TEXTS, texts, {"mail_reminder_hours": 168, "mail_delay_hours": -1}),
        (THRESHOLDS, thresholds, {"signal_rate": "loud"}),
        (THRESHOLDS, thresholds, {"signal_preset": "ours, too"}),
        (THRESHOLDS, thresholds, {"risk_hours": ""}),
        (THRESHOLDS, thresholds, {"risk_hours": 0}),
        (THRESHOLDS, thresholds, {"risk_hours": 169}),
        (THRESHOLDS, thresholds, {"engagement_sessions": 0}),
        (THRESHOLDS, thresholds, {"engagement_sessions": 21}),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(service, sam, page, form, wrong):
    for more in ({}, {"do": "preview"}):
        answer = sam.post(page, form(**wrong) | more)
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == set(wrong)
    assert Organisation.objects.get().version == 1


@pytest.mark.parametrize(
    ("page", "form", "field", "first", "second"),
    [
        (TEXTS, texts, "risk_text", "Ring them first.", "Ring them second."),
        (THRESHOLDS, thresholds, "risk_hours", 12, 48),
    ],
)
def test_an_older_page_overwrites_nothing(service, sam, page, form, field, first, second):
    assert sam.post(page, form(**{field: first})).status_code == 302
    answer = sam.post(page, form(**{field: second}))
    assert answer.status_code == 409 and str(first) in words(answer) and str(second) in words(answer)
    assert getattr(Organisation.objects.get(), field) == first
    assert sam.post(page, form(**{field: second}, version=2)).status_code == 302
    assert getattr(Organisation.objects.get(), field) == second


def test_a_choice_is_shown_in_its_words_beside_what_somebody_else_saved(service, sam):
    sam.post(THRESHOLDS, thresholds(signal_rate="looser"))
    assert "<dd>Looser: about 1 in 60</dd>" in words(sam.post(THRESHOLDS, thresholds(signal_rate="stricter")))


def test_one_part_leaves_the_others_as_they_are(service, sam):
    sam.post(TEXTS, texts(risk_text="Ring them."))
    sam.post(THRESHOLDS, thresholds(risk_hours=12, version=2))
    saved = Organisation.objects.get()
    assert (saved.risk_text, saved.risk_hours, saved.name) == ("Ring them.", 12, "Harbour")


def test_the_same_form_sent_twice_is_no_conflict(service, sam):
    form = texts(submission=uuid.uuid4())
    assert [sam.post(TEXTS, form).status_code for _ in range(2)] == [302, 302]
    assert AuditEvent.objects.filter(action="organisation.changed").count() == 1


def test_what_a_form_does_not_offer_cannot_be_set_through_it(service, sam):
    sam.post(TEXTS, texts(name="Taken", signal_rate="looser"))
    assert (Organisation.objects.get().name, Organisation.objects.get().signal_rate) == ("Harbour", "default")


# --- Texts where they are read ----------------------------------------------------------------------------


def test_texts_are_looked_at_before_they_are_saved(service, sam):
    typed = texts(emergency_text="Call <b>999</b>.", risk_text="Ring them.", mail_name="Harbour", do="preview")
    answer = sam.post(TEXTS, typed)
    page = words(answer)
    assert answer.status_code == 200 and "Not saved yet." in page
    assert "Call &lt;b&gt;999&lt;/b&gt;." in page and "<p>Ring them.</p>" in page and "<p>Harbour</p>" in page
    assert Organisation.objects.get().version == 1 and not AuditEvent.objects.filter(action="organisation.changed")


def test_our_own_emergency_text_is_said_to_be_ours(service, sam):
    assert "These words are ours" in words(sam.get(TEXTS)) and EMERGENCY_TEXT in words(sam.get(TEXTS)).replace(
        "&#x27;", "'"
    )
    sam.post(TEXTS, texts())
    assert "These words are ours" not in words(sam.get(TEXTS))


def test_the_e_mail_is_shown_as_it_is_sent_with_a_link_of_nobody(service, sam):
    session = factories.make_session(factories.make_episode(service.ada))
    factories.agree_to_mails(session.episode.client, "client@post.example")
    sent = written(factories.make_invitation(session)).body
    (name, shown), (reminder, _) = sam.get(TEXTS).context["mails"]
    assert (name, reminder) == ("The e-mail with a link", "The reminder")

    def lines(body):
        return [line for line in body.splitlines() if "http" not in line and "works once" not in line]

    assert lines(shown.body) == lines(sent)
    assert "/r/of-this-client" in shown.body and "client@post.example" not in words(sam.get(TEXTS))
    sam.post(TEXTS, texts(mail_reminder_hours=0))
    assert len(sam.get(TEXTS).context["mails"]) == 1


@pytest.mark.parametrize(
    ("setting", "said"), [("DEFAULT_FROM_EMAIL", "sets SMTP_URL and MAIL_FROM"), ("PUBLIC_URL", "sets PUBLIC_URL")]
)
def test_an_administrator_is_told_why_no_e_mails_are_sent(service, sam, settings, setting, said):
    assert "No e-mails are sent." not in sam.get(TEXTS).content.decode()
    setattr(settings, setting, "")
    shown = sam.get(TEXTS).content.decode()
    assert "No e-mails are sent." in shown and said in shown


@pytest.mark.parametrize("name", ["Harbour", "Haus am Fluß, Büro", "Rivière & Fils", "Environmental 🌊", "Tide <3"])
def test_a_name_that_could_be_about_anything_may_stand_in_e_mails(service, sam, name):
    assert sam.post(TEXTS, texts(mail_name=name)).status_code == 302
    assert Organisation.objects.get().mail_name == name


# --- Thresholds -------------------------------------------------------------------------------------------


def test_the_service_chooses_how_readily_a_rupture_is_pointed_out(service, sam):
    assert "about 1 false alarm in 240 looks" in words(sam.get(THRESHOLDS))
    assert sam.post(THRESHOLDS, thresholds(signal_rate="looser")).status_code == 302
    assert Organisation.objects.get().signal_rate == "looser"
    assert Job.objects.waiting().get(task="ruptures.start_recompute").object_id == service.organisation.pk


def test_hours_and_engagement_sessions_ask_for_no_new_trends(service, sam):
    assert sam.post(THRESHOLDS, thresholds(risk_hours=12, engagement_sessions=6)).status_code == 302
    assert not Job.objects.filter(task="ruptures.start_recompute").exists()


def test_the_effects_are_shown_with_their_source_and_what_is_unknown_is_said(service, sam):
    page = words(sam.get(THRESHOLDS))
    assert "1 in 240 looks" in page and "1 in 60 looks" in page and ".085–.103" in page
    assert "not simulated" in page and "docs/signals.md" in page and "Gumz et al. (2012)" in page


@pytest.mark.parametrize("page", [TEXTS, THRESHOLDS])
def test_the_page_needs_few_queries(service, sam, page):
    assert len(factories.queries_of(sam, page)) <= 15
