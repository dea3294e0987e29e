// The page's elements.

export const $ = (id) => document.getElementById(id);

/** An element with its properties and children; texts are put in as text. */
export function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** 1234567 → 1.2 MB */
export function bytes(size, language) {
  const [number, unit] = size >= 1e9 ? [size / 1e9, "GB"] : size >= 1e6 ? [size / 1e6, "MB"] : [size / 1e3, "kB"];
  return `${number.toLocaleString(language, { maximumFractionDigits: 1 })} ${unit}`;
}
