/* Runs inside report.html in the browser test: notes errors, presses a cell, decodes the sounds, moves the pointer over
   a curve, measures width, lettering and contrast; prints its findings on the console. */
"use strict";
window.problems = [];
window.addEventListener("error", (e) => window.problems.push("error: " + e.message));
window.addEventListener("unhandledrejection", (e) => window.problems.push("rejection: " + e.reason));
for (const kind of ["error", "warn"]) console[kind] = (...words) => window.problems.push(kind + ": " + words.join(" "));

window.addEventListener("load", async () => {
  const found = { width: innerWidth, dark: matchMedia("(prefers-color-scheme: dark)").matches };
  try {
    found.ready = document.documentElement.dataset.ready === "yes";
    await new Promise((resolve) => setTimeout(resolve, 200));

    const cells = [...document.querySelectorAll(".confusion button")];
    const cell = cells.find((b) => b.dataset.label !== b.dataset.predicted) || cells[0];
    cell.click();
    found.cell_clips = document.querySelectorAll("#cell li").length;
    found.cell_count = Number(cell.dataset.count);
    found.cell_pressed = cell.getAttribute("aria-pressed");

    const sounds = [...document.querySelectorAll("#mistakes audio")];
    found.sounds = sounds.length;
    found.seconds = [];
    for (const audio of sounds) {
      const bytes = Uint8Array.from(atob(audio.src.split(",")[1]), (c) => c.charCodeAt(0));
      const decoded = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes.buffer);
      found.seconds.push(Number(decoded.duration.toFixed(3)));
    }

    const pictures = [...document.querySelectorAll(".plot svg[data-panel]")].filter((p) => p.getBoundingClientRect().width > 0);
    const svg = pictures.find((p) => p.closest("#loss")), r = svg.getBoundingClientRect();
    svg.dispatchEvent(new PointerEvent("pointermove", { clientX: r.left + 0.9 * r.width, clientY: r.top + 50, bubbles: true }));
    found.curves = pictures.length;
    found.lettering = Math.min(...pictures.map((p) => 12 * p.getBoundingClientRect().width / p.viewBox.baseVal.width));
    found.values = [...svg.closest(".plot").querySelectorAll(".legend b")].map((b) => b.textContent);

    found.overflow = document.documentElement.scrollWidth - innerWidth;
    const rgb = (c) => c.match(/[\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    const light = (c) => { const [red, green, blue] = rgb(c); return 0.2126 * red + 0.7152 * green + 0.0722 * blue; };
    const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const page = light(getComputedStyle(document.body).backgroundColor);
    found.contrast = Math.min(...["body", ".soft", "th", "h2"].map((s) =>
      contrast(light(getComputedStyle(document.querySelector(s)).color), page)));
    found.contrast = Number(found.contrast.toFixed(2));
  } catch (problem) {
    window.problems.push("probe: " + problem);
  }
  found.problems = window.problems;
  console.log("PROBE" + JSON.stringify(found) + "END");
});
