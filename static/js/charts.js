// Reading a chart: a line follows the pointer from point to point, their values stand above. All numbers are in the table.
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

  document.addEventListener("pointermove", (event) => {
    const canvas = event.target.closest?.("[data-chart] .canvas-area");
    for (const chart of document.querySelectorAll("[data-chart][data-at]")) if (!canvas || !chart.contains(canvas)) leave(chart);
    if (!canvas) return;
    const box = canvas.getBoundingClientRect();
    read(canvas.closest("[data-chart]"), (event.clientX - box.left) / box.width);
  });
})();
