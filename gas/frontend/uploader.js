// Uploads: a job for each file. Each goes through these steps, and whatever fails, another try begins at the same one:
//
//   open     ask the server for a job and a form. With the same key it is the same job, with a fresh form. The key of a
//            large file is kept in the browser until its job has it.
//   send     send the file to S3 with the form; back to `open` if the form is spent or is for another reference. A large
//            file is sent in parts, and only those that have not arrived.
//   confirm  tell the server that the file has arrived. Safe to repeat.
//   done

import { RefusedError, SignedOutError, confirmUpload, discardUpload, newKey, openUpload } from './api.js'
import { objection } from './checks.js'
import { sendInParts } from './parts.js'
import { forget, keep, keptKey } from './resumable.js'
import { Speed } from './speed.js'
import { StorageError, sendToStorage } from './storage.js'

const AT_ONCE = 4
const MARGIN = 60_000 // milliseconds before its end in which a form is not used any more

/**
 * options: owner, uploadsUrl, csrf, maxBytes, suffixes, reference(file id) → id.
 * events: added(id, file), refused(id, file, why), repeated(file), removed(id), waiting(id), sending(id),
 * progress(id, fraction, {perSecond, left} or null), confirming(id), done(id, url), failed(id, {why, again, signIn}), idle().
 */
export class Uploader {
  #options
  #events
  #uploads = new Map() // id → {file, key, step, state: ready | queued | busy | failed | stopped | done, …}
  #queue = []
  #busy = 0
  #count = 0

  constructor(options, events) {
    this.#options = options
    this.#events = events
  }

  get busy() {
    return this.#busy > 0
  }

  /** How many files wait for start(). */
  get ready() {
    return this.#having('ready').length
  }

  /** How many files have failed, and can be tried again. */
  get failed() {
    return this.#having('failed').length
  }

  #having(state) {
    return [...this.#uploads].filter(([, upload]) => upload.state === state).map(([id]) => id)
  }

  /** folders: those of the files that are folders. */
  add(files, folders) {
    for (const file of files) {
      const id = `file-${(this.#count += 1)}`
      const why = folders.has(file)
        ? 'This is a folder. Open it, and choose the files in it.'
        : objection(file, this.#options)
      if (why) this.#events.refused(id, file, why)
      else if (this.#has(file)) this.#events.repeated(file)
      else {
        const key = keptKey(this.#options.owner, file) ?? newKey()
        this.#uploads.set(id, { file, key, step: 'open', state: 'ready' })
        this.#events.added(id, file)
      }
    }
  }

  #has({ name, size, lastModified }) {
    return [...this.#uploads.values()].some(
      ({ file }) => file.name === name && file.size === size && file.lastModified === lastModified,
    )
  }

  remove(id) {
    const upload = this.#uploads.get(id)
    this.#uploads.delete(id)
    if (upload) forget(this.#options.owner, upload.file)
    if (upload?.grant && upload.state !== 'done') {
      discardUpload(upload.grant.discard, this.#options.csrf)
    }
    this.#events.removed(id)
  }

  /**
   * The page is going away: what is being sent cannot be finished, unless it is sent in parts and chosen again. What has
   * been sent is confirmed all the same.
   */
  leave() {
    for (const upload of this.#uploads.values()) {
      if (upload.state !== 'busy' || upload.step !== 'send') continue
      upload.expires = 0 // if the page comes back, it asks for a job again
      upload.abort.abort()
      if (upload.grant.parts) continue
      discardUpload(upload.grant.discard, this.#options.csrf)
    }
  }

  start() {
    this.#enqueue(this.#having('ready'))
  }

  /** Each goes on at the step that failed. */
  retry(...ids) {
    this.#enqueue(ids)
  }

  retryAll() {
    this.retry(...this.#having('failed'))
  }

  #enqueue(ids) {
    for (const id of ids) {
      this.#uploads.get(id).state = 'queued'
      this.#events.waiting(id)
    }
    this.#queue.push(...ids)
    while (this.#queue.length && this.#busy < AT_ONCE) this.#work()
  }

  async #work() {
    this.#busy += 1
    for (let id = this.#queue.shift(); id !== undefined; id = this.#queue.shift()) await this.#finish(id)
    this.#busy -= 1
    if (!this.busy) this.#events.idle()
  }

  /** Take every step from the one where the upload stands. */
  async #finish(id) {
    const upload = this.#uploads.get(id)
    const steps = { open: this.#open, send: this.#send, confirm: this.#confirm }
    upload.state = 'busy'
    try {
      while (upload.step !== 'done') upload.step = await steps[upload.step].call(this, id, upload)
    } catch (error) {
      this.#fail(id, upload, error)
      return
    }
    upload.state = 'done'
    forget(this.#options.owner, upload.file)
    this.#events.done(id, upload.url)
  }

  #fail(id, upload, error) {
    const final = error.final || error.resume === 'never'
    if (final || error.resume === 'new') forget(this.#options.owner, upload.file)
    upload.state = final ? 'stopped' : 'failed'
    this.#events.failed(id, { why: error.message, again: !final, signIn: error instanceof SignedOutError })
  }

  async #open(id, upload) {
    const { owner, uploadsUrl, csrf, reference } = this.#options
    const { name, size } = upload.file
    this.#events.waiting(id)
    upload.reference = reference(id)
    const asked = Date.now()
    const ask = () => openUpload(uploadsUrl, csrf, upload.key, { name, size, reference: upload.reference })
    const answer = await ask().catch((error) => {
      if (error.resume !== 'new') throw error
      upload.key = newKey() // the job of the old one was cancelled meanwhile
      return ask()
    })
    if (answer.status) {
      upload.url = answer.url
      return 'done'
    }
    upload.grant = answer
    upload.expires = answer.parts ? Infinity : asked + answer.expires_in * 1000 - MARGIN
    if (answer.parts) keep(owner, upload.file, upload.key)
    return 'send'
  }

  async #send(id, upload) {
    if (Date.now() > upload.expires || this.#options.reference(id) !== upload.reference) return 'open'
    this.#events.sending(id)
    upload.abort = new AbortController()
    const { file, grant, abort } = upload
    const speed = new Speed()
    const how = {
      progress: (fraction) =>
        this.#events.progress(id, fraction, speed.note(fraction * file.size, file.size, Date.now())),
      signal: abort.signal,
    }
    try {
      if (grant.parts) await sendInParts(file, grant, this.#options.csrf, how)
      else await sendToStorage(file, grant, how)
    } catch (error) {
      if (error instanceof StorageError && error.formIsSpent) upload.step = 'open'
      throw error
    }
    return 'confirm'
  }

  async #confirm(id, upload) {
    this.#events.confirming(id)
    try {
      const { url } = await confirmUpload(upload.grant.confirm, this.#options.csrf)
      upload.url = url
    } catch (error) {
      if (error instanceof RefusedError) {
        upload.step = 'open' // the file is not there, or the job is not
        if (error.resume === 'new') upload.key = newKey()
      }
      throw error
    }
    return 'done'
  }
}
