// Shows the buttons of passkeys where the browser knows them, and says in words when one was not used.
(() => {
  if (!window.PublicKeyCredential) return;
  for (const one of document.querySelectorAll("[data-needs-passkeys]")) one.hidden = false;
  for (const one of document.querySelectorAll("[data-no-passkeys]")) one.hidden = true;
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const said = document.querySelector("[data-passkey-said]");
    if (said) said.textContent = "No passkey was used. Try again, or take another way.";
  });
})();
