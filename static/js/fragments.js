// A fragment may only replace the record it was asked for: an answer about another client is dropped.
document.addEventListener("htmx:beforeSwap", (event) => {
  const record = event.detail.target?.dataset.record;
  if (record && event.detail.xhr.getResponseHeader("X-Record") !== record) event.detail.shouldSwap = false;
});
// Nothing is replaced under somebody's hands: wait while an element inside has the focus or a detail is open.
document.addEventListener("htmx:beforeRequest", (event) => {
  const body = event.detail.elt;
  const isBusy = body.contains(document.activeElement) || body.querySelector("details[open]");
  if (body.dataset.record && (isBusy || document.hidden)) event.preventDefault();
});
