// The server tells each time in UTC; the reader gets it in the zone of their profile, or else of their device: on hover,
// and as text where asked for.

function zone() {
  const timeZone = document.documentElement.dataset.timeZone
  try {
    new Intl.DateTimeFormat(undefined, { timeZone })
    return timeZone
  } catch {
    return undefined // the browser knows fewer zones than the server
  }
}

const timeZone = zone()
const full = new Intl.DateTimeFormat(undefined, { timeZone, dateStyle: 'medium', timeStyle: 'long' })
const clocks = {
  seconds: new Intl.DateTimeFormat(undefined, { timeZone, timeStyle: 'medium' }),
  minutes: new Intl.DateTimeFormat(undefined, { timeZone, timeStyle: 'short' }),
}
const day = new Intl.DateTimeFormat('en', { timeZone, dateStyle: 'short' })
const otherDay = new Intl.DateTimeFormat(undefined, {
  timeZone,
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})

export function localTimes(root) {
  const today = day.format(new Date())
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (Number.isNaN(at.valueOf())) continue
    time.title = full.format(at)
    const clock = clocks[time.dataset.clock]
    if (clock) time.textContent = (day.format(at) === today ? clock : otherDay).format(at)
  }
}
