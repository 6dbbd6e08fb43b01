// How fast an upload is, and how long it still takes.

const WINDOW = 15_000 // milliseconds that the speed is the average of
const SOON = 2000 // milliseconds before which nothing is said: the first numbers are far off

export class Speed {
  #points = [] // [time in milliseconds, bytes that have gone]

  /** Note that `bytes` have gone at `now`, and return {perSecond, left} in bytes and seconds; null while too early. */
  note(bytes, total, now) {
    this.#points.push([now, bytes])
    while (this.#points[0][0] < now - WINDOW) this.#points.shift()
    const [since, had] = this.#points[0]
    if (now - since < SOON || bytes <= had) return null
    const perSecond = ((bytes - had) / (now - since)) * 1000
    return { perSecond, left: (total - bytes) / perSecond }
  }
}

/** A time left in words: "less than a minute left", "12 minutes left", "3 hours left". */
export function timeLeft(seconds) {
  if (seconds < 60) return 'less than a minute left'
  const minutes = Math.round(seconds / 60)
  if (minutes < 100) return `${minutes} minute${minutes === 1 ? '' : 's'} left`
  return `${Math.round(minutes / 60)} hours left`
}
