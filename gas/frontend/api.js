// The calls of an upload to our own server. Those of the upload itself answer with an object or throw a RefusedError
// whose message is meant for the person, or a plain Error when the network failed.

export class RefusedError extends Error {}

const SIGNED_OUT = 'You have been signed out. Sign in again in another tab, then press “Try again”.'
const BROKEN = 'The service could not take the file just now. Please try again in a minute.'

// Signing in again, in another tab, changes the token: the page's own (`rendered`) may be of the session before.
function csrfToken(rendered) {
  const name = 'csrftoken='
  const cookie = document.cookie.split('; ').find((part) => part.startsWith(name))
  return cookie?.slice(name.length) || rendered
}

async function post(url, csrf, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'X-CSRFToken': csrfToken(csrf),
      Accept: 'application/json',
      ...(body && { 'Content-Type': 'application/json' }),
    },
    body: body && JSON.stringify(body),
    credentials: 'same-origin',
  })
  if (response.redirected || response.status === 401) throw new RefusedError(SIGNED_OUT)
  if (response.status >= 500) throw new Error(BROKEN)
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new RefusedError(answer.error ?? BROKEN)
  return answer
}

/** Ask for a job and for leave to send its file: {job, url, fields, confirm}. */
export async function requestUpload(url, csrf, { name, size, reference }) {
  try {
    return await post(url, csrf, { name, size, reference })
  } catch (error) {
    if (error instanceof RefusedError || error.message === BROKEN) throw error
    throw new Error('No connection to the service. Check your network, then try again.', { cause: error })
  }
}

/** Ask which reference a file fits: {fit, reference, build, reason, fits, ask}. null: nobody can tell. */
export async function askBuild(url, csrf, head) {
  try {
    return await post(url, csrf, head)
  } catch {
    return null // the page goes on without an answer, and the job checks the file again
  }
}

/** Tell that the file has arrived: {job, status, url}. Safe to repeat, so a lost answer is simply asked for again. */
export async function confirmUpload(url, csrf, { attempts = 6, wait = 500 } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await post(url, csrf)
    } catch (error) {
      if (error instanceof RefusedError) throw error
      if (attempt === attempts) {
        throw new Error('The file has arrived, but the service did not answer. Try again: nothing is sent twice.', {
          cause: error,
        })
      }
      await new Promise((resolve) => setTimeout(resolve, wait * 2 ** (attempt - 1)))
    }
  }
}
