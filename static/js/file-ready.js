// Tells on whichever page of this tab is open that a file which was asked for in it is ready. Only addresses are kept.
(() => {
  const KEY = "files-asked-for";
  const EVERY = 5000; // milliseconds
  const WORDS = { ready: "The file that you asked for is ready. ", stopped: "The file that you asked for has stopped. " };
  const user = document.body.dataset.user;

  let store;
  try {
    store = window.sessionStorage;
    store.length;
  } catch {
    return;
  }
  const kept = JSON.parse(store.getItem(KEY) || "null");
  const asked = kept?.user === user ? kept.asked : {};
  const keep = () =>
    Object.keys(asked).length ? store.setItem(KEY, JSON.stringify({ user, asked })) : store.removeItem(KEY);

  // A file's own page says itself how far it is.
  const own = () => {
    const here = document.querySelector("[data-file]");
    if (!here) return;
    if (here.dataset.fileState === "making") asked[here.dataset.file] = location.pathname;
    else delete asked[here.dataset.file];
    keep();
  };

  const tell = (words, page) => {
    const status = document.querySelector("#main > [role=status]");
    const list = status.querySelector(".toasts") || status.appendChild(document.createElement("ul"));
    list.className = "toasts";
    const said = list.appendChild(document.createElement("li"));
    said.className = "toast";
    const link = document.createElement("a");
    link.href = page;
    link.textContent = "Look at it";
    said.appendChild(document.createElement("span")).append(words, link);
  };

  const look = async () => {
    own();
    const others = Object.entries(asked).filter(([, page]) => page !== location.pathname);
    for (const [progress, page] of document.hidden ? [] : others) {
      try {
        const answer = await fetch(progress, { headers: { "HX-Request": "true" }, redirect: "manual", cache: "no-store" });
        const state = answer.headers.get("X-State");
        if (state === "making") continue;
        if (state) tell(WORDS[state], page);
        delete asked[progress];
        keep();
      } catch {
        break; // no network: asked again later
      }
    }
    if (Object.keys(asked).length) setTimeout(look, EVERY);
  };

  own();
  window.addEventListener("pagehide", own);
  if (Object.keys(asked).length) setTimeout(look, EVERY);
})();
