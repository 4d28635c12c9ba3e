// Lays a line to touch over each rating item. The item's own inputs stay the answer; untouched is no answer.
(() => {
  const SLOP = 6; // px of movement before a touch counts as a drag

  const make = (name, classes, parent) => {
    const element = document.createElement(name);
    element.className = classes;
    return parent.appendChild(element);
  };

  function enhance(item) {
    if (item.dataset.ready) return;
    item.dataset.ready = "1";
    const choices = item.querySelector("[data-rating-choices]");
    const clear = item.querySelector("[data-rating-clear]");
    const inputs = [...choices.querySelectorAll("input")];
    const radios = inputs[0].type === "radio";
    const [min, max, step] = [item.dataset.min, item.dataset.max, item.dataset.step].map(Number);
    const format = (number) => {
      const steps = Math.round((Math.min(max, Math.max(min, number)) - min) / step);
      return String(Number((min + steps * step).toFixed(2)));
    };
    const read = () => (radios ? inputs.find((one) => one.checked)?.value : inputs[0].value) || "";

    const slider = make("div", "slider", item);
    const range = make("input", "slider__range", slider);
    Object.assign(range, { type: "range", min, max, step });
    range.setAttribute("aria-labelledby", `${item.id}_text`);
    make("span", "slider__line", slider);
    make("span", "slider__fill", slider);
    const thumb = make("span", "slider__thumb", slider);
    make("span", "slider__hint", slider).textContent = "touch the line to answer";
    for (const part of [...slider.children].slice(1)) part.setAttribute("aria-hidden", "true");

    const show = () => {
      const value = read();
      slider.classList.toggle("slider--set", value !== "");
      slider.style.setProperty("--at", value === "" ? 0 : (value - min) / (max - min));
      thumb.textContent = value;
      range.value = value === "" ? min : value;
      range.setAttribute("aria-valuetext", value === "" ? "not answered" : value);
      clear.hidden = value === "";
    };
    const write = (value, isFinal = true) => {
      const target = radios ? inputs.find((one) => one.value === value) : inputs[0];
      if (!target) return;
      radios ? (target.checked = true) : (target.value = value);
      target.dispatchEvent(new Event("input", { bubbles: true }));
      if (isFinal) target.dispatchEvent(new Event("change", { bubbles: true }));
    };

    let typed = "";
    let typedAt = 0;
    const type = (event) => {
      typed = event.timeStamp - typedAt < 1000 && Number(typed + event.key) <= max ? typed + event.key : event.key;
      typedAt = event.timeStamp;
      return Number(typed) < min || Number(typed) > max ? read() : format(Number(typed));
    };
    // The first arrow starts at an end, never in the middle.
    const move = (steps) => format(read() === "" ? (steps > 0 ? min : max) : Number(read()) + steps * step);
    const moves = { ArrowRight: 1, ArrowUp: 1, PageUp: 2, ArrowLeft: -1, ArrowDown: -1, PageDown: -2 };
    const values = { Home: format(min), End: format(max), Backspace: "", Delete: "" };
    range.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in moves) write(move(moves[event.key]));
      else if (event.key in values) write(values[event.key]);
      else if (/^[0-9]$/.test(event.key)) write(type(event));
      else return;
      event.preventDefault();
    });
    range.addEventListener("input", (event) => (event.stopPropagation(), write(format(range.value))));
    range.addEventListener("change", (event) => event.stopPropagation());

    // Touch: a tap or a horizontal drag answers; a vertical one scrolls the page (touch-action: pan-y) and cancels.
    let start = null;
    const at = (event) => {
      const box = slider.getBoundingClientRect();
      const radius = thumb.offsetWidth / 2;
      return format(min + ((event.clientX - box.left - radius) / (box.width - 2 * radius)) * (max - min));
    };
    slider.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      start = { x: event.clientX, was: read(), dragging: event.pointerType === "mouse" };
      slider.setPointerCapture(event.pointerId);
      if (start.dragging) write(at(event), false);
    });
    slider.addEventListener("pointermove", (event) => {
      if (start && Math.abs(event.clientX - start.x) > SLOP) start.dragging = true;
      if (start?.dragging && at(event) !== read()) write(at(event), false);
    });
    slider.addEventListener("pointerup", (event) => {
      if (start) write(at(event));
      start = null;
      range.focus({ preventScroll: true, focusVisible: false });
    });
    slider.addEventListener("pointercancel", () => {
      if (start && read() !== start.was) write(start.was);
      start = null;
    });

    clear.addEventListener("click", () => (write(""), range.focus()));
    choices.addEventListener("input", show);
    choices.addEventListener("change", show);
    addEventListener("pageshow", show); // the browser may have put old answers back
    choices.hidden = true;
    choices.after(slider);
    show();
  }

  const enhanceAll = (root) => root.querySelectorAll?.("[data-rating]").forEach(enhance);
  enhanceAll(document);
  document.addEventListener("htmx:load", (event) => enhanceAll(event.target));
})();
