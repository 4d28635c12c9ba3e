// Gives a Plotly figure its colours: traces by meta.role, shapes and annotations by name. The figure brings those of light paper.
(() => {
  const ROLES = ["goal", "task", "bond", "total", "outcome", "neutral", "attention", "settled"];
  const SYMBOLS = { goal: "circle", task: "square", bond: "diamond", attention: "triangle-down", settled: "star" };
  const PATTERNS = { goal: "/", task: "x", bond: ".", total: "-", outcome: "|", attention: "+", settled: "\\" };
  const NARROW = 480; // px

  const fade = (hex, part) => {
    const digits = hex.replace("#", "");
    if (!/^[0-9a-f]{6}$/i.test(digits)) return "rgba(0,0,0,0)";
    const [red, green, blue] = [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
    return `rgba(${red},${green},${blue},${part})`;
  };

  function palette(isPrint) {
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue(`--${name}`).trim();
    // Words such as CanvasText (forced colours) become numbers by way of a computed colour.
    const probe = document.body.appendChild(document.createElement("span"));
    const resolve = (name) => {
      probe.style.color = token(name);
      const numbers = getComputedStyle(probe).color.match(/\d+/g).slice(0, 3);
      return `#${numbers.map((number) => Number(number).toString(16).padStart(2, "0")).join("")}`;
    };
    const colours = { isPlain: isPrint || matchMedia("(forced-colors: active)").matches, font: token("font") };
    const names = ROLES.filter((name) => name !== "neutral").concat("ink", "muted", "line", "edge", "surface");
    for (const name of names) colours[name] = resolve(name);
    probe.remove();
    if (isPrint) {
      for (const name of names) colours[name] = "#000000";
      Object.assign(colours, { line: "#cccccc", surface: "#ffffff" });
    }
    return Object.assign(colours, { neutral: colours.muted });
  }

  const roleOf = (words, fallback) => String(words || "").split(/[\s:_-]+/).find((word) => ROLES.includes(word)) || fallback;

  function paintTrace(trace, colours) {
    const role = roleOf(trace.meta?.role, "neutral");
    const colour = colours[role];
    const isBar = trace.type === "bar" || trace.type === "histogram";
    trace.line = { ...trace.line, color: colour };
    trace.marker = { ...trace.marker, color: colour };
    trace.textfont = { ...trace.textfont, color: colour };
    if (trace.fill && trace.fill !== "none") trace.fillcolor = fade(colour, 0.1);
    for (const bar of [trace.error_x, trace.error_y]) if (bar) bar.color = colour;
    // A marker with an outline is hollow: the therapist's view.
    if (!isBar && trace.marker.line?.width) {
      trace.marker.line = { ...trace.marker.line, color: colour };
      trace.marker.color = colours.surface;
    }
    if (!colours.isPlain) return; // without colour, shapes and patterns tell the roles apart
    if (isBar) trace.marker.pattern = { shape: PATTERNS[role] || "", fgcolor: colours.ink, bgcolor: colours.surface };
    else if (!trace.marker.symbol) trace.marker.symbol = SYMBOLS[role] || "circle";
  }

  function paintAxis(axis, isX, colours, width) {
    const lines = { gridcolor: colours.line, linecolor: colours.edge, zerolinecolor: colours.line, tickcolor: colours.edge };
    Object.assign(axis, lines, { fixedrange: true, tickfont: { ...axis.tickfont, color: colours.muted } });
    if (axis.title) {
      const title = typeof axis.title === "string" ? { text: axis.title } : axis.title;
      axis.title = { standoff: 8, ...title, font: { size: 13, ...title.font, color: colours.muted } };
    }
    if (!isX || width >= NARROW) return;
    for (const key of ["tickvals", "ticktext"]) {
      if (Array.isArray(axis[key])) axis[key] = axis[key].filter((_, index) => index % 2 === 0);
    }
    if (typeof axis.dtick === "number") axis.dtick *= 2;
  }

  window.paintFigure = (figure, { isPrint, width, isHidden, band, isZoomed }) => {
    const colours = palette(isPrint);
    const { data, layout = {} } = structuredClone(figure);
    for (const trace of data) {
      paintTrace(trace, colours);
      if (isHidden(trace.meta?.role) || isHidden(trace.meta?.rater)) trace.visible = false;
      if (trace.meta?.kind === "band" && trace.meta.role !== band) trace.visible = false;
    }
    if (isZoomed && layout.meta?.zoom) layout.yaxis.range = layout.meta.zoom;
    for (const [name, axis] of Object.entries(layout)) {
      if (/^[xy]axis\d*$/.test(name)) paintAxis(axis, name[0] === "x", colours, width);
    }
    for (const shape of layout.shapes || []) {
      const colour = colours[roleOf(shape.name, "neutral")];
      shape.line = { ...shape.line, color: colour };
      if (shape.type !== "line") shape.fillcolor = fade(colour, 0.07);
      if (isHidden(roleOf(shape.name))) shape.visible = false;
    }
    for (const note of layout.annotations || []) {
      const role = roleOf(note.name, "neutral");
      note.font = { ...note.font, color: colours[role] };
      note.arrowcolor = colours[role];
      if (note.bgcolor) note.bgcolor = fade(colours.surface, 0.8);
      if (isHidden(role)) note.visible = false;
    }
    const hover = { bgcolor: colours.surface, bordercolor: colours.edge, font: { color: colours.ink, family: colours.font } };
    const font = { size: 13, ...layout.font, color: colours.ink, family: colours.font };
    const clear = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
    const frame = { autosize: true, width: undefined, height: undefined, dragmode: false, transition: { duration: 0 } };
    return { data, layout: { ...layout, ...frame, ...clear, font, hoverlabel: { ...layout.hoverlabel, ...hover } } };
  };
})();
