// Live refresh: asks only while the page is seen and nobody is in the middle of something; can be paused.
(() => {
  let paused = false;
  const live = () => document.getElementById("live");
  const isLive = (event) => event.detail.ctx.sourceElement?.id === "live";

  function busy() {
    const main = document.getElementById("main"), focused = document.activeElement;
    if (main.querySelector("dialog[open], details[data-menu][open], :popover-open")) return true;
    if (main.contains(focused) && focused.matches("input:not([type=checkbox]), textarea, select")) return true;
    const selection = getSelection();
    return !selection.isCollapsed && main.contains(selection.anchorNode);
  }

  function show() {
    const element = live();
    if (!element) return;
    element.toggleAttribute("data-paused", paused);
    element.querySelector(".live-word").textContent = paused ? "Paused" : "Live";
    element.querySelector("[data-live-pause]").setAttribute("aria-pressed", String(paused));
  }

  document.addEventListener("htmx:config:request", (event) => {
    if (!isLive(event)) return;
    const asked = event.detail.ctx.sourceEvent?.type === "refresh";
    if (document.hidden || busy() || (paused && !asked)) event.preventDefault();
  });
  document.addEventListener("htmx:after:request", (event) => {
    const time = isLive(event) && event.detail.ctx.response && live()?.querySelector("time");
    if (time) time.dateTime = new Date().toISOString();
  });
  document.addEventListener("htmx:after:swap", show);
  // At once when the page is looked at again: its tab was chosen, or its window came to the front.
  let refreshed = 0;
  function lookedAt() {
    if (document.hidden || paused || !live() || Date.now() - refreshed < 1000) return;
    refreshed = Date.now();
    htmx.trigger(live(), "refresh");
  }
  document.addEventListener("visibilitychange", lookedAt);
  addEventListener("focus", lookedAt);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-live-pause]")) return;
    paused = !paused;
    show();
    if (!paused) htmx.trigger(live(), "refresh");
  });
})();
