// A form that is sent says so, and is sent once. Leave it out with data-submit-many (downloads).
(() => {
  const PATIENCE = 15000; // ms: a page that is still here by then may be tried again
  const buttons = (form) => [...form.elements].filter((element) => element.type === "submit");

  const release = (form) => {
    delete form.dataset.sending;
    for (const button of buttons(form)) {
      if (!("label" in button.dataset)) continue;
      button.disabled = false;
      button.textContent = button.dataset.label;
      delete button.dataset.label;
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sending) event.preventDefault();
    if (event.defaultPrevented || form.method !== "post" || "submitMany" in form.dataset) return;
    form.dataset.sending = "1";
    // After this turn: a disabled button would leave its own name out of what is posted.
    setTimeout(() => {
      for (const button of buttons(form)) {
        if (button.tagName !== "BUTTON" || button.disabled) continue;
        button.dataset.label = button.textContent;
        button.disabled = true;
        if (button === event.submitter) button.textContent = form.dataset.saving || "Saving…";
      }
    });
    setTimeout(() => release(form), PATIENCE);
  });

  addEventListener("pageshow", () => document.querySelectorAll("form[data-sending]").forEach(release));
})();
