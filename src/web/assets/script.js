// What pages have more of where scripts run: buttons that copy, keys, and marks on lines of source. Without it everything
// works. Keys do nothing while somebody types, nor with Ctrl, Alt or Meta.
const all = (selector) => [...document.querySelectorAll(selector)];

for (const box of all(".copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(box.querySelector("pre").textContent.trimEnd());
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  if (navigator.clipboard) box.prepend(button);
}

// #L10-L20: lines of source, from one to another.
const markLines = () => {
  for (const line of all(".l.on")) line.classList.remove("on");
  const [, from, to] = /^#L(\d+)-L(\d+)$/.exec(location.hash) ?? [];
  if (from === undefined) return;
  const [low, high] = [Number(from), Number(to)].sort((a, b) => a - b);
  for (const line of all(".source .l[id]")) {
    const number = Number(line.id.slice(1));
    line.classList.toggle("on", number >= low && number <= high);
  }
  document.getElementById(`L${low}`)?.scrollIntoView({ block: "center" });
};
addEventListener("hashchange", markLines);
markLines();
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".source .n");
  const [, from] = /^#L(\d+)/.exec(location.hash) ?? [];
  if (!link || !event.shiftKey || from === undefined) return;
  event.preventDefault();
  location.hash = `L${from}-${link.getAttribute("href").slice(1)}`;
});

const jump = () => {
  const targets = all("main [data-jump], main h2[id], main h3[id], main h4[id]");
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Jump to");
  const input = document.createElement("input");
  input.type = "search";
  input.setAttribute("aria-label", "Jump to");
  const list = document.createElement("ul");
  const show = () => {
    const words = input.value.toLowerCase();
    const found = targets.filter((one) => one.textContent.toLowerCase().includes(words)).slice(0, 50);
    list.replaceChildren(
      ...found.map((one) => {
        const link = document.createElement("a");
        link.href = one.href ?? `#${one.id}`;
        link.textContent = one.textContent.replace("¶", "").trim();
        link.addEventListener("click", () => dialog.close());
        const item = document.createElement("li");
        item.append(link);
        return item;
      }),
    );
  };
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => event.key === "Enter" && list.querySelector("a")?.click());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.append(input, list);
  document.body.append(dialog);
  show();
  dialog.showModal();
};

const keys = {
  "/": () => document.querySelector("[role=search] input")?.focus(),
  f: jump,
  F: jump,
  y: () => {
    const link = document.querySelector("link[rel=canonical]");
    if (link) history.replaceState(history.state, "", link.href + location.hash);
  },
  "?": () => document.querySelector("a[data-help]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});
