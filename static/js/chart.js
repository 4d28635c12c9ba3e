// Draws each [data-chart] frame after the text: Plotly is fetched once, the figure from its address, the colours by paintFigure.
(() => {
  const FAILED = "The chart could not be loaded. The numbers are in the table below.";
  const CONFIG = { displayModeBar: false, responsive: true, displaylogo: false, doubleClick: false, scrollZoom: false };
  const drawn = new Map(); // frame → figure as it came
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
  const switches = (frame) => [...document.querySelectorAll("[data-chart-toggle]")].filter((one) => one.dataset.chartFor === frame.id);

  function draw(frame, isPrint = false) {
    const off = switches(frame).filter((one) => one.getAttribute("aria-pressed") === "false");
    const hidden = new Set(off.map((one) => one.dataset.chartToggle));
    const figure = drawn.get(frame);
    const options = { isPrint, width: frame.clientWidth, isHidden: (word) => hidden.has(word) };
    const { data, layout } = window.paintFigure(figure, options);
    return window.Plotly.react(plotOf(frame), data, layout, { ...figure.config, ...CONFIG });
  }

  function follow(event) {
    const address = event.points?.[0]?.customdata?.url;
    if (isOurs(address)) location.assign(address);
  }

  async function load(frame) {
    const note = frame.querySelector("[data-chart-note]");
    note.textContent = "Loading chart…";
    note.hidden = false;
    try {
      const [answer] = await Promise.all([
        fetch(frame.dataset.chart, { headers: { Accept: "application/json" } }),
        loadPlotly(frame.dataset.plotly),
      ]);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      drawn.set(frame, await answer.json());
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
      note.replaceChildren(FAILED, again);
    }
  }

  const forget = () => drawn.forEach((_, frame) => frame.isConnected || drawn.delete(frame));
  const drawAll = (isPrint) => (forget(), drawn.forEach((_, frame) => draw(frame, isPrint)));

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-chart-toggle]");
    if (!button) return;
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    const frame = document.getElementById(button.dataset.chartFor);
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
