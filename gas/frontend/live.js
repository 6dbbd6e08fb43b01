// Keeps polled parts of a page honest and quiet. The polling itself is htmx's, written in the templates.
//
// A live part is an element with [data-live]. When its [data-announce] sentence changes, that sentence, and
// nothing else, is read to people who use a screen reader; [data-title] becomes the document's title.

import htmx from 'htmx.org'

const announcer = () => document.getElementById('announcer')
const offline = () => document.getElementById('offline')
const polled = (event) => event.detail.elt?.closest?.('[data-live]')

let said = null

function tell() {
  const live = document.querySelector('[data-live]')
  if (!live) return
  if (live.dataset.title) document.title = live.dataset.title
  const sentence = live.dataset.announce ?? ''
  if (said !== null && sentence && sentence !== said) announcer().textContent = sentence
  said = sentence
}

function showOffline(lost) {
  const notice = offline()
  if (notice && notice.hidden === lost) notice.hidden = !lost
}

// A tab that nobody looks at does not poll; it catches up when it is looked at again.
document.addEventListener('htmx:beforeRequest', (event) => {
  if (document.hidden && polled(event) && event.detail.requestConfig.verb === 'get') event.preventDefault()
})
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return
  for (const live of document.querySelectorAll('[data-live]')) htmx.trigger(live, 'refresh')
})

// A redirect means that the session is over (or the job is gone): show that page, not a piece of it inside this one.
document.addEventListener('htmx:beforeSwap', (event) => {
  const { xhr, pathInfo } = event.detail
  if (!xhr.responseURL) return
  const answered = new URL(xhr.responseURL).pathname
  const asked = new URL(pathInfo.finalRequestPath, location.href).pathname
  if (answered !== asked) {
    event.detail.shouldSwap = false
    location.reload()
  }
})

document.addEventListener('htmx:responseError', (event) => {
  if (!polled(event)) return
  if (event.detail.xhr.status === 404) location.reload()
  else showOffline(true)
})
document.addEventListener('htmx:sendError', () => showOffline(true))
document.addEventListener('htmx:afterRequest', (event) => event.detail.successful && showOffline(false))
document.addEventListener('htmx:afterSettle', tell)
tell()
