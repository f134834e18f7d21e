/**
 * A table whose rows stay the same elements while what they show changes: the focus stays where it is, and a click meets
 * what it was meant for. On a phone each row is a card (tables.css); the roles say that it is a table still.
 */

import { arrange, make, setText } from './dom.js';

/**
 * A column: `wide` ones break their lines, and on a phone `full` ones have one of their own. `text(row)` says what its cells show; or `begin(cell, row)` makes what is in a cell once, and
 * `show(cell, row)` brings it up to date. `sort` is what the API calls this order, and `first` the direction of a first click.
 */
export class Table {
  #columns;
  #keyOf;
  #detail;
  #rows = new Map();
  #body = make('tbody', { role: 'rowgroup' });
  #empty;
  #heads = new Map();

  /**
   * @param name what the table is of
   * @param detail shows more of a row that is open, in a cell of its own
   * @param sorted called with the order that was chosen
   */
  constructor({ name, columns, keyOf, detail, sorted = () => {} }) {
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#detail = detail;
    const heads = columns.map((column) => this.#head(column, sorted));
    const head = make('thead', { role: 'rowgroup' }, make('tr', { role: 'row' }, ...heads));
    this.element = make('table', { role: 'table', 'aria-label': name }, head, this.#body);
    this.#empty = make('p', { className: 'empty', hidden: true });
    this.holder = make('div', { className: 'table' }, this.element, this.#empty);
  }

  /** Marks the column that the rows are sorted by. */
  markSort(sort, order) {
    for (const [name, head] of this.#heads) {
      if (name === sort) head.setAttribute('aria-sort', order === 'asc' ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    }
  }

  /** @param none what is said when there are no rows */
  show(rows, none) {
    const before = this.#rows;
    this.#rows = new Map();
    const elements = [];
    for (const row of rows) {
      const key = this.#keyOf(row);
      const known = before.get(key) ?? this.#begin(row);
      known.row = row;
      this.#rows.set(key, known);
      for (const [index, column] of this.#columns.entries()) this.#showCell(column, known.element.cells[index], row);
      elements.push(known.element);
      if (known.more !== undefined) {
        this.#detail.show(known.more.firstElementChild, row);
        elements.push(known.more);
      }
    }
    arrange(this.#body, elements);
    setText(this.#empty, rows.length === 0 ? none : '');
    this.#empty.hidden = rows.length > 0;
    this.element.hidden = rows.length === 0;
  }

  /** Opens or closes what more there is of a row. Returns whether it is open now. */
  toggle(key) {
    const known = this.#rows.get(key);
    if (known === undefined) return false;
    if (known.more !== undefined) {
      known.more.remove();
      known.more = undefined;
      return false;
    }
    const cell = make('td', { role: 'cell', colSpan: this.#columns.length });
    known.more = make('tr', { role: 'row', className: 'more' }, cell);
    this.#detail.show(cell, known.row);
    known.element.after(known.more);
    return true;
  }

  #head({ label, hidden, number, sort, first = 'desc' }, sorted) {
    const head = make('th', { scope: 'col', role: 'columnheader', className: number ? 'number' : '' });
    if (sort === undefined) head.append(hidden ? make('span', { className: 'unseen' }, label) : label);
    else {
      const button = make('button', { type: 'button', className: 'sort' }, label);
      button.addEventListener('click', () => {
        const now = head.getAttribute('aria-sort');
        const other = first === 'desc' ? 'asc' : 'desc';
        sorted(sort, now === (first === 'desc' ? 'descending' : 'ascending') ? other : first);
      });
      head.append(button);
      this.#heads.set(sort, head);
    }
    return head;
  }

  #begin(row) {
    const cells = this.#columns.map(({ label, number, wide, full, begin, hidden }) => {
      const className = [number && 'number', wide && 'wide', full && 'full'].filter(Boolean).join(' ');
      const cell = make('td', { role: 'cell', className, 'data-label': hidden ? '' : label });
      begin?.(cell, row);
      return cell;
    });
    return { row, element: make('tr', { role: 'row' }, ...cells), more: undefined };
  }

  #showCell({ text, show }, cell, row) {
    if (show === undefined) setText(cell, text(row));
    else show(cell, row);
  }
}
