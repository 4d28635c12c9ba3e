// The parts of a page that renew themselves: only by an answer about the same record, and with everything left as it was
// under the reader's hands (switched-off lines, opened details, the focus, what is being typed).
(() => {
  let left = null;
  const switches = (root) => [...root.querySelectorAll("[data-chart-toggle], [data-chart-band], [data-chart-zoom]")];
  const nameOf = (one) => one?.textContent.trim().replace(/\s+/g, " ");
  const details = (root) => [...root.querySelectorAll("details")];

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.dataset.record && document.hidden) event.preventDefault();
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (!target?.dataset.record) return;
    if (xhr.getResponseHeader("X-Record") !== target.dataset.record) {
      event.detail.shouldSwap = false; // an answer about another client is dropped
      return;
    }
    left = {
      id: target.id,
      typed: [...target.querySelectorAll("textarea")].filter((one) => one.value.trim()),
      pressed: new Map(switches(target).map((one) => [nameOf(one), one.getAttribute("aria-pressed")])),
      open: details(target).map((one) => one.open),
      focus: target.contains(document.activeElement) ? nameOf(document.activeElement) : null,
    };
  });

  document.addEventListener("htmx:afterSwap", () => {
    const body = left && document.getElementById(left.id);
    if (!body) return;
    for (const one of switches(body)) {
      if (left.pressed.has(nameOf(one))) one.setAttribute("aria-pressed", left.pressed.get(nameOf(one)));
      if (left.focus && nameOf(one) === left.focus) one.focus();
    }
    for (const one of left.typed) {
      if (one.isConnected) continue;
      const note = document.createElement("p"); // its form is gone: somebody else was quicker
      note.className = "notice";
      note.textContent = `This was settled meanwhile. What you had typed: ${one.value}`;
      body.after(note);
    }
    details(body).forEach((one, index) => (one.open = left.open[index] ?? false));
    left = null;
  });
})();
