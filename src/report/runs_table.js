/* The table of runs: a heading sorts by its column, once more the other way round; the field above keeps rows that hold its
   words.  No library, nothing fetched. */
"use strict";
(function () {
  const table = document.getElementById("runs"), body = table.tBodies[0], rows = Array.from(body.rows);
  const filter = document.getElementById("filter");

  function value(row, column) {
    const cell = row.cells[column], number = cell.dataset.value;
    return number === undefined ? cell.textContent : number === "" ? null : Number(number);
  }

  function compare(a, b, column, sign) {
    const x = value(a, column), y = value(b, column);
    if (x === null || y === null) return (x === null) - (y === null); // what is not known comes last
    return sign * (typeof x === "number" ? x - y : x.localeCompare(y));
  }

  function sort(heading, column) {
    const numbers = rows.length > 0 && rows[0].cells[column].dataset.value !== undefined;
    const before = heading.getAttribute("aria-sort") || (numbers ? "ascending" : "descending"); // numbers: the largest first
    const sign = before === "descending" ? 1 : -1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    rows.sort((a, b) => compare(a, b, column, sign));
    body.append(...rows);
  }

  function keep() {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  }

  Array.from(table.tHead.rows[0].cells).forEach((heading, column) => {
    heading.firstElementChild.addEventListener("click", () => sort(heading, column));
  });
  filter.addEventListener("input", keep);
})();
