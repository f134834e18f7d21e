/** Makes and changes elements. Texts of others are always texts, never markup. */

/** @param properties of the element; those with a hyphen, and `role`, are attributes */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role') element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Leaves alone what is right already: a selection in it stays, and nothing is laid out again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A long name breaks behind its signs before it breaks anywhere. */
export function setName(element, name) {
  if (element.dataset.name === name) return;
  element.dataset.name = name;
  const parts = name.split(/(?<=[/:._?&=-])/);
  element.replaceChildren(...parts.flatMap((part) => [part, document.createElement('wbr')]));
}

/** Puts children in this order, and takes away all others. What is in its place is not touched: it keeps the focus. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  const focused = document.activeElement;
  for (const [index, child] of children.entries()) {
    const present = parent.children[index] ?? null;
    if (present === child) continue;
    if (child.isConnected && parent.moveBefore !== undefined) parent.moveBefore(child, present);
    else parent.insertBefore(child, present);
  }
  // A browser that cannot move an element takes the focus away.
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

/** Pairs of a name and a value, as the `dl` shows them; the elements are made once. */
export function setPairs(list, pairs) {
  const key = pairs.map(([name]) => name).join();
  if (list.dataset.key !== key) {
    list.dataset.key = key;
    list.replaceChildren(...pairs.map(([name]) => make('div', {}, make('dt', {}, name), make('dd'))));
  }
  for (const [index, [, value]] of pairs.entries()) setText(list.children[index].lastElementChild, value);
}
