// Keys: "/" search, "g t", "g c", "g l", "g s" go, "n" new, "?" shows them; ⌘/Ctrl+Enter sends the form that has the focus.
(() => {
  const STORE = "alliance-shortcuts";
  const SEQUENCE = 1200; // ms between the two keys of "g t"
  const dialog = document.querySelector("[data-shortcuts]");
  let first = "";
  let timer = 0;

  const isOff = () => {
    try {
      return localStorage.getItem(STORE) === "off";
    } catch {
      return false;
    }
  };
  // Once the dialog is closed, its switch may still hold the focus for a moment: nobody types there.
  const isTyping = (target) =>
    target.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !target.closest("dialog"));
  const labelOf = (element) => element.dataset.shortcutLabel || element.textContent.trim().replace(/\s+/g, " ");

  const row = (keys, words) => {
    const line = document.createElement("div");
    const term = document.createElement("dt");
    const description = document.createElement("dd");
    for (const key of keys.split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = key;
      term.append(cap, " ");
    }
    description.textContent = words;
    line.append(term, description);
    return line;
  };

  const open = () => {
    if (!dialog?.showModal || dialog.open) return;
    const seen = new Set();
    const rows = [];
    if (document.querySelector("[data-search]")) rows.push(row("/", "Search"));
    for (const element of document.querySelectorAll("[data-shortcut]")) {
      const keys = element.dataset.shortcut;
      if (seen.has(keys)) continue;
      seen.add(keys);
      rows.push(row(keys, labelOf(element)));
    }
    rows.push(row("Ctrl Enter", "Save the form you are in (⌘ Enter on a Mac)"), row("?", "Show this list"));
    dialog.querySelector("[data-shortcuts-list]").replaceChildren(...rows);
    dialog.querySelector("[data-shortcuts-switch]").checked = !isOff();
    dialog.showModal();
  };

  const run = (keys) => {
    const all = [...document.querySelectorAll("[data-shortcut]")].filter((one) => one.dataset.shortcut === keys);
    const row = document.activeElement?.closest("li"); // where several rows have the same key
    const element = all.find((one) => row?.contains(one)) ?? all[0];
    if (element) element.click();
    return Boolean(element);
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      const form = event.target.closest?.("form");
      const button = form && [...form.elements].find((one) => one.type === "submit" && !one.disabled);
      if (button && !event.repeat && !dialog?.open) form.requestSubmit(button);
      return;
    }
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
    if (!plain || isOff() || dialog?.open || isTyping(event.target)) return;
    const keys = first ? `${first} ${event.key}` : event.key;
    clearTimeout(timer);
    first = "";
    if (keys === "g") {
      first = "g";
      timer = setTimeout(() => (first = ""), SEQUENCE);
    } else if (keys === "/") {
      const search = document.querySelector("[data-search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
    } else if (keys === "?") {
      open();
    } else if (run(keys)) {
      event.preventDefault();
    }
  });

  document.querySelectorAll("[data-shortcuts-open]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", open);
  });
  dialog?.querySelector("[data-shortcuts-switch]").addEventListener("change", (event) => {
    try {
      localStorage.setItem(STORE, event.target.checked ? "on" : "off");
    } catch {
      event.target.checked = true; // storage is blocked: they stay on
    }
  });
})();
