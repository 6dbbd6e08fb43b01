// The calls of an upload to our own server. Each answers with an object or throws one of the errors below, whose
// message is meant for the person.

const PATIENCE = 30_000 // milliseconds until an answer is given up

/** The service has said no. `resume`: where another try begins, see gas/jobs/lifecycle/uploads.py: open, new or never. */
export class RefusedError extends Error {
  constructor(message, resume = 'open') {
    super(message)
    this.resume = resume
  }
}

/** Nobody is signed in in this browser any more. */
export class SignedOutError extends Error {
  constructor() {
    super('You have been signed out. Sign in again in another tab, then come back here and press “Try again”.')
  }
}

/** The service did not answer, or had trouble of its own: another try may succeed. */
export class TroubleError extends Error {
  mayPass = true
}

const trouble = {
  offline: 'No connection to the service. Check your network, then try again.',
  slow: 'The service does not answer at the moment. Try again in a minute.',
  broken: 'The service could not accept the file. Try again in a minute.',
}

/** An id for an upload: opening it again with the same one gives the same job. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

// Signing in again, in another tab, changes the token: the page's own (`rendered`) may be of the session before.
function csrfToken(rendered) {
  const name = 'csrftoken='
  const cookie = document.cookie.split('; ').find((part) => part.startsWith(name))
  return cookie?.slice(name.length) || rendered
}

async function send(url, options) {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), PATIENCE)
  try {
    return await fetch(url, { ...options, credentials: 'same-origin', signal: abort.signal })
  } catch (error) {
    throw new TroubleError(abort.signal.aborted ? trouble.slow : trouble.offline, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

function request(url, csrf, { body, headers, keepalive = false }) {
  return send(url, {
    method: 'POST',
    headers: {
      'X-CSRFToken': csrfToken(csrf),
      Accept: 'application/json',
      ...(body && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    body: body && JSON.stringify(body),
    keepalive, // a closed tab does not stop it
  })
}

/** Ask which parts of an upload have arrived: [{number, size, sha256}]. */
export async function arrivedParts(url) {
  const { arrived } = await answerOf(await send(url, { headers: { Accept: 'application/json' } }))
  return arrived
}

/** Ask where to send parts, each {number, sha256}: [{number, url, headers}]. */
export async function partAddresses(url, csrf, parts) {
  const { addresses } = await post(url, csrf, { body: { parts } })
  return addresses
}

async function post(url, csrf, options) {
  let response = await request(url, csrf, options)
  if (response.status === 403) {
    // The token is of a session that is over. Any page brings a new one, unless nobody is signed in.
    const page = await send(window.location.pathname)
    if (page.redirected) throw new SignedOutError()
    response = await request(url, csrf, options)
  }
  return answerOf(response)
}

async function answerOf(response) {
  if (response.redirected || response.status === 401) throw new SignedOutError()
  if (response.status === 404) throw new RefusedError('This upload was removed meanwhile. Try again to upload it.', 'new')
  const answer = await response.json().catch(() => null)
  if (response.ok && answer) return answer
  if (response.status < 500 && answer?.error) throw new RefusedError(answer.error, answer.resume)
  throw new TroubleError(trouble.broken)
}

/**
 * Ask for a job and for leave to send its file: {job, confirm, discard} and {url, fields, expires_in}, or for a large
 * file {parts, part_size, count}; or, if the file of this key has been confirmed, {job, status, url} as `confirmUpload`.
 */
export function openUpload(url, csrf, key, { name, size, reference }) {
  return post(url, csrf, { body: { name, size, reference }, headers: { 'Idempotency-Key': key } })
}

/** Ask which reference a file fits: {fit, reference, build, reason, fits, ask}. null: nobody can tell. */
export async function askBuild(url, csrf, head) {
  try {
    return await post(url, csrf, { body: head })
  } catch {
    return null // the page goes on without an answer, and the job checks the file again
  }
}

/** Tell that the file has arrived: {job, status, url}. Safe to repeat, so a lost answer is simply asked for again. */
export async function confirmUpload(url, csrf, { attempts = 5, wait = 500 } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await post(url, csrf, { keepalive: true })
    } catch (error) {
      if (!(error instanceof TroubleError)) throw error
      if (attempt === attempts) {
        throw new TroubleError(`The file has arrived. ${error.message} Nothing is sent twice.`, { cause: error })
      }
      await new Promise((resolve) => setTimeout(resolve, wait * 2 ** (attempt - 1)))
    }
  }
}

/** Remove an upload that has not finished. Nobody waits for it: one that is left ends by itself. */
export function discardUpload(url, csrf) {
  request(url, csrf, { keepalive: true }).catch(() => {})
}
