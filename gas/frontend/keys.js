// Arrow keys lead from row to row of a table whose rows are links, as they do in a list.

const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }

/** Called once. */
export function arrowKeys(root) {
  root.addEventListener('keydown', (event) => {
    const step = STEPS[event.key]
    const table = event.target.closest?.('table[data-rows]')
    if (!step || !table || !event.target.matches('tbody th a')) return
    const links = [...table.querySelectorAll('tbody th a')]
    const place = links.indexOf(event.target) + step
    links[Math.max(0, Math.min(links.length - 1, place))].focus()
    event.preventDefault()
  })
}
