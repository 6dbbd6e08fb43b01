// The server writes times in UTC; the reader gets their own clock's time on hover, and as text where asked for.

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

export function localTimes(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (Number.isNaN(at.valueOf())) continue
    time.title = full.format(at)
    if ('clock' in time.dataset) time.textContent = clock.format(at)
  }
}
