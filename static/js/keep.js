// Forms with data-keep="KEY" keep what is typed in this tab until it is saved; the note says when it was put back.
// keep-sealed.js does the same, encrypted, for data-keep-sealed="KEY".
// "Saved" is: a success message, <meta name="kept" content="KEY">, or having moved on from the form without an error page.
(() => {
  const PREFIX = "keep:";
  const user = document.body.dataset.user || "";
  const find = (selector) => document.querySelector(selector);
  const isError = Boolean(find('meta[name="error-page"]'));
  const isRejected = Boolean(find("[data-error-summary]"));
  const saved = Boolean(find('[data-toast="success"]'));

  let store;
  try {
    store = window.sessionStorage;
    store.length;
  } catch {
    return; // storage is blocked: nothing is kept
  }
  const read = (key) => JSON.parse(store.getItem(key) || "null");
  const write = (key, entry) => {
    try {
      store.setItem(key, JSON.stringify(entry));
    } catch {
      store.removeItem(key);
    }
  };
  const kept = () => Object.keys(store).filter((key) => key.startsWith(PREFIX));

  const fields = (form) =>
    [...form.elements].filter(
      (one) => one.name && !/^(hidden|password|file|submit|button|reset)$/.test(one.type) && one.tagName !== "FIELDSET",
    );
  const isChoice = (one) => one.type === "checkbox" || one.type === "radio";
  const valueOf = (one) => (one.multiple ? [...one.selectedOptions].map((option) => option.value) : one.value);
  const values = (form) =>
    fields(form).map((one) => [one.name, isChoice(one) ? [one.value, one.checked] : valueOf(one)]);

  function restore(form, before, version) {
    fields(form).forEach((one, index) => {
      const [name, value] = before[index];
      if (name !== one.name) return;
      if (isChoice(one)) one.checked = value[1];
      else if (one.multiple) for (const option of one.options) option.selected = value.includes(option.value);
      else one.value = value;
      one.dispatchEvent(new Event("change", { bubbles: true }));
    });
    // What was kept here may be older than the draft that the page came with: that is for the server to find out.
    if (form.elements.draft_version) form.elements.draft_version.value = version || 0;
    form.dataset.restored = "";
    const note = document.createElement("p");
    note.className = "muted small";
    note.setAttribute("role", "status");
    note.textContent = "Restored what you had typed.";
    form.prepend(note);
  }

  for (const key of kept()) {
    const entry = read(key);
    const name = key.slice(PREFIX.length);
    const form = find(["keep", "keep-sealed"].map((how) => `form[data-${how}="${CSS.escape(name)}"]`).join());
    const told = find(`meta[name="kept"][content="${CSS.escape(name)}"]`);
    // An error page, a refused form, a sign-in page: what was sent has not arrived, wherever the person goes next.
    if (entry.sent && (isError || isRejected || !user)) write(key, { ...entry, sent: (entry.sent = false) });
    const sent = entry.sent && (saved || !form);
    if (told || sent || (user && entry.user !== user)) store.removeItem(key);
  }

  function offer(form, before, version) {
    const now = values(form);
    const isSame = before && JSON.stringify(before) === JSON.stringify(now);
    if (before && !isSame && !isRejected && before.length === now.length) restore(form, before, version);
  }

  for (const form of document.querySelectorAll("form[data-keep]")) {
    const entry = read(PREFIX + form.dataset.keep);
    offer(form, entry?.values, entry?.version);
  }

  // Also forms that came later, with a part of the page that renews itself.
  const keep = (event) => {
    const form = event.target.closest("form[data-keep]");
    const sent = event.type === "submit" ? { sent: true } : {};
    const version = form?.elements.draft_version?.value;
    if (form) write(PREFIX + form.dataset.keep, { user, values: values(form), version, ...sent });
  };
  for (const type of ["input", "change", "submit", "draft:saved"]) document.addEventListener(type, keep);
  document.addEventListener("draft:taken", (event) => store.removeItem(PREFIX + event.target.dataset.keep));

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-sign-out]")) kept().forEach((key) => store.removeItem(key));
  });

  window.keep = { PREFIX, user, read, write, values, offer };
})();
