// A client's answers stay on this device until they are sent: under the request's id, to its expiry, a day at most.
// A device that was handed over gets no draft: its pages leave this file out.
(() => {
  const PREFIX = "rating:";
  const DAY = 24 * 60 * 60 * 1000;
  let store;
  try {
    store = window.localStorage;
    store.length;
  } catch {
    return; // storage is blocked: nothing is kept
  }
  const read = (key) => {
    try {
      return JSON.parse(store.getItem(key));
    } catch {
      return null;
    }
  };
  for (const key of Object.keys(store)) {
    if (key.startsWith(PREFIX) && !(read(key)?.until > Date.now())) store.removeItem(key);
  }

  const key = PREFIX + location.pathname.split("/rate/").at(-1).split("/")[0];
  const erase = () => store.removeItem(key);
  if ("sent" in document.body.dataset) erase();
  const form = document.querySelector("form[data-lasts]");
  if (!form) return;

  const found = read(key);
  const until = Math.min(found?.until ?? Date.now() + DAY, Date.now() + form.dataset.lasts * 1000);
  const fields = [...form.elements].filter((one) => /^(radio|checkbox|number|textarea)$/.test(one.type) && one.name);
  const isChoice = (one) => one.type === "radio" || one.type === "checkbox";
  const answers = () =>
    Object.fromEntries(fields.filter((one) => one.value && (!isChoice(one) || one.checked)).map((one) => [one.name, one.value]));
  const note = form.querySelector("[data-kept]");
  let isSent = false;

  function keep() {
    if (isSent) return;
    note.hidden = false;
    try {
      store.setItem(key, JSON.stringify({ until, answers: answers() }));
    } catch {
      erase();
    }
  }

  if (found && JSON.stringify(found.answers) !== JSON.stringify(answers())) {
    for (const one of fields) {
      const value = found.answers[one.name] ?? "";
      if (isChoice(one)) one.checked = one.value === value;
      else one.value = value;
      one.dispatchEvent(new Event("change", { bubbles: true }));
    }
    form.elements.paused.value = "1";
  }
  note.hidden = !found;
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  form.addEventListener("sent", () => (erase(), (isSent = true)));
  addEventListener("pageshow", (event) => event.persisted && location.reload()); // a page that the browser kept
  setTimeout(erase, Math.max(0, Math.min(until - Date.now(), DAY)));
  note.querySelector("button").addEventListener("click", () => (erase(), (isSent = true), location.replace(location.pathname)));
})();
