// form[data-draft=URL]: what is typed is sent there within three seconds and kept as a draft; [data-draft-status] says
// when. Another tab or device that went on meanwhile is never overwritten: [data-draft-conflict] shows both.
(() => {
  const PAUSE = 1200; // ms after the last key
  const AT_MOST = 2500; // ms between two saves while somebody types on
  const RETRY = 5000; // ms
  const form = document.querySelector("form[data-draft]");
  if (!form) return;
  const status = document.querySelector("[data-draft-status]");
  const place = document.querySelector("[data-draft-conflict]");
  const version = form.elements.draft_version;
  const body = () => new URLSearchParams(new FormData(form));
  let timer = 0;
  let waitingSince = 0;
  let savedAt = 0;
  let isStopped = false;
  let sent = "";

  const content = () => {
    const typed = body();
    for (const name of ["csrfmiddlewaretoken", "submission", "draft_version"]) typed.delete(name);
    return typed.toString();
  };
  const say = (words, tone = "") => {
    status.textContent = words;
    status.dataset.tone = tone;
  };
  const ago = () => {
    if (!savedAt || timer || isStopped) return;
    const seconds = Math.round((Date.now() - savedAt) / 1000);
    say(seconds < 60 ? `Draft saved ${seconds} s ago` : `Draft saved ${Math.floor(seconds / 60)} min ago`);
  };

  async function save() {
    clearTimeout(timer);
    timer = waitingSince = 0;
    const typed = content();
    if (isStopped || typed === sent) return;
    try {
      const answer = await fetch(form.dataset.draft, { method: "POST", body: body(), redirect: "manual" });
      if (answer.status === 204) {
        version.value = answer.headers.get("X-Draft-Version");
        sent = typed;
        savedAt = Date.now();
        form.dispatchEvent(new CustomEvent("draft:saved", { bubbles: true }));
        return ago();
      }
      if (answer.status === 409) return conflict(await answer.text(), answer.headers.get("X-Draft-Version"));
      const why = answer.type === "opaqueredirect" ? "Not saved: you are signed out." : "Not saved as a draft.";
      say(`${why} What you typed stays in this tab.`, "attention");
      if (answer.status >= 500) later(RETRY);
    } catch {
      say("Not saved: no connection. What you typed stays in this tab.", "attention");
      later(RETRY);
    }
  }

  function later(pause) {
    clearTimeout(timer);
    timer = setTimeout(save, pause);
  }

  function conflict(html, current) {
    isStopped = true;
    say("Not saved: this log was changed elsewhere.", "attention");
    place.innerHTML = html;
    place.firstElementChild.focus();
    const keep = place.querySelector("[data-draft-keep]");
    keep.hidden = false;
    keep.addEventListener("click", () => {
      version.value = current;
      isStopped = false;
      place.replaceChildren();
      save();
    });
    const take = place.querySelector("[data-draft-take]");
    take?.addEventListener("click", () => form.dispatchEvent(new CustomEvent("draft:taken", { bubbles: true })));
  }

  function touched() {
    if (isStopped) return;
    waitingSince ||= Date.now();
    say("Saving the draft …");
    later(Math.max(0, Math.min(PAUSE, waitingSince + AT_MOST - Date.now())));
  }

  if ("restored" in form.dataset) touched();
  else if (!place.firstElementChild) sent = content();
  form.addEventListener("input", touched);
  form.addEventListener("change", touched);
  form.addEventListener("submit", () => (isStopped = true));
  addEventListener("online", save);
  addEventListener("pagehide", () => {
    if (timer && !isStopped) fetch(form.dataset.draft, { method: "POST", body: body(), keepalive: true });
  });
  setInterval(ago, 1000);
})();
