// Forms with data-keep="KEY" keep what is typed in this tab until it is saved; the note says when it was put back.
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

  function restore(form, entry) {
    fields(form).forEach((one, index) => {
      const [name, value] = entry.values[index];
      if (name !== one.name) return;
      if (isChoice(one)) one.checked = value[1];
      else if (one.multiple) for (const option of one.options) option.selected = value.includes(option.value);
      else one.value = value;
      one.dispatchEvent(new Event("change", { bubbles: true }));
    });
    // What was kept here may be older than the draft that the page came with: that is for the server to find out.
    if (form.elements.draft_version) form.elements.draft_version.value = entry.version || 0;
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
    const form = find(`form[data-keep="${CSS.escape(name)}"]`);
    const told = find(`meta[name="kept"][content="${CSS.escape(name)}"]`);
    // An error page, a refused form, a sign-in page: what was sent has not arrived, wherever the person goes next.
    if (entry.sent && (isError || isRejected || !user)) write(key, { ...entry, sent: (entry.sent = false) });
    const sent = entry.sent && (saved || !form);
    if (told || sent || (user && entry.user !== user)) store.removeItem(key);
  }

  for (const form of document.querySelectorAll("form[data-keep]")) {
    const key = PREFIX + form.dataset.keep;
    const entry = read(key);
    const now = values(form);
    const isSame = entry && JSON.stringify(entry.values) === JSON.stringify(now);
    if (entry && !isSame && !isRejected && entry.values.length === now.length) restore(form, entry);
    const keep = (more) => write(key, { user, values: values(form), version: form.elements.draft_version?.value, ...more });
    for (const name of ["input", "change", "draft:saved"]) form.addEventListener(name, () => keep());
    form.addEventListener("draft:taken", () => store.removeItem(key));
    form.addEventListener("submit", () => keep({ sent: true }));
  }

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-sign-out]")) kept().forEach((key) => store.removeItem(key));
  });
})();
