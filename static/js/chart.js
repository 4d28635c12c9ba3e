// Draws each [data-chart] frame after the text: Plotly is fetched once, the figure from its address, the colours by
// paintFigure. A figure that has not changed since it was drawn last is not sent again.
(() => {
  const NOT_LOADED = "The chart could not be loaded. The numbers are in the table below.";
  const CONFIG = { displayModeBar: false, responsive: true, displaylogo: false, doubleClick: false, scrollZoom: false };
  const drawn = new Map(); // frame → figure as it came
  const known = new Map(); // address → { etag, figure }
  const isOurs = (url) => typeof url === "string" && /^\/(?![/\\])/.test(url);
  let library;

  const loadPlotly = (source) => {
    library ||= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = () => {
        library = null;
        script.remove();
        reject(new Error("plotly"));
      };
      document.head.append(script);
    });
    return library;
  };

  const plotOf = (frame) => frame.querySelector("[data-chart-plot]");
  const isPressed = (button) => button.getAttribute("aria-pressed") === "true";
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));
  const buttons = (frame, kind) => [...document.querySelectorAll(`[data-chart-${kind}]`)].filter((one) => one.dataset.chartFor === frame.id);

  function optionsOf(frame, isPrint) {
    const off = buttons(frame, "toggle").filter((one) => !isPressed(one));
    const hidden = new Set(off.map((one) => one.dataset.chartToggle));
    const band = buttons(frame, "band").find((one) => isPressed(one))?.dataset.chartBand;
    return {
      isPrint,
      band,
      width: frame.clientWidth,
      isHidden: (word) => hidden.has(word),
      isZoomed: buttons(frame, "zoom").some(isPressed),
    };
  }

  function draw(frame, isPrint = false) {
    const figure = drawn.get(frame);
    const options = optionsOf(frame, isPrint);
    const { data, layout } = window.paintFigure(figure, options);
    return window.Plotly.react(plotOf(frame), data, layout, { ...figure.config, ...CONFIG });
  }

  function follow(event) {
    const address = event.points?.[0]?.customdata?.url;
    if (isOurs(address)) location.assign(address);
  }

  async function fetchFigure(address) {
    const before = known.get(address);
    const headers = { Accept: "application/json", ...(before && { "If-None-Match": before.etag }) };
    const answer = await fetch(address, { headers, cache: "no-store" });
    if (answer.status === 304) return before.figure;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const figure = await answer.json();
    known.set(address, { etag: answer.headers.get("ETag"), figure });
    return figure;
  }

  // Black on white, with the code and the day on it: a picture is kept far from its page.
  async function savePicture(frame, name) {
    const figure = drawn.get(frame);
    if (!figure) return;
    const { data, layout } = window.paintFigure(figure, { ...optionsOf(frame, true), width: 960 });
    const day = new Date().toLocaleDateString("sv");
    const title = { text: `${name} · ${day}`, font: { size: 14, color: "#000000" }, x: 0.01, xanchor: "left" };
    const paper = { paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff", margin: { ...layout.margin, t: 48 }, title };
    const options = { format: "png", width: 960, height: 480, scale: 2 };
    const picture = await window.Plotly.toImage({ data, layout: { ...layout, ...paper } }, options);
    const link = Object.assign(document.createElement("a"), { href: picture, download: `${name}-${day}.png` });
    link.click();
  }

  async function load(frame) {
    const note = frame.querySelector("[data-chart-note]");
    note.textContent = "Loading chart…";
    note.hidden = false;
    try {
      const [figure] = await Promise.all([fetchFigure(frame.dataset.chart), loadPlotly(frame.dataset.plotly)]);
      drawn.set(frame, figure);
      await draw(frame);
      plotOf(frame).on("plotly_click", follow);
      note.hidden = true;
    } catch {
      drawn.delete(frame);
      const again = document.createElement("button");
      again.type = "button";
      again.className = "button button--small";
      again.textContent = "Try again";
      again.addEventListener("click", () => load(frame));
      note.replaceChildren(NOT_LOADED, again);
    }
  }

  const forget = () => drawn.forEach((_, frame) => frame.isConnected || drawn.delete(frame));
  const drawAll = (isPrint) => (forget(), drawn.forEach((_, frame) => draw(frame, isPrint)));

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-chart-toggle], [data-chart-band], [data-chart-zoom], [data-chart-picture]");
    if (!button) return;
    const frame = document.getElementById(button.dataset.chartFor);
    if ("chartPicture" in button.dataset) return savePicture(frame, button.dataset.chartName);
    const on = !isPressed(button);
    if ("chartBand" in button.dataset) buttons(frame, "band").forEach((one) => press(one, false));
    press(button, on);
    if (drawn.has(frame)) draw(frame);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(false));
  matchMedia("(forced-colors: active)").addEventListener("change", () => drawAll(false));
  let settling = 0;
  addEventListener("resize", () => {
    clearTimeout(settling);
    settling = setTimeout(() => drawAll(matchMedia("print").matches), 200);
  });
  addEventListener("beforeprint", () => drawAll(true));
  addEventListener("afterprint", () => drawAll(false));

  const loadAll = (root) => root.querySelectorAll?.("[data-chart]").forEach((frame) => drawn.has(frame) || load(frame));
  const start = () => loadAll(document);
  "requestIdleCallback" in window ? requestIdleCallback(start, { timeout: 300 }) : setTimeout(start);
  document.addEventListener("htmx:load", (event) => event.target !== document.body && loadAll(event.target));
})();
