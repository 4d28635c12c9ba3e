// How far the answers are, and the two layouts: all on one page, or one question at a time. Each question is a place in
// the history, so that the browser's back button goes to the one before. The choice is remembered on this device only.
(() => {
  const KEY = "rating-layout";
  const form = document.querySelector("form[data-pace]");
  if (!form) return;
  const find = (selector) => form.querySelector(selector);
  const items = [...form.querySelectorAll("[data-rating], [data-choice]")];
  const steps = [...items, find("[data-last]")];
  const [intro, send, nav, toggle, progress] = ["intro", "send", "steps", "layout", "progress"].map((name) => find(`[data-${name}]`));
  const emergency = find("[data-emergency]"); // above the questions; below the one that is shown alone
  const [back, next] = nav.children;
  const isHandedOver = !("lasts" in form.dataset);
  let isOne = false;
  try {
    isOne = !isHandedOver && localStorage.getItem(KEY) === "one";
  } catch {} // storage is blocked: nothing is remembered

  const isAnswered = (item) => Boolean(new FormData(form).get(item.id.slice(3)));
  const here = () => {
    const place = location.hash && document.getElementById(location.hash.slice(1));
    return Math.max(0, steps.findIndex((step) => place && step.contains(place)));
  };

  function tell() {
    const [bar, count, time] = progress.children;
    const answered = items.filter(isAnswered).length;
    const [ofAnswers, ofSteps] = progress.dataset.progress.split("|");
    const times = progress.dataset.times.split("|");
    const isStep = isOne && here() < items.length;
    const words = isStep ? ofSteps : ofAnswers;
    count.textContent = words.replace("{n}", isStep ? here() + 1 : answered).replace("{all}", items.length);
    bar.value = answered;
    const left = items.length - answered;
    time.textContent = left ? times[Math.ceil((left * form.dataset.pace) / 60) - 1] : "";
  }

  function show({ focus = false } = {}) {
    const index = here();
    const isLast = index === items.length;
    steps.forEach((step, at) => (step.hidden = isOne && at !== index));
    intro.hidden = isOne && index > 0;
    isOne ? form.append(emergency) : intro.after(emergency);
    send.hidden = isOne && !isLast;
    nav.hidden = !isOne;
    back.hidden = index === 0;
    next.hidden = isLast;
    toggle.textContent = toggle.dataset.layout.split("|")[isOne ? 1 : 0];
    tell();
    if (!focus) return;
    steps[index].focus({ preventScroll: true });
    (isOne ? (intro.hidden ? progress : intro) : steps[index]).scrollIntoView();
  }

  const go = (index) => (location.hash = steps[index].id);
  back.addEventListener("click", () => go(here() - 1));
  next.addEventListener("click", () => go(here() + 1));
  addEventListener("hashchange", () => show({ focus: isOne }));
  form.addEventListener("change", tell);
  form.addEventListener("submit", (event) => {
    if (!isOne || here() === items.length || event.submitter?.name) return;
    event.preventDefault(); // Enter leads on
    go(here() + 1);
  });
  toggle.addEventListener("click", () => {
    isOne = !isOne;
    try {
      if (!isHandedOver) localStorage.setItem(KEY, isOne ? "one" : "all");
    } catch {} // as above
    show();
  });
  toggle.hidden = items.length < 2;
  progress.children[0].hidden = false;
  show();
})();
