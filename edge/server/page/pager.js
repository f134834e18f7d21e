/** Turns the pages of a list. */

import { make, setText } from './dom.js';

/** A card on a phone is as high as five rows on a desk. */
export const pageSize = matchMedia('(max-width: 40rem)').matches ? 10 : 20;

export class Pager {
  start = 0;
  #element;
  #back;
  #place = make('span');
  #on;
  #turned;

  /** @param turned called when another page is wanted */
  constructor(element, turned) {
    this.#element = element;
    this.#turned = turned;
    this.#back = this.#button('Back', -1);
    this.#on = this.#button('Next', 1);
    element.append(this.#back, this.#place, this.#on);
    element.hidden = true;
  }

  /** From the first page on. */
  begin() {
    this.start = 0;
  }

  /** @param total how many there are. Returns whether this page is gone, and another one has been asked for */
  show(total) {
    if (this.start > 0 && this.start >= total) {
      this.start = Math.max(0, Math.ceil(total / pageSize) - 1) * pageSize;
      this.#turned();
      return true;
    }
    const end = Math.min(total, this.start + pageSize);
    this.#element.hidden = total <= pageSize;
    setText(this.#place, `${this.start + 1}–${end} of ${total}`);
    // A button that is `disabled` would lose the focus.
    this.#back.setAttribute('aria-disabled', String(this.start === 0));
    this.#on.setAttribute('aria-disabled', String(end >= total));
    return false;
  }

  #button(text, way) {
    const button = make('button', { type: 'button' }, text);
    button.addEventListener('click', () => {
      if (button.getAttribute('aria-disabled') === 'true') return;
      this.start = Math.max(0, this.start + way * pageSize);
      this.#turned();
    });
    return button;
  }
}
