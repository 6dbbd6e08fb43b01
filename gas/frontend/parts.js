// Sends a large file to S3 in parts: several at a time, each checked by its SHA-256, and again after a stumble.

import { arrivedParts, partAddresses } from './api.js'
import { StorageError, explain } from './storage.js'

const AT_ONCE = 4
const TRIES = 6 // for one part, one after the other
const PAUSE = 1000 // milliseconds before the second try; each further one waits twice as long
const PATIENCE = 60_000 // milliseconds without progress, after which a connection counts as dead

async function sha256(blob) {
  if (!crypto.subtle) {
    throw new StorageError('Your browser can check large files over HTTPS only. Open this page by https://.', { final: true })
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Put the bytes to {url, headers}. left(bytes): how many have gone. */
function put(blob, { url, headers }, { left, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    let timer
    const alive = () => {
      clearTimeout(timer)
      timer = setTimeout(() => request.abort(), PATIENCE)
    }
    const stop = () => request.abort()
    request.open('PUT', url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', (event) => {
      alive()
      left(event.loaded)
    })
    request.addEventListener('loadend', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      if (request.status === 200) resolve()
      else reject(explain(request))
    })
    if (signal.aborted) {
      reject(explain())
      return
    }
    signal.addEventListener('abort', stop)
    alive()
    request.send(blob)
  })
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    // A connection that is back is used at once.
    for (const [target, event] of [
      [signal, 'abort'],
      [window, 'online'],
    ]) {
      target.addEventListener(event, () => (clearTimeout(timer), resolve()), { once: true })
    }
  })
}

/**
 * Send what S3 does not have yet of `file`. grant: {parts, part_size, count} as the server says.
 * progress(fraction): how much of the file is there. signal: stops it; what has arrived stays.
 * Throws a StorageError, or an error of api.js.
 */
export async function sendInParts(file, grant, csrf, { progress, signal }) {
  const blob = (number) => file.slice((number - 1) * grant.part_size, number * grant.part_size)
  const arrived = new Map((await arrivedParts(grant.parts)).map((part) => [part.number, part.sha256]))
  const bytes = new Map() // number of the part → bytes of it that are there
  const tell = (number, count) => {
    bytes.set(number, count)
    progress([...bytes.values()].reduce((sum, one) => sum + one, 0) / file.size)
  }
  const stopped = new AbortController() // one part that cannot be sent stops the others
  const either = AbortSignal.any([signal, stopped.signal])

  async function send(number) {
    const part = blob(number)
    const digest = await sha256(part)
    for (let attempt = 1; arrived.get(number) !== digest; attempt += 1) {
      try {
        const [address] = await partAddresses(grant.parts, csrf, [{ number, sha256: digest }])
        await put(part, address, { left: (count) => tell(number, count), signal: either })
        break
      } catch (error) {
        const mayPass = error.mayPass ?? (error instanceof StorageError && !error.final)
        if (either.aborted || !mayPass || attempt === TRIES) throw error
        await pause(PAUSE * 2 ** (attempt - 1), either)
      }
    }
    tell(number, part.size)
  }

  let next = 1
  async function work() {
    while (next <= grant.count && !either.aborted) await send(next++)
  }
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, grant.count) }, work))
  } catch (error) {
    stopped.abort()
    if (error.name === 'NotReadableError') {
      throw new StorageError('The file cannot be read any more. It was moved or changed: choose it again.', { final: true })
    }
    throw error
  }
  if (signal.aborted) throw explain()
}
