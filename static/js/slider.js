// Lays a line to touch over each rating item. The item's own inputs stay the answer; untouched is no answer.
(() => {
  const SLOP = 6; // px of movement before a touch counts as a drag
  const PAUSE = 1000; // ms within which "1", "0" is ten

  const make = (name, className, parent) => parent.appendChild(Object.assign(document.createElement(name), { className }));

  function enhance(item) {
    if (item.querySelector(".slider")) return;
    const [choices, clear] = ["choices", "clear"].map((part) => item.querySelector(`.rating__${part}`));
    const inputs = [...choices.querySelectorAll("input")];
    const radios = inputs[0].type === "radio";
    const words = { touch: "touch the line to answer", unanswered: "not answered", ...item.closest("form")?.dataset };
    const onward = getComputedStyle(item).direction === "rtl" ? -1 : 1; // to the right, in steps
    const [min, max, step] = item.dataset.rating.split(" ").map(Number);
    const format = (number) => {
      const steps = Math.round((Math.min(max, Math.max(min, number)) - min) / step);
      return String(Number((min + steps * step).toFixed(2)));
    };
    const read = () => (radios ? inputs.find((one) => one.checked)?.value : inputs[0].value) || "";

    const slider = make("div", "slider", item);
    const range = Object.assign(make("input", "slider__range", slider), { type: "range", min, max, step });
    range.setAttribute("aria-labelledby", `${item.id}_text`);
    const [, , thumb, hint] = ["line", "fill", "thumb", "hint"].map((part) => make("span", `slider__${part}`, slider));
    thumb.ariaHidden = hint.ariaHidden = "true";
    hint.textContent = words.touch;
    const show = () => {
      const value = read();
      slider.classList.toggle("slider--set", value !== "");
      slider.style.setProperty("--at", value === "" ? 0 : (value - min) / (max - min));
      thumb.textContent = value;
      range.value = value === "" ? min : value;
      range.setAttribute("aria-valuetext", value === "" ? words.unanswered : value);
      clear.disabled = value === "";
    };
    const write = (value, isFinal = true) => {
      const target = radios ? inputs.find((one) => one.value === value) : inputs[0];
      radios ? (target.checked = true) : (target.value = value);
      target.dispatchEvent(new Event("input", { bubbles: true }));
      if (isFinal) target.dispatchEvent(new Event("change", { bubbles: true }));
    };

    // Keys. The first arrow starts at an end, never in the middle.
    let typed = { keys: "", at: 0 };
    const type = (digit, at) => {
      const joined = at - typed.at < PAUSE ? typed.keys + digit : digit;
      typed = { keys: joined <= max ? joined : digit, at };
      return typed.keys < min || typed.keys > max ? read() : format(Number(typed.keys));
    };
    const move = (steps) => format(read() === "" ? (steps > 0 ? min : max) : Number(read()) + steps * step);
    const moves = { ArrowRight: onward, ArrowUp: 1, PageUp: 2, ArrowLeft: -onward, ArrowDown: -1, PageDown: -2 };
    const values = { Home: format(min), End: format(max), Backspace: "", Delete: "" };
    range.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const digit = event.key.replace(/^[٠-٩]$/, (sign) => sign.charCodeAt(0) - 0x660);
      if (event.key in moves) write(move(moves[event.key]));
      else if (event.key in values) write(values[event.key]);
      else if (/^[0-9]$/.test(digit)) write(type(digit, event.timeStamp));
      else return;
      event.preventDefault();
    });
    range.addEventListener("input", (event) => (event.stopPropagation(), write(format(range.value))));
    range.addEventListener("change", (event) => event.stopPropagation());

    // Touch. A tap or a horizontal drag answers; a vertical one scrolls (touch-action: pan-y) and takes back what it did.
    let start = null;
    const at = ({ clientX }) => {
      const { left, width } = slider.getBoundingClientRect();
      const part = (clientX - left - thumb.offsetWidth / 2) / (width - thumb.offsetWidth);
      return format(min + (onward > 0 ? part : 1 - part) * (max - min));
    };
    const on = (name, act) => slider.addEventListener(`pointer${name}`, (event) => (start || name === "down") && act(event));
    on("down", (event) => {
      if (event.button !== 0) return;
      start = { x: event.clientX, was: read(), dragging: event.pointerType === "mouse" };
      slider.setPointerCapture(event.pointerId);
    });
    on("move", (event) => {
      start.dragging ||= Math.abs(event.clientX - start.x) > SLOP;
      if (start.dragging && at(event) !== read()) write(at(event), false);
    });
    on("up", (event) => (write(at(event)), range.focus({ preventScroll: true, focusVisible: false }), (start = null)));
    on("cancel", () => (read() !== start.was && write(start.was), (start = null)));

    clear.addEventListener("click", () => (range.focus(), write("")));
    for (const name of ["input", "change"]) choices.addEventListener(name, show);
    addEventListener("pageshow", show); // the browser may have put old answers back
    [choices.hidden, clear.hidden] = [true, false];
    choices.after(slider);
    show();
  }

  const enhanceAll = (root) => root.querySelectorAll?.("[data-rating]").forEach(enhance);
  enhanceAll(document);
  document.querySelector("[data-error-summary]")?.focus(); // clients get no other script
  document.addEventListener("htmx:load", (event) => enhanceAll(event.target));
})();
