// What a reader would stumble over on the page, as lists of what is wrong (empty: nothing).
(() => {
  const SMALLEST_PX = 12, LEAST_CONTRAST = 4.5;
  const isShown = (each) => each.getClientRects().length > 0;
  const name = (each) => `${each.tagName} "${(each.textContent || "").trim().slice(0, 40)}"`;
  const plots = [...document.querySelectorAll("svg[role=img]")].filter(isShown);

  const findOutside = (plot) => {
    const edge = plot.getBoundingClientRect();
    return [...plot.querySelectorAll("path,rect,circle,line,text")].filter((mark) => {
      const box = mark.getBoundingClientRect();
      return box.left < edge.left - 1 || box.right > edge.right + 1
        || box.top < edge.top - 1 || box.bottom > edge.bottom + 1;
    }).map(name);
  };
  const findOverlaps = (plot) => {
    const texts = [...plot.querySelectorAll("text")].map((text) => [text, text.getBoundingClientRect()]);
    return texts.flatMap(([one, a], index) => texts.slice(index + 1).filter(([, b]) =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3
    ).map(([other]) => `${name(one)} on ${name(other)}`));
  };
  const findSmall = () => [...document.querySelectorAll("body *")].filter((each) => {
    const hasText = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || !isShown(each) || ["title", "desc"].includes(each.tagName)) return false;
    const plot = each.ownerSVGElement;
    const scale = plot ? plot.getBoundingClientRect().width / plot.viewBox.baseVal.width : 1;
    return parseFloat(getComputedStyle(each).fontSize) * scale < SMALLEST_PX - 0.01;
  }).map(name);

  const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const getGround = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const findFaint = () => [...document.querySelectorAll("body *")].filter((each) => {
    const hasText = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || !isShown(each) || ["title", "desc"].includes(each.tagName)) return false;
    const style = getComputedStyle(each);
    const text = luminance(parse(each.ownerSVGElement ? style.fill : style.color).slice(0, 3));
    const ground = luminance(getGround(each));
    const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    return contrast < LEAST_CONTRAST;
  }).map(name);

  return {
    plots: plots.map((plot) => plot.querySelector("title").textContent),
    unnamed: plots.filter((plot) => !plot.getAttribute("aria-labelledby").split(" ")
      .every((id) => (document.getElementById(id) || {}).textContent)).map(name),
    unmarked: plots.filter((plot) => plot.querySelectorAll(".mark,.area,.solved,.unsolved,.unjudged")
      .length === 0).map(name),
    outside: plots.flatMap(findOutside),
    overlaps: plots.flatMap(findOverlaps),
    small: findSmall(),
    faint: findFaint(),
    wider: document.documentElement.scrollWidth - window.innerWidth,
  };
})()
