// Sends a client's answers and says which is true: sent, or not yet. What can't be sent waits in the open page, with one
// key for every try, so that it counts once. What the server refuses is posted once more as usual, to show its page.
(() => {
  const PAUSE = 5000; // ms between tries
  const PATIENCE = 20000; // ms without an answer
  const form = document.querySelector("form[data-thanks]");
  if (!form || !AbortSignal.timeout) return; // an old browser posts as it always did
  const status = form.querySelector("[data-status]");
  const button = form.querySelector("[data-send]");
  let body = null; // what is being sent
  let isTrying = false;
  let timer;

  const say = (what) => {
    status.textContent = status.dataset[what];
    status.hidden = false;
  };
  // What is on its way must not change any more.
  const lock = (isLocked) => {
    for (const part of form.querySelectorAll("[data-rating], [data-choice], [data-last], [data-settings]")) part.inert = isLocked;
  };

  async function attempt() {
    clearTimeout(timer);
    if (isTrying) return;
    isTrying = button.disabled = true;
    try {
      if (!navigator.onLine) throw new Error("offline");
      say("sending");
      const answer = await fetch(location.pathname, { method: "POST", body, signal: AbortSignal.timeout(PATIENCE) });
      if (answer.ok && new URL(answer.url).pathname === form.dataset.thanks) {
        body = null;
        say("sent");
        form.dispatchEvent(new Event("sent"));
        location.replace(form.dataset.thanks);
        return;
      }
      if (answer.status < 500) {
        body = null;
        lock(false);
        form.submit();
        return;
      }
      throw new Error(answer.status);
    } catch {
      say(navigator.onLine ? "unsure" : "offline");
      form.elements.paused.value = "1"; // the wait is not the client's time
      body.set("paused", "1");
      timer = setTimeout(attempt, PAUSE);
    }
    isTrying = button.disabled = false;
  }

  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.submitter?.name) return; // a step, or another language
    event.preventDefault();
    body ??= new URLSearchParams(new FormData(form));
    lock(true);
    attempt();
  });
  addEventListener("online", () => body && attempt());
  addEventListener("beforeunload", (event) => body && event.preventDefault());
})();
