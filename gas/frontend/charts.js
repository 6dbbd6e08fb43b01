// The charts of a result: fetched when their part of the page is opened, and again when other variants are asked for.

import htmx from 'htmx.org'

const OPEN = 'gas-charts-open'
const box = () => document.getElementById('charts-box')

function fill() {
  const details = box()
  const inside = document.getElementById('charts')
  if (!details?.open || inside.dataset.filled === details.dataset.charts) return
  inside.dataset.filled = details.dataset.charts
  htmx.ajax('GET', details.dataset.charts, { source: inside, target: inside, swap: 'innerHTML' })
}

// htmx takes over links of HTML only, not those of SVG.
function follow(event) {
  const link = event.target.closest?.('#charts svg a[data-filter]')
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  htmx.ajax('GET', link.getAttribute('href'), { source: box(), target: '#explorer', swap: 'morph:outerHTML' })
}

function remember() {
  try {
    localStorage.setItem(OPEN, box().open ? 'yes' : '')
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

function recall() {
  try {
    return localStorage.getItem(OPEN) === 'yes'
  } catch {
    return false
  }
}

/** Called once, when the page is loaded. */
export function lazyCharts() {
  const details = box()
  if (!details) return
  details.addEventListener('toggle', () => {
    remember()
    fill()
  })
  document.addEventListener('htmx:afterSettle', fill)
  document.addEventListener('click', follow)
  if (recall()) details.open = true
}
