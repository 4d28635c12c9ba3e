// Says two minutes before that this session ends, and lets whoever is there stay. What other tabs do is asked of the server.
(() => {
  const EARLY = 120; // seconds
  const box = document.querySelector("[data-session]");
  if (!box) return;
  const words = box.querySelector("[data-session-words]");
  const stay = box.querySelector("form");
  let timer;

  const later = (seconds, what) => {
    clearTimeout(timer);
    // A computer that slept has missed its timers: at most half a minute at once.
    timer = setTimeout(seconds > 30 ? () => later(seconds - (Date.now() - from) / 1000, what) : what, Math.max(0, Math.min(seconds, 30)) * 1000);
    const from = Date.now();
  };

  const hide = () => {
    box.hidden = true;
  };

  const ask = async () => {
    try {
      const answer = await fetch(box.dataset.left, { headers: { Accept: "application/json" }, redirect: "manual", cache: "no-store" });
      if (!answer.ok) return over();
      const { seconds, stay: canStay } = await answer.json();
      if (seconds <= 0) return over();
      if (seconds > EARLY + 1) {
        hide();
        return later(seconds - EARLY, ask);
      }
      show(seconds, canStay);
      later(Math.min(seconds, 30), ask);
    } catch {
      later(30, ask); // no network: the server decides
    }
  };

  const show = (seconds, canStay) => {
    const minutes = Math.ceil(seconds / 60);
    const when = minutes > 1 ? `in ${minutes} minutes` : "in less than a minute";
    stay.hidden = !canStay;
    const text = canStay ? `You will be signed out ${when}, as nothing was done here for a while.` : `You will be signed out ${when}, as you have been signed in for long. Save what you have typed.`;
    if (words.textContent !== text) words.textContent = text;
    box.hidden = false;
  };

  // The sign-in page leads back here, where what was typed in this tab is put back.
  const over = () => location.reload();

  stay.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await fetch(stay.action, { method: "POST", body: new FormData(stay), redirect: "manual" });
      if (!answer.ok) return over();
    } catch {
      return;
    }
    hide();
    ask();
  });

  later(Number(box.dataset.session) - EARLY, ask);
})();
