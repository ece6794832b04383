/* The moving parts of report.html: curves with values under the pointer, the clips behind a cell of the confusion
   matrix, sound.  No library, nothing fetched; text goes in as text, never as markup. */
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const DASHES = ["", "7 4", "2 3", "9 3 2 3"];

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

  const percent = (p) => (100 * p).toFixed(1) + " %";

  function describe(clip) {
    const item = document.createElement("div");
    item.append(element("div", { class: "path" }, clip.path));
    const words = clip.target !== undefined
      ? "is " + clip.target + ", answered " + clip.answer
      : clip.label === clip.predicted
      ? data.labels[clip.label] + ", given " + percent(clip.p)
      : data.labels[clip.label] + " (given " + percent(clip.p) + "), taken for " + data.labels[clip.predicted] +
        " (" + percent(clip.q) + ")";
    item.append(element("div", {}, words));
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
    clips.sort((a, b) => a.p - b.p).forEach((clip) => addClip(list, clip));
    box.replaceChildren(
      element("h3", {}, count + (count === 1 ? " clip of " : " clips of ") + data.labels[label] +
        (label === predicted ? ", recognised" : ", taken for " + data.labels[predicted])), list);
    if (clips.length < count)
      box.append(element("p", { class: "soft" }, "The page holds " + clips.length + " of them; predictions.csv all."));
  }

  for (const button of document.querySelectorAll(".confusion button"))
    button.addEventListener("click", () => showCell(button));
  const mistakes = document.getElementById("mistakes");
  if (mistakes)
    data.clips.filter((c) => c.rank).sort((a, b) => a.rank - b.rank).forEach((clip) => addClip(mistakes, clip));

  /* ---- curves ---- */

  function ticks(low, high, count) {
    const raw = (high - low) / count || 1, power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw), list = [];
    for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + step * 1e-9; t += step) list.push(t);
    return list;
  }

  const short = (t) => Math.abs(t) >= 1e-3 || t === 0 ? String(Number(t.toPrecision(4))) : t.toExponential(0);

  function mark(parent, kind, x, y, size) {
    const s = size || 3.5, style = { class: "series" + kind };
    if (kind === 0) return shape(parent, "circle", { ...style, cx: x, cy: y, r: s });
    if (kind === 1) return shape(parent, "rect", { ...style, x: x - s, y: y - s, width: 2 * s, height: 2 * s });
    return shape(parent, "path", { ...style, d: `M${x},${y - s * 1.2}l${s * 1.2},${s * 2}h${-2.4 * s}z` });
  }

  /* Series are {name, points: [[x, y], ...]}; the curve is drawn at the width that it has, and again when that
     changes. */
  function curve(box, title, xTitle, series, options) {
    const o = options || {}, all = series.flatMap((s) => s.points).filter((p) => p[1] !== null);
    if (all.length === 0) return;
    const legend = element("div", { class: "legend" }), values = [];
    series.forEach((s, k) => {
      const entry = element("span"), key = shape(entry, "svg", { viewBox: "0 0 36 12" });
      shape(key, "polyline", { class: "series" + k, points: "0,6 36,6", "stroke-dasharray": DASHES[k], "stroke-width": 2 });
      mark(key, k, 18, 6);
      values.push(element("b"));
      entry.append(s.name + " ", values[k]);
      legend.append(entry);
    });
    const where = element("span", { class: "soft" }), holder = element("div");
    legend.append(where);
    box.append(element("div", { class: "legend" }, title), holder, legend);

    const xs = [...new Set(all.map((p) => p[0]))].sort((a, b) => a - b);
    const maxX = o.max || xs[xs.length - 1] || 1, low = 0;
    const high = o.max || Math.max(...all.map((p) => p[1])) * 1.05 || 1;
    let at = -1, place = null;

    function draw() {
      const width = Math.max(280, holder.clientWidth), height = o.height || 260;
      const left = 52, right = width - 12, top = 10, bottom = height - 40;
      const px = (x) => left + (right - left) * x / maxX, py = (y) => bottom - (bottom - top) * (y - low) / (high - low);
      const svg = document.createElementNS(SVG, "svg");
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", title);
      svg.setAttribute("tabindex", "0");
      for (const t of ticks(low, high, 5)) {
        shape(svg, "line", { class: "grid", x1: left, x2: right, y1: py(t), y2: py(t) });
        shape(svg, "text", { x: left - 6, y: py(t) + 4, "text-anchor": "end" }, short(t));
      }
      for (const t of ticks(0, maxX, Math.max(2, Math.floor(width / 110))))
        shape(svg, "text", { x: px(t), y: bottom + 17, "text-anchor": "middle" }, short(t));
      shape(svg, "text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, xTitle);
      if (o.diagonal)
        shape(svg, "line", { class: "cursor", x1: px(0), y1: py(0), x2: px(1), y2: py(1) });
      series.forEach((s, k) => {
        const known = s.points.filter((p) => p[1] !== null);
        shape(svg, "polyline", { class: "series" + k, "stroke-dasharray": DASHES[k],
          points: known.map((p) => px(p[0]).toFixed(1) + "," + py(p[1]).toFixed(1)).join(" ") });
        if (known.length <= 60) known.forEach((p) => mark(svg, k, px(p[0]), py(p[1])));
      });
      const cursor = shape(svg, "g", {});
      place = function () {
        cursor.replaceChildren();
        if (at < 0) return;
        shape(cursor, "line", { class: "cursor", x1: px(xs[at]), x2: px(xs[at]), y1: top, y2: bottom });
        where.textContent = xTitle + " " + short(xs[at]);
        series.forEach((s, k) => {
          let best = null;
          for (const p of s.points)
            if (p[1] !== null && (!best || Math.abs(p[0] - xs[at]) < Math.abs(best[0] - xs[at]))) best = p;
          values[k].textContent = best ? number(best[1]) + (best[0] === xs[at] ? "" : " at " + short(best[0])) : "";
          if (best) mark(cursor, k, px(best[0]), py(best[1]), 5);
        });
      };
      svg.addEventListener("pointermove", (event) => {
        const r = svg.getBoundingClientRect();
        const x = ((event.clientX - r.left) * width / r.width - left) / (right - left) * maxX;
        at = 0;
        xs.forEach((v, i) => { if (Math.abs(v - x) < Math.abs(xs[at] - x)) at = i; });
        place();
      });
      svg.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!step) return;
        at = Math.min(xs.length - 1, Math.max(0, at + step));
        place();
        event.preventDefault();
      });
      holder.replaceChildren(svg);
      place();
    }

    let drawn = 0;
    new ResizeObserver(() => requestAnimationFrame(() => {
      if (holder.clientWidth !== drawn) { drawn = holder.clientWidth; draw(); }
    })).observe(holder);
  }

  const metric = (name, x) => (data.metrics[name] || []).map((p) => [p[x], p[2]]);

  function box(id) {
    const parent = document.getElementById(id), b = element("div", { class: "curve" });
    parent.append(b);
    return b;
  }

  curve(box("loss"), "loss per step", "optimizer step",
    [{ name: "training", points: metric("loss", 0) }, { name: "evaluation", points: metric("eval_loss", 0) }]);
  curve(box("loss"), "loss per epoch", "epoch",
    [{ name: "training", points: metric("epoch_loss", 1) }, { name: "evaluation", points: metric("eval_loss", 1) }]);
  curve(box("progress"), "figures of the evaluations during training", "epoch",
    data.figures.map((f) => ({ name: f[1], points: metric(f[0], 1) })));
  curve(box("rate"), "learning rate", "optimizer step", [{ name: "learning rate", points: metric("learning_rate", 0) }],
    { height: 170 });
  if (document.getElementById("calibration"))
    curve(box("calibration"), "accuracy of the answers given with a probability", "probability of the answer given",
      [{ name: "accuracy", points: data.bins }], { max: 1, diagonal: true, height: 300 });
  for (const empty of document.querySelectorAll(".curve:empty")) empty.remove();
  document.documentElement.dataset.ready = "yes";
})();
