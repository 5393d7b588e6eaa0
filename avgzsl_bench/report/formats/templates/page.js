"use strict";
// Tables are whole without this: it adds sorting to every table, and a filter where one is prepared.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return a.localeCompare(b, "en", { numeric: true, sensitivity: "base" });
  };
  const headings = Array.from(table.tHead.rows[0].cells);
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const rows = Array.from(body.rows);
      const keys = new Map(rows.map((row) => [row, keyOf(row, column)]));
      const numeric = rows.some((row) => typeof keys.get(row) === "number");
      const before = heading.getAttribute("aria-sort");
      // Numbers start with the highest unless the lowest is the best, words with the first.
      const first = numeric && heading.dataset.first !== "lowest" ? "descending" : "ascending";
      const ascending = before === "none" ? first === "ascending" : before === "descending";
      // Rows without a number in a column of numbers stay last either way.
      const present = rows.filter((row) => !numeric || typeof keys.get(row) === "number");
      const absent = rows.filter((row) => !present.includes(row));
      present.sort((a, b) => (ascending ? 1 : -1) * compare(keys.get(a), keys.get(b)));
      body.append(...present, ...absent);
      for (const other of headings) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    });
  });
  if (!table.dataset.filter) continue;
  const input = document.getElementById(table.dataset.filter);
  const count = input.parentElement.querySelector(".count");
  input.parentElement.hidden = false;
  const apply = () => {
    const wanted = input.value.trim().toLowerCase();
    const rows = Array.from(body.rows);
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  };
  input.addEventListener("input", apply);
  apply();
}
