(() => {
  const filter = document.querySelector(".outcomes");
  if (!filter) return;
  const buttons = [...filter.querySelectorAll("button")];
  const said = filter.querySelector("[role=status]");
  filter.hidden = false;
  filter.addEventListener("click", (event) => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    document.documentElement.dataset.show = chosen.value;
    for (const button of buttons) button.setAttribute("aria-pressed", button === chosen);
    said.textContent = "Shown: " + chosen.textContent.trim();
  });
})();
