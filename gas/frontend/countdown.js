// <time data-left="252"> counts down: "in 4:12". The server says how many seconds are left, so that a reader's clock
// that is wrong does not matter. At its end the part of the page that it is in looks what has become of it.

import htmx from 'htmx.org'

const ends = new WeakMap() // element → {left, as the server wrote it; at, on this page's own clock, in ms}

function end(time) {
  const known = ends.get(time)
  if (known?.left === time.dataset.left) return known
  const fresh = { left: time.dataset.left, at: performance.now() + Number(time.dataset.left) * 1000 }
  ends.set(time, fresh)
  return fresh
}

export function words(seconds) {
  if (seconds <= 0) return 'any moment now'
  const two = (n) => String(n).padStart(2, '0')
  const [days, hours, minutes] = [Math.round(seconds / 86400), Math.floor(seconds / 3600), Math.floor(seconds / 60)]
  if (days >= 2) return `in ${days} days`
  if (hours) return `in ${hours}:${two(minutes % 60)}:${two(seconds % 60)}`
  return `in ${minutes}:${two(seconds % 60)}`
}

export function countdowns(root) {
  const over = new Set()
  for (const time of root.querySelectorAll('time[data-left]')) {
    const its = end(time)
    const left = Math.ceil((its.at - performance.now()) / 1000)
    const text = words(left)
    if (time.textContent !== text) time.textContent = text
    if (left <= 0 && Number(its.left) > 0 && !its.told) {
      its.told = true
      over.add(time.closest('[data-live]'))
    }
  }
  over.delete(null)
  for (const live of over) htmx.trigger(live, 'refresh')
}

setInterval(() => document.hidden || countdowns(document), 1000)
