// What every page needs: opening dialogs, closing menus, copying, times that keep counting, toasts, lost connections.
(() => {
  const spoken = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const zoneName = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

  function agoText(seconds) {
    const span = Math.abs(seconds);
    const [size, unit] = UNITS.find(([size]) => span >= size) || [1, "s"];
    const words = `${Math.floor(span / size)} ${unit}`;
    return seconds < 0 ? `in ${words}` : `${words} ago`;
  }

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function tellTimes() {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const seconds = Math.trunc((Date.now() - Date.parse(time.dateTime)) / 1000);
      setText(time, agoText(seconds));
      const note = time.closest("[data-stale-after]");
      if (note) note.dataset.tone = seconds > Number(note.dataset.staleAfter) ? "warn" : "";
    }
    if (document.documentElement.dataset.zone !== "local") return;
    for (const time of document.querySelectorAll("time[data-when]")) {
      setText(time, `${spoken.format(new Date(time.dateTime))} ${zoneName}`);
    }
  }

  // A time typed in UTC, said in the zone of whoever types it.
  function tellOwnZone(input) {
    const note = document.querySelector(`[data-own-zone-of="${CSS.escape(input.id)}"]`);
    const at = note && new Date(`${input.value}Z`);
    if (note) setText(note, isNaN(at) ? "" : `${spoken.format(at)} ${zoneName}`);
  }

  function box(className, tone, text) {
    const element = document.createElement("div"), words = document.createElement("p");
    element.className = className;
    element.dataset.tone = tone;
    words.textContent = text;
    element.append(words);
    return element;
  }

  function say(text, tone = "good") {
    document.getElementById("toasts").append(box("toast", tone, text));
  }

  function copy(text) {
    const refused = () => say("The browser refused to copy.", "bad");
    if (!navigator.clipboard) return refused();
    navigator.clipboard.writeText(text).then(() => say("Copied"), refused);
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[commandfor]");
    if (opener && !("command" in HTMLButtonElement.prototype)) {
      const dialog = document.getElementById(opener.getAttribute("commandfor"));
      if (opener.getAttribute("command") === "close") dialog.close();
      else dialog.showModal();
    }
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target) || event.target.closest("a.menu-item, [commandfor]")) menu.open = false;
    }
    const source = event.target.closest("[data-copy]");
    if (source) copy(source.dataset.copy);
    event.target.closest("[data-dismiss]")?.closest(".banner, .toast")?.remove();
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // Good news leave by themselves (with an undo after 30 s); errors stay until they are dismissed.
  new MutationObserver((changes) => {
    for (const added of changes.flatMap((change) => [...change.addedNodes])) {
      if (added.nodeType !== 1 || added.dataset.tone !== "good") continue;
      setTimeout(() => added.remove(), added.querySelector("form") ? 30000 : 4000);
    }
  }).observe(document.getElementById("toasts"), { childList: true });

  // An address names only what was chosen.
  document.addEventListener("htmx:config:request", (event) => {
    const { method, body } = event.detail.ctx.request;
    if (method !== "GET" || !body?.entries) return;
    for (const [name, value] of [...body.entries()]) if (value === "") body.delete(name);
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx?.sourceElement?.id === "palette-q") return;
    const lost = box("banner", "bad", "Pilothouse does not answer. What you see is what was last known.");
    document.getElementById("notices").replaceChildren(lost);
  });
  document.addEventListener("htmx:after:request", (event) => {
    const status = event.detail.ctx.response?.status;
    if (status && status < 400) document.getElementById("notices").replaceChildren();
  });
  document.addEventListener("input", (event) => {
    if (event.target.type === "datetime-local") tellOwnZone(event.target);
  });
  document.addEventListener("htmx:after:swap", tellTimes);
  setInterval(tellTimes, 1000);
  tellTimes();
  // On a phone the tab of this page may lie beyond the edge.
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
})();
