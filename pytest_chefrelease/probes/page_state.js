// What a visitor could see of the page right now. Called many times a second: reads only.
// options: {harmless: [selector], text: most characters of text}
(options) => {
  for (const selector of options.harmless) document.querySelector(selector);  // throws if none
  const roots = [document];
  for (let i = 0; i < roots.length; i++)
    for (const element of roots[i].querySelectorAll("*"))
      if (element.shadowRoot) roots.push(element.shadowRoot);
  const all = roots.flatMap((root) => [...root.querySelectorAll("*")]);

  const isVisible = (element) => {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0;
  };
  const textOf = (element) => (element.innerText || element.textContent || "").trim();
  const isHarmless = (element) =>
    options.harmless.some((selector) => element.closest(selector));
  const label = (element) => {
    const name = typeof element.className === "string" ? element.className.trim() : "";
    const text = textOf(element).slice(0, 40);
    const tag = element.tagName.toLowerCase();
    return tag + (name ? "." + name.split(/\s+/)[0].slice(0, 40) : "") + (text ? ` “${text}”` : "");
  };

  const PICTURES = new Set(["IMG", "SVG", "CANVAS", "VIDEO", "INPUT", "SELECT", "TEXTAREA", "BUTTON"]);

  // Waiting is said by ARIA, by class names, or by a text that says nothing else. A wrapper whose
  // class name is left behind around a whole page is no spinner, so class names count where
  // there is little text. A progress bar with a value shows a quantity, not that it waits.
  const WAITING_NAME = /spinner|skeleton|(^|[^a-z])loading|Spinner|Skeleton|Loading|animate-spin/;
  const WAITING_TEXT = /^(loading|please wait)(\s[\w\s]{0,30})?(…|\.{2,3})$|^(loading|please wait)$/i;
  const waits = (element) => {
    if (["IMG", "VIDEO", "INPUT"].includes(element.tagName)) return false;  // class="lazy-loading"
    if (element.getAttribute("aria-busy") === "true") return true;
    if (element.getAttribute("role") === "progressbar" && !element.hasAttribute("aria-valuenow"))
      return true;
    const name = element.getAttribute("class") || "";
    if (WAITING_NAME.test(name) && textOf(element).length <= 80) return true;
    if (/animate-pulse/.test(name) && !textOf(element) && element.clientWidth >= 40) return true;
    return !element.firstElementChild && element.textContent.length <= 60
      && WAITING_TEXT.test(element.textContent.trim());
  };
  const isText = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim();
  const NO_CONTENT = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "HEAD", "TITLE"]);

  const waiting = [];
  let shown = 0;
  const fields = { all: 0, enabled: 0, passwords: 0 };
  for (const element of all) {
    const tag = element.tagName.toUpperCase();
    if (NO_CONTENT.has(tag)) continue;
    if (waiting.length < 5 && waits(element) && isVisible(element) && !isHarmless(element))
      waiting.push(label(element));
    if (shown < 500 && (PICTURES.has(tag) || [...element.childNodes].some(isText)))
      shown += isVisible(element) ? 1 : 0;
    if (["INPUT", "SELECT", "TEXTAREA"].includes(tag) && element.type !== "hidden"
        && isVisible(element)) {
      fields.all += 1;
      fields.enabled += element.disabled ? 0 : 1;
      fields.passwords += element.type === "password" && !element.disabled ? 1 : 0;
    }
  }

  const inShadow = roots.slice(1).map((root) => [...root.children].map(textOf).join("\n"));
  const text = [document.body ? document.body.innerText : "", ...inShadow].join("\n").trim();
  return {
    address: location.href,
    title: document.title.slice(0, 200),
    text: text.slice(0, options.text),
    is_parsed: document.readyState !== "loading",
    waiting,
    shown,
    fields: fields.all,
    fields_enabled: fields.enabled,
    passwords_enabled: fields.passwords,
  };
}
