// The part of a page that renews itself: only by an answer about the same record, and with everything left as it was
// under the reader's hands (switched-off lines, opened details, the focus).
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
      pressed: new Map(switches(target).map((one) => [nameOf(one), one.getAttribute("aria-pressed")])),
      open: details(target).map((one) => one.open),
      focus: target.contains(document.activeElement) ? nameOf(document.activeElement) : null,
    };
  });

  document.addEventListener("htmx:afterSwap", () => {
    const body = document.querySelector("[data-record]");
    if (!left || !body) return;
    for (const one of switches(body)) {
      if (left.pressed.has(nameOf(one))) one.setAttribute("aria-pressed", left.pressed.get(nameOf(one)));
      if (left.focus && nameOf(one) === left.focus) one.focus();
    }
    details(body).forEach((one, index) => (one.open = left.open[index] ?? false));
    left = null;
  });
})();
