// A device that is handed over must show nothing of the therapist's: no tab that is still open, no page that the browser
// kept. The server answers only the client's pages; this makes the other tabs ask it.
(() => {
  const KEY = "handed-over";
  const isHandedOver = "handedOver" in document.body.dataset;
  addEventListener("pagehide", (event) => (document.body.hidden = event.persisted));
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  try {
    const isNews = isHandedOver !== (localStorage.getItem(KEY) !== null);
    if (isNews) isHandedOver ? localStorage.setItem(KEY, "1") : localStorage.removeItem(KEY);
    addEventListener("storage", ({ key }) => key === KEY && location.reload());
  } catch {} // storage is blocked: other tabs are asked for again by whoever turns to them
})();
