// Moves the focus to the box "There is a problem", so that keyboard and screen reader start there.
(() => {
  const focus = (root) => {
    const box = root.querySelector?.("[data-error-summary]");
    if (box) box.focus();
  };
  focus(document);
  document.addEventListener("htmx:load", (event) => focus(event.target));
})();
