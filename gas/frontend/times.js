// The server writes times in UTC; the reader gets their own clock's time on hover, and as text where asked for.

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })
const clocks = {
  seconds: new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' }),
  minutes: new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }),
}
const otherDay = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})

export function localTimes(root) {
  const today = new Date().toDateString()
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (Number.isNaN(at.valueOf())) continue
    time.title = full.format(at)
    const clock = clocks[time.dataset.clock]
    if (clock) time.textContent = (at.toDateString() === today ? clock : otherDay).format(at)
  }
}
