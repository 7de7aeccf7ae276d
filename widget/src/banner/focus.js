// Focus in the page is never hidden behind the banner (WCAG 2.4.11).

/**
 * While a card is open, keeps what is focused in the page clear of it. Returns what undoes that.
 * @param {HTMLElement} card
 */
export function clearTheFocus(card) {
  const { style } = document.documentElement;
  const { scrollPaddingBottom, paddingBottom } = style;
  /** @param {FocusEvent} event */
  const onFocus = ({ target }) => {
    const element = /** @type {Element} */ (target);
    if (element.shadowRoot || !isBehind(element, card)) return;
    style.scrollPaddingBottom = `${innerHeight - card.getBoundingClientRect().top}px`;
    element.scrollIntoView({ block: "nearest" });
    if (!isBehind(element, card)) return;
    // The page ends here: give it room below for as long as the card is open. Nothing above moves.
    style.paddingBottom = style.scrollPaddingBottom;
    element.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("focusin", onFocus);
  return () => {
    document.removeEventListener("focusin", onFocus);
    Object.assign(style, { scrollPaddingBottom, paddingBottom });
  };
}

/**
 * @param {Element} element
 * @param {Element} card
 */
function isBehind(element, card) {
  const a = element.getBoundingClientRect();
  const b = card.getBoundingClientRect();
  return a.bottom > b.top && a.top < b.bottom && a.right > b.left && a.left < b.right;
}
