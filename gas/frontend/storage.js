// Sends one file to S3 with a presigned POST. Uppy does the transport: progress, and other tries after a stumble.

import { Uppy } from '@uppy/core'
import XHRUpload from '@uppy/xhr-upload'

const PATIENCE = 60_000 // milliseconds without progress, after which the connection counts as dead

/** The storage did not take the file. `formIsSpent`: another try needs a fresh form. `final`: no try can help. */
export class StorageError extends Error {
  constructor(message, { formIsSpent = false, final = false } = {}) {
    super(message)
    this.formIsSpent = formIsSpent
    this.final = final
  }
}

/** S3 says no in XML, for people who write programs. */
export function explain(request) {
  const code = request?.responseText?.match(/<Code>(\w+)<\/Code>/)?.[1]
  if (code === 'EntityTooLarge') return new StorageError('The file is larger than the limit.', { final: true })
  if (code === 'EntityTooSmall') return new StorageError('The file is empty.', { final: true })
  if (!request?.status) return new StorageError('The connection was lost during the upload. Try again.')
  if (request.status >= 500) return new StorageError('The storage does not answer at the moment. Try again in a minute.')
  const expired = code === 'AccessDenied' || code === 'ExpiredToken'
  const why = expired ? 'The permission to upload has expired. Try again.' : 'The storage did not take the file. Try again.'
  return new StorageError(why, { formIsSpent: true })
}

/**
 * Send `file` with the form {url, fields}. progress(fraction): how much of it has left. signal: aborts it.
 * Throws a StorageError.
 */
export async function sendToStorage(file, { url, fields }, { progress, signal }) {
  // One for each upload: it keeps no state of the previous one.
  const uppy = new Uppy({ infoTimeout: 0, logger: { debug() {}, warn() {}, error() {} } })
  uppy.use(XHRUpload, {
    endpoint: url,
    allowedMetaFields: Object.keys(fields),
    timeout: 0, // it would only tell, and does not begin to count before the first progress
    shouldRetry: (request) => request.status === 0 || request.status >= 500,
    getResponseData: () => ({}), // S3 answers with nothing
  })
  try {
    await new Promise((resolve, reject) => {
      let timer
      const alive = () => {
        clearTimeout(timer)
        timer = setTimeout(() => reject(explain()), PATIENCE)
      }
      signal.addEventListener('abort', () => reject(explain()))
      uppy.on('upload-progress', (_, { bytesUploaded, bytesTotal }) => {
        alive()
        if (bytesTotal) progress(bytesUploaded / bytesTotal)
      })
      uppy.on('upload-error', (_, error, request) => reject(explain(request)))
      uppy.on('upload-success', resolve)
      // The form's fields, then the file: S3 ignores whatever follows the file. Its own name stays here.
      uppy.addFile({ name: file.name, type: file.type, data: file, meta: { ...fields, name: 'input' } })
      uppy.upload().then(() => reject(explain()), reject)
      alive()
    })
  } finally {
    uppy.destroy()
  }
}
