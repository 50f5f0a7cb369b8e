// Reading a chart: a line follows the pointer from point to point, their values stand above. All numbers are in the table.
// Two times dragged on a chart that can be picked from become the page's ?from=&to=; its toolbar has the same as a form.
(() => {
  const clock = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "medium", timeZone: "UTC" });
  const UNITS = { ms: [["ms", 1], ["s", 1000], ["min", 60000]], bytes: [["B", 1], ["kB", 1024], ["MB", 2 ** 20], ["GB", 2 ** 30], ["TB", 2 ** 40]] };

  function words(value, unit) {
    if (unit === "percent" || unit === "share") return `${Number((value * 100).toPrecision(3))} %`;
    const steps = UNITS[unit] || [[unit === "count" ? "" : unit, 1]];
    const [name, size] = steps.findLast(([, size]) => Math.abs(value) >= size) || steps[0];
    return `${Number((value / size).toPrecision(3)).toLocaleString("en")} ${name}`.trim();
  }

  // The points of a path, in units of the drawing: 1000 wide, 200 high.
  function points(path) {
    return [...path.getAttribute("d").matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
  }

  function read(chart, share) {
    const { start, end, low, high, unit } = chart.dataset;
    const curves = [...chart.querySelectorAll(".canvas .curve")];
    const names = [...chart.querySelectorAll(".key")].map((key) => key.textContent);
    const near = curves.map((curve) => points(curve).reduce((best, point) => (Math.abs(point[0] - share * 1000) < Math.abs(best[0] - share * 1000) ? point : best), [-1e9, 0]));
    const x = near.reduce((best, point) => (Math.abs(point[0] - share * 1000) < Math.abs(best - share * 1000) ? point[0] : best), -1e9);
    const values = near.map(([, y], index) => `${names[index] ? `${names[index]} ` : ""}${words(Number(low) + (1 - y / 200) * (high - low), unit)}`);
    const at = new Date(Number(start) + (x / 1000) * (end - start));
    chart.querySelector(".cursor").setAttribute("d", `M${x} 0V200`);
    chart.querySelector(".reading").textContent = `${clock.format(at)} UTC: ${values.join(", ")}`;
    chart.dataset.at = String(x / 1000);
  }

  function leave(chart) {
    chart.querySelector(".cursor").setAttribute("d", "");
    chart.querySelector(".reading").textContent = "";
    delete chart.dataset.at;
  }

  let drag = null;

  function share(event) {
    const box = drag.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  }

  function drawn(width) {
    const picked = drag.parentNode.querySelector(".picked"), [begin, finish] = [drag.from, drag.to].sort((a, b) => a - b);
    picked.setAttribute("x", begin * 1000);
    picked.setAttribute("width", width ? (finish - begin) * 1000 : 0);
  }

  function go(chart, begin, finish) {
    const { start, end } = chart.dataset, url = new URL(location.href);
    const at = (part) => new Date(Number(start) + part * (end - start)).toISOString().replace(/:\d\d\.\d+Z$/, "Z");
    for (const name of ["window", "page"]) url.searchParams.delete(name);
    url.searchParams.set("from", at(begin));
    url.searchParams.set("to", at(finish));
    location.assign(url);
  }

  document.addEventListener("pointerdown", (event) => {
    const canvas = event.target.closest?.("[data-pick] .canvas-area");
    if (!canvas || event.button !== 0) return;
    event.preventDefault();
    drag = canvas;
    drag.from = drag.to = share(event);
  });

  document.addEventListener("pointerup", () => {
    if (!drag) return;
    const chart = drag.closest("[data-pick]"), [begin, finish] = [drag.from, drag.to].sort((a, b) => a - b);
    const isSpan = (finish - begin) * (chart.dataset.end - chart.dataset.start) >= 60000 && finish - begin > 0.01;
    drawn(isSpan);
    drag = null;
    if (isSpan) go(chart, begin, finish);
  });

  document.addEventListener("pointercancel", () => {
    if (drag) drawn(false);
    drag = null;
  });

  document.addEventListener("pointermove", (event) => {
    const canvas = drag || event.target.closest?.("[data-chart] .canvas-area");
    if (drag) {
      drag.to = share(event);
      drawn(true);
    }
    for (const chart of document.querySelectorAll("[data-chart][data-at]")) if (!canvas || !chart.contains(canvas)) leave(chart);
    if (!canvas) return;
    const box = canvas.getBoundingClientRect();
    read(canvas.closest("[data-chart]"), (event.clientX - box.left) / box.width);
  });
})();
