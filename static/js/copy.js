// Buttons with data-copy="TEXT" put it on the clipboard and say so.
(() => {
  if (!navigator.clipboard) return; // plain http: the text stays selectable beside the button
  const reveal = (root) => root.querySelectorAll?.("[data-copy][hidden]").forEach((button) => (button.hidden = false));
  reveal(document);
  document.addEventListener("htmx:load", (event) => reveal(event.target));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button || button.dataset.label) return;
    button.dataset.label = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Could not copy";
    }
    setTimeout(() => {
      button.textContent = button.dataset.label;
      delete button.dataset.label;
    }, 2000);
  });
})();
