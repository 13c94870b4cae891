// What axe has to say against the page as it is shown; tests/browser.py puts this after axe.
//
// axe stays in a document. The frames inside are the PSP's own: axe would wait for their answer. What is dark differs
// from what was light in its colours only; and colours that axe has judged it need not judge again, on a wider page or
// on the next, which takes it longer than all else: an element's contrast follows from its own style and from what is
// behind it. Judged are colours in which axe has read something, not those of an element without words of its own.

globalThis.faultsOfPage = (() => {
  const CONTRAST = "color-contrast", LINK = "link-in-text-block";
  const FIELD = "select, textarea, input:not([type=checkbox], [type=radio], [type=hidden], [type=image])";
  const UNUSABLE = ":disabled, [aria-disabled=true]";
  const TRANSPARENT = "rgba(0, 0, 0, 0)";
  const unfiltered = new Map();

  const backgroundOf = ({backgroundColor, backgroundImage}, behind) => {
    if (backgroundImage != "none") return behind + backgroundColor + backgroundImage;
    if (backgroundColor.startsWith("rgb(")) return backgroundColor;
    return backgroundColor == TRANSPARENT ? behind : behind + backgroundColor;
  };
  // Contrast asks for the size of a letter where 24 pixels begin, or 18.66 of bold ones.
  const isLarge = (size, weight) => size >= 24 || (size >= 18.66 && weight >= 700);
  const hasWords = element =>
    [...element.childNodes].some(child => child.nodeType == Node.TEXT_NODE && child.data.trim()) || element.matches(FIELD);
  const isOnPage = ({right, bottom, width}) => right + scrollX > 0 && bottom + scrollY > 0 && width > 1;

  // By element and rule what its verdict follows from, and whether some of it may be new to axe.
  const coloursOf = known => {
    const colours = new Map();
    let fresh = false;
    const look = (element, behind, block, faded) => {
      if (!element.checkVisibility()) return;
      const style = getComputedStyle(element);
      const weight = parseFloat(style.fontWeight);
      behind = backgroundOf(style, behind);
      faded *= style.opacity;
      const large = isLarge(parseFloat(style.fontSize), weight);
      const colour = [style.visibility, faded, style.color, behind, large, style.textShadow].join();
      const found = {[CONTRAST]: CONTRAST + colour};
      const isNew = rule => !known.has(found[rule]) && isOnPage(element.getBoundingClientRect());
      if (!style.display.startsWith("inline")) block = {element, colour: style.color};
      else if (element.localName == "a") {
        found[LINK] = [LINK, colour, block.colour, weight, style.textDecorationLine, style.borderBottomStyle].join();
        // Beside more words than its own, as axe asks.
        const letters = ({textContent}) => textContent.replace(/\s+/g, " ").length;
        fresh ||= letters(block.element) > 2 * letters(element) && isNew(LINK);
      }
      fresh ||= hasWords(element) && !element.closest(UNUSABLE) && isNew(CONTRAST);
      colours.set(element, found);
      for (const root of [element, element.shadowRoot])
        for (const child of root?.children ?? []) look(child, behind, block, faded);
    };
    look(document.documentElement, "", undefined, 1);
    return [colours, fresh];
  };

  return async (options, judged) => {
    const known = new Set(judged.split("\n")), judging = new Set();
    const overflow = document.documentElement.scrollWidth - innerWidth;
    const [colours, fresh] = coloursOf(known);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    if (dark && !fresh) return [[], "", overflow];
    if (!globalThis.axe) startAxe();
    for (const rule of axe._audit.rules.filter(({id}) => id == CONTRAST || id == LINK)) {
      if (!unfiltered.has(rule)) unfiltered.set(rule, rule.matches);
      rule.matches = (element, ...more) => {
        const colour = colours.get(element)?.[rule.id];
        if (known.has(colour) || !unfiltered.get(rule).call(rule, element, ...more)) return false;
        if (colour) judging.add(colour);
        return true;
      };
    }
    const only = dark && {runOnly: [CONTRAST, LINK]};
    const found = await axe.run({iframes: false, resultTypes: ["violations"], ...options, ...only});
    const violations = found.violations.map(one => [one.id, ...one.nodes.map(node => node.html)]);
    return [violations, [...judging].join("\n"), overflow];
  };
})();
void 0; // playwright would call a function that it has evaluated
