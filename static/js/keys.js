// Keys: Ctrl K opens the palette, / the search, ? the sheet, g and a letter jump, r refreshes. Single keys can be off.
(() => {
  const palette = document.getElementById("palette");
  if (!palette) return;
  const words = document.getElementById("palette-q");
  const JUMPS = { o: "/", f: "/flags", c: "/changes", a: "/alerts" };
  const TARGET_JUMPS = { t: "tables", i: "indexes", q: "queries", l: "activity", s: "schema", m: "migrations" };
  let jumping = 0;

  const hits = () => [...palette.querySelectorAll(".hit")];

  function openPalette() {
    if (!palette.open) palette.showModal();
    words.value = "";
    words.focus();
    setTimeout(() => htmx.trigger(words, "open")); // after htmx, which starts in a timer of its own
  }

  function select(hit) {
    for (const other of hits()) other.setAttribute("aria-selected", String(other === hit));
    hit.scrollIntoView({ block: "nearest" });
    words.setAttribute("aria-activedescendant", hit.id);
  }

  function jump(letter) {
    const target = location.pathname.match(/^\/t\/[^/]+\//)?.[0];
    const goal = JUMPS[letter] || (target && TARGET_JUMPS[letter] && target + TARGET_JUMPS[letter]);
    if (goal) location.assign(goal);
  }

  function singleKey(event) {
    const search = document.getElementById("search");
    if (Date.now() - jumping < 1200) {
      jumping = 0;
      jump(event.key);
    } else if (event.key === "g") {
      jumping = Date.now();
    } else if (event.key === "/") {
      event.preventDefault();
      if (search) search.focus();
      else openPalette();
    } else if (event.key === "?") {
      document.getElementById("keys").showModal();
    } else if (event.key === "r" && document.getElementById("live")) {
      htmx.trigger(document.getElementById("live"), "refresh");
    }
  }

  words.addEventListener("keydown", (event) => {
    const all = hits(), at = all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
    if (event.key === "Escape") {
      event.preventDefault();
      palette.close();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key !== "Enter" && !step) return;
    event.preventDefault();
    if (event.key === "Enter") all[at]?.click();
    else if (all.length) select(all[(at + step + all.length) % all.length]);
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    openPalette();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey) {
      event.preventDefault();
      openPalette();
      return;
    }
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const off = document.body.dataset.shortcuts === "off" || document.querySelector("dialog[open]");
    if (!typing && !off && !event.ctrlKey && !event.metaKey && !event.altKey) singleKey(event);
  });
})();
