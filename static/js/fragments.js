// The part of a page that renews itself: only by an answer about the same record, and with everything left as it was
// under the reader's hands (switched-off lines, opened details, the focus).
(() => {
  let left = null;
  const switches = (root) => [...root.querySelectorAll("[data-chart-toggle]")];
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
      off: switches(target).filter((one) => one.getAttribute("aria-pressed") === "false").map((one) => one.dataset.chartToggle),
      open: details(target).map((one) => one.open),
      focus: target.contains(document.activeElement) ? document.activeElement.dataset.chartToggle : null,
    };
  });

  document.addEventListener("htmx:afterSwap", () => {
    const body = document.querySelector("[data-record]");
    if (!left || !body) return;
    for (const one of switches(body)) {
      if (left.off.includes(one.dataset.chartToggle)) one.setAttribute("aria-pressed", "false");
      if (left.focus && one.dataset.chartToggle === left.focus) one.focus();
    }
    details(body).forEach((one, index) => (one.open = left.open[index] ?? false));
    left = null;
  });
})();
