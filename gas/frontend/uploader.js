// Uploads: Uppy queues the files, sends each straight to S3 with a presigned POST and reports its progress;
// our server is asked before (leave to upload) and told after (confirm). A job each.

import { Uppy } from '@uppy/core'
import XHRUpload from '@uppy/xhr-upload'
import { RefusedError, confirmUpload, requestUpload } from './api.js'
import { objection } from './checks.js'

const AT_ONCE = 4

/** Run `work` on every item, at most AT_ONCE at a time. */
async function eachOf(items, work) {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** S3 says no in XML, for people who write programs. */
function explain(error, xhr) {
  const code = xhr?.responseText?.match(/<Code>(\w+)<\/Code>/)?.[1]
  if (code === 'EntityTooLarge') return 'The file is larger than the limit.'
  if (code === 'EntityTooSmall') return 'The file is empty.'
  if (code === 'AccessDenied' || code === 'ExpiredToken') return 'The permission to upload has expired. Try again.'
  if (xhr && xhr.status === 0) return 'The connection was lost during the upload. Try again.'
  return error.isUserFacing === false || xhr ? 'The storage did not take the file. Try again.' : error.message
}

/**
 * options: uploadsUrl, csrf, maxBytes, suffixes, reference(file id) → id.
 * events: added(id, file), refused(id, file, why), repeated(file), removed(id), waiting(id), sending(id),
 * progress(id, fraction), confirming(id), done(id, url), failed(id, why), idle().
 */
export class Uploader {
  #uppy
  #options
  #events
  #refusals = 0
  #granted = new Map() // file id → what the server allowed; lets a second try go on instead of starting a new job
  #sent = new Set()
  #confirms = new Set()
  #running = 0

  constructor(options, events) {
    this.#options = options
    this.#events = events
    this.#uppy = new Uppy({ autoProceed: false, infoTimeout: 0 })
    this.#uppy.use(XHRUpload, {
      endpoint: '', // each file has its own
      allowedMetaFields: [],
      limit: AT_ONCE,
      // A refusal will be the same the next time; a stumble need not be.
      shouldRetry: (xhr) => xhr.status === 0 || xhr.status >= 500,
      getResponseData: () => ({}), // S3 answers with nothing
    })
    this.#uppy.addPreProcessor((ids) => eachOf(ids, (id) => this.#prepare(id)))
    this.#uppy.addPostProcessor(() => Promise.all(this.#confirms))
    this.#uppy.on('upload-progress', (file, { bytesUploaded, bytesTotal }) => {
      if (file && bytesTotal) events.progress(file.id, bytesUploaded / bytesTotal)
    })
    this.#uppy.on('upload-success', (file) => {
      if (!file) return
      this.#sent.add(file.id)
      this.#track(this.#confirm(file.id))
    })
    this.#uppy.on('upload-error', (file, error, xhr) => {
      if (!file) return
      // What S3 has refused it will refuse again: the next try asks for a new permission.
      if (xhr?.status >= 400 && xhr.status < 500) this.#granted.delete(file.id)
      events.failed(file.id, explain(error, xhr))
    })
  }

  get busy() {
    return this.#running > 0
  }

  /** Files that wait for start(). */
  get ready() {
    return this.#uppy.getFiles().filter((file) => !file.progress.uploadStarted && !file.error).length
  }

  add(files) {
    for (const file of files) {
      const why = objection(file, this.#options)
      if (why) {
        this.#events.refused(`refused-${(this.#refusals += 1)}`, file, why)
        continue
      }
      try {
        this.#events.added(this.#uppy.addFile({ name: file.name, type: file.type, data: file }), file)
      } catch (error) {
        if (!error.isRestriction) throw error
        this.#events.repeated(file)
      }
    }
  }

  remove(id) {
    if (this.#uppy.getFile(id)) this.#uppy.removeFile(id)
    this.#granted.delete(id)
    this.#events.removed(id)
  }

  start() {
    return this.#run(() => this.#uppy.upload())
  }

  /** Go on from where it failed: ask again, send again, or only confirm again. */
  retry(id) {
    return this.#run(() => {
      if (this.#sent.has(id)) return this.#confirm(id)
      return this.#uppy.retryUpload(id)
    })
  }

  async #run(work) {
    this.#running += 1
    try {
      await work()
      await Promise.all(this.#confirms)
    } catch (error) {
      this.#uppy.log(error, 'error') // each file has already said what went wrong with it
    } finally {
      this.#running -= 1
    }
    if (!this.busy) this.#events.idle()
  }

  #track(promise) {
    this.#confirms.add(promise)
    promise.finally(() => this.#confirms.delete(promise))
  }

  async #prepare(id) {
    const file = this.#uppy.getFile(id)
    if (!file) return
    this.#events.waiting(id)
    try {
      const { uploadsUrl, csrf, reference } = this.#options
      const ask = { name: file.name, size: file.size, reference: reference(id) }
      const grant = this.#granted.get(id) ?? (await requestUpload(uploadsUrl, csrf, ask))
      this.#granted.set(id, grant)
      this.#uppy.setFileState(id, {
        // The form's fields, then the file: S3 ignores whatever follows the file. Its own name stays here.
        meta: { ...grant.fields, name: 'input' },
        xhrUpload: { endpoint: grant.url, allowedMetaFields: Object.keys(grant.fields) },
      })
      this.#events.sending(id)
    } catch (error) {
      this.#uppy.emit('upload-error', file, error)
    }
  }

  async #confirm(id) {
    this.#events.confirming(id)
    try {
      const { url } = await confirmUpload(this.#granted.get(id).confirm, this.#options.csrf)
      this.#events.done(id, url)
    } catch (error) {
      // Once refused, this job is over; another try starts from the beginning with a new one.
      if (error instanceof RefusedError) {
        this.#granted.delete(id)
        this.#sent.delete(id)
      }
      this.#events.failed(id, error.message)
    }
  }
}
