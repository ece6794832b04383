/* The moving parts of report.html: values under the pointer, the clips behind a cell of the confusion matrix, sound.
   Without it the page still shows everything else.  No library, nothing fetched; text goes in as text, never as markup. */
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";

  function element(name, attributes, text) {
    const e = document.createElement(name);
    for (const key in attributes || {}) e.setAttribute(key, attributes[key]);
    if (text !== undefined) e.textContent = text;
    return e;
  }

  function shape(parent, name, attributes, text) {
    const e = document.createElementNS(SVG, name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    if (text !== undefined) e.textContent = text;
    parent.appendChild(e);
    return e;
  }

  function number(value) {
    if (value === null || value === undefined) return "-";
    const size = Math.abs(value);
    return size !== 0 && size < 0.001 ? value.toExponential(2) : value.toFixed(size < 10 ? 4 : 1);
  }

  /* ---- clips ---- */

  const percent = (p) => (100 * p).toFixed(1) + "\u00a0%";

  function outcome(clip) {
    if (typeof clip.label === "string") return "label: " + clip.label + "; predicted: " + clip.predicted;
    const label = data.labels[clip.label], predicted = data.labels[clip.predicted];
    return clip.label === clip.predicted
      ? label + ", predicted with " + percent(clip.label_probability)
      : label + " (" + percent(clip.label_probability) + "), predicted as " + predicted + " (" +
        percent(clip.predicted_probability) + ")";
  }

  function describe(clip) {
    const item = document.createElement("div");
    item.append(element("div", { class: "path" }, clip.path), element("div", {}, outcome(clip)));
    if (clip.facts) item.append(element("div", { class: "soft" }, clip.facts));
    return item;
  }

  function player(clip) {
    const audio = element("audio", { controls: "", preload: "none", "aria-label": "play " + clip.path });
    audio.src = clip.sound;
    return audio;
  }

  function addClip(list, clip) {
    const item = describe(clip), row = element(list.tagName === "UL" ? "li" : "div");
    row.append(...item.childNodes);
    if (clip.sound) row.append(player(clip));
    list.append(row);
  }

  function showCell(button) {
    const label = Number(button.dataset.label), predicted = Number(button.dataset.predicted);
    const box = document.getElementById("cell"), list = element("ul", { class: "clips" });
    const clips = data.clips.filter((c) => c.label === label && c.predicted === predicted);
    const count = Number(button.dataset.count);
    for (const b of document.querySelectorAll(".confusion button")) b.setAttribute("aria-pressed", b === button);
    clips.sort((a, b) => a.label_probability - b.label_probability).forEach((clip) => addClip(list, clip));
    box.replaceChildren(
      element("h3", {}, count + (count === 1 ? " clip of " : " clips of ") + data.labels[label] +
        (label === predicted ? ", predicted right" : ", predicted as " + data.labels[predicted])), list);
    if (clips.length < count)
      box.append(element("p", { class: "soft" }, "The page holds " + clips.length + " of them; predictions.csv all."));
  }

  for (const button of document.querySelectorAll(".confusion button"))
    button.addEventListener("click", () => showCell(button));
  const mistakes = document.getElementById("mistakes");
  if (mistakes)
    data.clips.filter((c) => c.rank).sort((a, b) => a.rank - b.rank).forEach((clip) => addClip(mistakes, clip));

  /* ---- charts ---- */

  const short = (t) => Math.abs(t) >= 1e-3 || t === 0 ? String(Number(t.toPrecision(4))) : t.toExponential(0);

  /* The charts are in the page; this adds a line through the points nearest to the pointer, and their values to the
     legend. */
  function addPointer(figure) {
    const series = JSON.parse(figure.dataset.points), where = figure.querySelector(".where");
    const values = figure.querySelectorAll(".legend b");
    const xs = [...new Set(series.flat().map((p) => p[0]))].sort((a, b) => a - b);
    let at = -1;

    function show(svg) {
      const [left, right, top, bottom, lowX, highX, lowY, highY] = JSON.parse(svg.dataset.panel);
      const px = (x) => left + (right - left) * (x - lowX) / (highX - lowX);
      const py = (y) => bottom - (bottom - top) * (y - lowY) / (highY - lowY);
      const pointer = svg.querySelector(".pointer");
      pointer.replaceChildren();
      shape(pointer, "line", { class: "cursor", x1: px(xs[at]), x2: px(xs[at]), y1: top, y2: bottom });
      where.textContent = figure.dataset.x + " " + short(xs[at]);
      series.forEach((points, k) => {
        let best = points[0];
        for (const p of points)
          if (Math.abs(p[0] - xs[at]) < Math.abs(best[0] - xs[at])) best = p;
        values[k].textContent = number(best[1]) + (best[0] === xs[at] ? "" : " at " + short(best[0]));
        shape(pointer, "circle", { class: "series" + k, cx: px(best[0]), cy: py(best[1]), r: 5 });
      });
    }

    for (const svg of figure.querySelectorAll("svg[data-panel]")) {
      svg.addEventListener("pointermove", (event) => {
        const [left, right, , , lowX, highX] = JSON.parse(svg.dataset.panel), box = svg.getBoundingClientRect();
        const inside = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
        const x = lowX + (inside - left) / (right - left) * (highX - lowX);
        at = 0;
        xs.forEach((v, i) => { if (Math.abs(v - x) < Math.abs(xs[at] - x)) at = i; });
        show(svg);
      });
      svg.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!step) return;
        at = Math.min(xs.length - 1, Math.max(0, at + step));
        show(svg);
        event.preventDefault();
      });
    }
  }

  for (const figure of document.querySelectorAll("figure.plot")) addPointer(figure);
  document.documentElement.dataset.ready = "yes";
})();
