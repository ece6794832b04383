/* Runs inside runs/index.html in the browser test: sorts by a metric, up and down, and keeps rows by a word; prints what is
   then shown on the console. */
"use strict";
window.problems = [];
window.addEventListener("error", (e) => window.problems.push("error: " + e.message));
window.addEventListener("load", () => {
  const found = {};
  try {
    const rows = () => [...document.querySelectorAll("#runs tbody tr")].filter((row) => !row.hidden);
    const names = () => rows().map((row) => row.cells[0].textContent).join(" ");
    const heading = (name) => [...document.querySelectorAll("#runs th button")].find((b) => b.textContent === name);
    found.first = names();
    heading("eval_loss").click();
    found.down = rows().map((row) => Number(row.lastElementChild.dataset.value) || "-").join(" ");
    heading("eval_loss").click();
    found.up = rows().map((row) => Number(row.lastElementChild.dataset.value) || "-").join(" ");
    heading("run").click();
    found.names = names();
    const filter = document.getElementById("filter");
    filter.value = "SECOND finished";
    filter.dispatchEvent(new Event("input"));
    found.kept = names();
    found.links = document.querySelectorAll("#runs a").length;
    found.curves = document.querySelectorAll("svg polyline").length;
  } catch (problem) {
    window.problems.push("probe: " + problem);
  }
  found.problems = window.problems;
  console.log("PROBE" + JSON.stringify(found) + "END");
});
