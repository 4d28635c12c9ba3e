from django import forms

from accounts.forms import OrganisationPart
from accounts.models import RISK_TEXT, Organisation


class TextsForm(OrganisationPart):
    """What clients read about emergencies, what therapists read about risk, and the e-mail that brings a link."""

    class Meta:
        model = Organisation
        fields = (
            "emergency_text",
            "risk_text",
            "mail_subject",
            "mail_name",
            "mail_delay_hours",
            "mail_reminder_hours",
        )
        labels = {
            "emergency_text": "What to do in an emergency",
            "risk_text": "What to do about a risk answer",
            "mail_subject": "Subject of the e-mails",
            "mail_name": "Name in the e-mails",
            "mail_delay_hours": "Hours until a new link is sent",
            "mail_reminder_hours": "Reminder: hours before the link ends",
        }
        help_texts = {
            "emergency_text": "Every client sees it on every rating page. Name who answers at night, with a number.",
            "risk_text": "Therapists read it beside every answer about harm. Clients don’t. Left empty, it says: "
            f"“{RISK_TEXT}”",
            "mail_subject": "Words that could be about anything.",
            "mail_name": "Who the e-mails are from, by a name that tells nobody what you do. Leave it empty for none.",
            "mail_delay_hours": "0 sends it when the session is saved.",
            "mail_reminder_hours": "There is one, unless the answer has arrived. Links work for 168 hours, so 144 is a "
            "day after. 0 sends none.",
        }
        widgets = {
            "emergency_text": forms.Textarea(attrs={"rows": 4}),
            "risk_text": forms.Textarea(attrs={"rows": 4}),
        }


class ThresholdsForm(OrganisationPart):
    """From when on something is pointed out, passed on or shaded."""

    class Meta:
        model = Organisation
        fields = ("signal_rate", "signal_preset", "engagement_sessions", "risk_hours")
        labels = {
            "signal_rate": "How readily a possible rupture is pointed out",
            "signal_preset": "What counts as a possible rupture",
            "engagement_sessions": "Sessions of the engagement phase",
            "risk_hours": "Hours until a risk answer is passed on",
        }
        help_texts = {
            "signal_rate": "A looser rate finds more and is wrong more often. Every trend is computed again.",
            "signal_preset": "Published rules are easier to explain, do not follow the rate above, and are wrong far "
            "more often. Every trend is computed again.",
            "engagement_sessions": "Shaded on the chart, and the gate stands at its end. 1 to 20; five is usual.",
            "risk_hours": "1 to 168. If nobody has acknowledged it by then, the supervisor is asked to, too.",
        }
