"""A method note behind every number: what it is, in a few sentences, and where it comes from. Data, and nothing else.

The long form, with how sure each source is, stands in docs/measures.md and docs/signals.md. “Ours” marks a decision of
this project that nobody has published.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    title: str
    sentences: tuple[str, ...]
    source: str


COUNTED = "Counts under five, and those from which such a count could be worked out, are not shown."
PLACED = "Scores are placed on 0 to 10 by the range of the questionnaire: rescaled, which does not make them equal."

OF_THE_SERVICE: dict[str, Note] = {
    "completeness": Note(
        "Sessions rated",
        (
            "Of the sessions of the therapy that took place, those of which the alliance was rated: by client and "
            "therapist, by one of them, by nobody. Every such session counts, also where a service asks for a rating"
            " only now and then, so that full marks are not everywhere the aim.",
            "Ratings that still wait for the therapist’s own are counted, as every rating that was not replaced by a"
            " correction.",
            COUNTED,
        ),
        "A count; what is counted is ours.",
    ),
    "alliance": Note(
        "The alliance by session number",
        (
            "Means of goal, task and bond as clients rate them, by session number, of the ratings in which all three"
            " have a score. Each episode counts with the questionnaire with which most of its sessions were rated.",
            "The change within clients is the slope over session numbers with a level of its own for every client.",
            "Those who left are the ones whose ending was recorded as decided by the client alone; all others, also "
            "those who still come, stayed. A mean over everybody would rise merely because those who are unhappy "
            "leave: in a published simulated file it rises although the clients in it fall.",
            PLACED,
            COUNTED,
        ),
        "Goal, task and bond: Bordin (1979), Psychother Theory Res Pract 16:252–260. Keeping the two groups apart is"
        " ours.",
    ),
    "ruptures": Note(
        "Ruptures and repair on record",
        (
            "Courses of therapy with a rupture that somebody who was there has said to be one; not what is only "
            "suspected, and not what was dismissed. Something was tried where every rupture of the course has a "
            "repair attempt.",
            "Shares have Wilson’s interval of 95 %.",
            "More ruptures on record mean more that were noticed. They say nothing of the quality of anybody’s work.",
            COUNTED,
        ),
        "Rupture and repair: Eubanks, Muran & Safran (2018), Psychotherapy 55:508–519; interval: Wilson (1927), "
        "J Am Stat Assoc 22:209–212. The counting is ours.",
    ),
    "returns": Note(
        "Sessions until a rating is back",
        (
            "After a rupture the client’s ratings of the component in question are followed: back is the first at or"
            " above the lower end of what was expected of the session, or else the rating before. Counted in rated "
            "sessions.",
            "Half of them: Kaplan and Meier’s estimate, in which a rating that is not back so far is censored.",
            "Nothing can be told where no component is named, nothing was rated, or the rating did not fall. What "
            "came after something did not come from it.",
            COUNTED,
        ),
        "Ours; published rules differ and there is no standard: Lipner et al. (2022); Gumz et al. (2012).",
    ),
    "retention": Note(
        "How long clients stay",
        (
            "Kaplan and Meier’s estimate by the number of sessions that took place. Leaving alone is the event. "
            "Endings that were planned, agreed or decided by the service, hand-overs and courses that go on are "
            "counted up to their last session and not held to have left.",
            "Intervals of 95 %, Greenwood’s on the log-minus-log scale. A curve ends where fewer than five came so "
            "far.",
            "By early alliance: the mean of goal, task and bond in sessions 3 to 5, cut in thirds of the "
            "whole service; these curves begin with session 5, as nobody can be put into a group before its ratings"
            " are in.",
            "Per cents are whole ones, and the number of those who came so far is not shown where it differs from "
            "the one before it by one to four.",
        ),
        "Kaplan & Meier (1958), J Am Stat Assoc 53:457–481; Kalbfleisch & Prentice (1980). Sessions and thirds are "
        "ours.",
    ),
    "outcome": Note(
        "Early alliance and later outcome",
        (
            "Early alliance is the mean of goal, task and bond in sessions 3 to 5, cut in thirds of the "
            "whole service. The change is the last outcome that was rated, minus the last one up to session 5;"
            " more is better, also where the questionnaire counts the other way.",
            "The means have 95 % intervals by Student’s t; the association is Pearson’s correlation with Fisher’s "
            "interval. Over many studies it is .28 (.26 to .30), 8 % of the variance, and says nothing of one "
            "client. What goes together need not bring about each other: clients who are better early also rate "
            "higher.",
            PLACED,
            COUNTED,
        ),
        "Flückiger et al. (2018), Psychotherapy 55:316–340; early: Horvath & Luborsky (1993), J Consult Clin Psychol "
        "61:561–573; change from there: DeRubeis & Feeley (1990), Cognit Ther Res 14:469–482; interval: Fisher (1921), "
        "Metron 1:3–32. Thirds are ours.",
    ),
    "lag": Note(
        "From one session to the next, within clients",
        (
            "The rating of one session with the outcome of the very next, both as deviations from what is usual for "
            "the same client; never across clients or across a session that was skipped. Clients count with ten "
            "sessions or more in which goal, task, bond and the outcome were scored.",
            "The number is how many points better the next outcome is for a point more, a regression with a level of "
            "its own for every client; its interval of 95 % allows sessions of one client to be alike. In short "
            "courses it is biased: to look at, not to infer from.",
            COUNTED,
        ),
        "Curran & Bauer (2011), Annu Rev Psychol 62:583–619; interval: Cameron & Miller (2015), J Hum Resour "
        "50:317–372; bias: Nickell (1981), Econometrica 49:1417–1426. Ten is ours.",
    ),
    "content": Note(
        "How content clients are",
        (
            "Answers to one question at the ending, in our own words: “Looking back, I am content with the help I "
            "had here”, 0 to 10. It is not a validated questionnaire and has no norm; the three groups are ours.",
            "Who is asked is whoever has an ending; who left alone seldom answers, so the mean flatters.",
            COUNTED,
        ),
        "Question and groups are ours.",
    ),
    "therapists": Note(
        "Therapists, partially pooled",
        (
            "Of each therapist with ten clients or more the mean of their clients’ means, drawn towards the mean of "
            "all as far as those clients are few or unlike each other, with a 95 % interval.",
            "Over all years and modalities only. In an order drawn by lot.",
            PLACED,
        ),
        "Efron & Morris (1975), J Am Stat Assoc 70:311–319; interval: Morris (1983), J Am Stat Assoc 78:47–55. Ten "
        "clients is ours.",
    ),
}

OF_AN_EPISODE: dict[str, Note] = {
    "components": Note(
        "Goal, task and bond",
        (
            "Every questionnaire is scored by its published key; what each score was formed from stands beside it. A"
            " scale with too many answers missing has no score, and never 0.",
            "Pro-rated means that a few missing answers count as the mean of those given: for the forms of the "
            "Working Alliance Inventory at most a tenth of the items, which is our rule, as none is published.",
        ),
        "Bordin (1979), Psychother Theory Res Pract 16:252–260; keys by instrument in docs/measures.md.",
    ),
    "expected": Note(
        "Expected range and possible rupture",
        (
            "What the next rating should be, from the client’s own earlier ratings and, as far as these are few, "
            "from what is usual in the service. A rating below that range is a possible rupture: a prompt to ask.",
            "All scales and both people’s ratings of a session are judged together, so that many looks do not make "
            "many false alarms: about 1 in 120 looks at a steady course, unless the service chose another rate.",
        ),
        "Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., 3.3; together: Westfall & Young (1993). Thresholds "
        "are ours, simulated: docs/signals.md.",
    ),
    "usual": Note(
        "What is usual in the service",
        (
            "Mean, spread and early rise of each scale, estimated every night from courses with five ratings or "
            "more; with fewer than thirty of them our starting values stand in, and are labelled so.",
        ),
        "Searle, Casella & McCulloch (1992), Variance Components. Thirty courses, and the starting values, are ours.",
    ),
    "change": Note(
        "Change and reliable change",
        (
            "The last rating against the one before. Reliable is a change that measurement error alone would rarely "
            "make: more than 1.96 · √2 · SD · √(1 − reliability), with the SD and the reliability of the scale in "
            "this service, or as published. Where they are not known nothing is claimed.",
        ),
        "Jacobson & Truax (1991), J Consult Clin Psychol 59:12–19; Christensen & Mendoza (1986), Behavior Therapy "
        "17:305–308.",
    ),
    "slope": Note(
        "Slope of a course",
        (
            "The median of the slopes between all pairs of ratings, per session, with its 95 % interval, from five "
            "ratings on. One odd rating hardly moves it.",
        ),
        "Theil (1950); Sen (1968), J Am Stat Assoc 63:1379–1389.",
    ),
    "gap": Note(
        "Gap between the two views",
        (
            "The therapist’s score minus the client’s, of the same session, on the same range. Therapists usually "
            "rate lower. In 700 cases the gap did not predict the outcome: a conversation starter, never a risk.",
        ),
        "West & Kenny (2011), Psychol Rev 118:357–378.",
    ),
    "control-chart": Note(
        "Baseline, control limits and slow erosion",
        (
            "The first five rated sessions are the baseline, which stays until the therapist sets it anew; its band "
            "is the mean plus and minus three sigma, sigma being the mean step between sessions divided by 1.128.",
            "From ten ratings on a weighted mean (three tenths the latest, seven tenths what was before) is held "
            "against limits of its own, which finds slow erosion.",
        ),
        "Shewhart (1931); ISO 7870-2:2023; EWMA: Roberts (1959), Technometrics 1:239–250. Five and ten are ours.",
    ),
    "rupture-repair": Note(
        "Rupture and repair in the ratings",
        (
            "A fall from one rating to the next that is large against the spread of the course, and whether the "
            "score came back within three rated sessions. There is no standard rule; which one is in force is said "
            "where it is shown.",
        ),
        "Gumz et al. (2012); Lipner et al. (2022). Window and tolerance are ours.",
    ),
    "goals": Note(
        "Goal attainment",
        (
            "T = 50 + 10 · Σwx / √((1 − ρ) Σw² + ρ (Σw)²), with ρ = .3, over goals whose five levels (−2 to +2) were"
            " written beforehand. 50 is what was expected.",
        ),
        "Kiresuk & Sherman (1968), Community Ment Health J 4:443–453.",
    ),
    "attendance": Note(
        "Attendance as a hint",
        (
            "A session missed or cancelled late within two sessions after a fall in the ratings, or two of the last "
            "four: possible withdrawal. Ask for the reason first.",
        ),
        "Ours.",
    ),
}

OF_THE_CASELOAD: dict[str, Note] = {
    "order": Note(
        "Order of the caseload",
        (
            "Risk answers that wait, possible ruptures, open ruptures (the longest open first), the gate of the "
            "engagement phase, people not seen for longer than usual, ratings missing, then the rest by code.",
            "An order of what may need talking about. It ranks nobody’s work.",
        ),
        "Ours.",
    ),
    "course": Note(
        "Course on the caseload",
        (
            "The client’s ratings of one component by session, the lowest to the highest possible answer from bottom"
            " to top; the line stops where nothing was rated. The component is the one that the sentence is about, "
            "else bond.",
        ),
        "Ours.",
    ),
    "not-seen": Note(
        "Not seen for longer than usual",
        (
            "More than twice the median of the last six gaps between planned meetings; two weeks where there were "
            "too few of them to tell.",
        ),
        "Ours.",
    ),
    "missing": Note(
        "Ratings missing",
        ("In two or more of the last five sessions that took place a rating by the client was due and is not there.",),
        "Ours.",
    ),
}

GROUPS = (
    ("How the service is doing", OF_THE_SERVICE),
    ("An episode", OF_AN_EPISODE),
    ("The caseload", OF_THE_CASELOAD),
)
NOTES: dict[str, Note] = {**OF_THE_SERVICE, **OF_AN_EPISODE, **OF_THE_CASELOAD}
