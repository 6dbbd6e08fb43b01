// Remembers uploads in parts across pages: the same file, chosen again, goes on as the same upload.

const KEPT = 'gas-uploads'
const DAYS = 7 // after which an upload is forgotten here; the server ends it earlier

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? '{}')
    const since = Date.now() - DAYS * 86_400_000
    return Object.fromEntries(Object.entries(kept).filter(([, { at }]) => at > since))
  } catch {
    return {} // no storage in this browser, or not ours
  }
}

function write(kept) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(kept))
  } catch {
    // Without storage an upload cannot be resumed after a reload.
  }
}

const nameOf = (owner, { name, size, lastModified }) => JSON.stringify([owner, name, size, lastModified])

/** The key of the upload of this file by this person that has not finished; undefined if there is none. */
export function keptKey(owner, file) {
  return read()[nameOf(owner, file)]?.key
}

export function keep(owner, file, key) {
  write({ ...read(), [nameOf(owner, file)]: { key, at: Date.now() } })
}

export function forget(owner, file) {
  const kept = read()
  delete kept[nameOf(owner, file)]
  write(kept)
}
