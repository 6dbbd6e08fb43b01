// The list of chosen files: one row per file, drawn from the <template> of the page.

import { formatBytes } from './checks.js'

const WORDS = {
  ready: 'Ready to upload',
  refused: 'Cannot be uploaded',
  waiting: 'Waiting for its turn',
  sending: 'Uploading',
  confirming: 'Creating the job',
  done: 'Uploaded',
  failed: 'Not uploaded',
}

export class Rows {
  #list
  #template
  #handlers
  #rows = new Map()

  constructor(list, template, handlers) {
    this.#list = list
    this.#template = template
    this.#handlers = handlers
  }

  add(id, { name, size }) {
    const row = this.#template.content.firstElementChild.cloneNode(true)
    const part = (name) => row.querySelector(`[data-part="${name}"]`)
    part('name').textContent = name
    part('size').textContent = formatBytes(size)
    part('meter').setAttribute('aria-label', `Upload of ${name}`)
    part('remove').setAttribute('aria-label', `Remove ${name} from the list`)
    part('remove').addEventListener('click', () => this.#handlers.remove(id))
    part('retry').setAttribute('aria-label', `Try ${name} again`)
    part('retry').addEventListener('click', () => this.#handlers.retry(id))
    part('open').setAttribute('aria-label', `Open the job of ${name}`)
    this.#rows.set(id, { row, part })
    this.#list.append(row)
    this.#list.hidden = false
  }

  has(id) {
    return this.#rows.has(id)
  }

  remove(id) {
    this.#rows.get(id)?.row.remove()
    this.#rows.delete(id)
    this.#list.hidden = this.#rows.size === 0
  }

  /** state: a key of WORDS; note: a sentence to show below it; url: the job's page. */
  show(id, state, { note = '', url = '', again = false } = {}) {
    const entry = this.#rows.get(id)
    if (!entry) return
    const { row, part } = entry
    row.dataset.state = state
    part('state').textContent = WORDS[state]
    part('note').textContent = note
    part('note').hidden = !note
    part('meter').hidden = !['waiting', 'sending', 'confirming'].includes(state)
    part('remove').hidden = !['ready', 'refused', 'failed'].includes(state)
    part('retry').hidden = !again
    part('open').hidden = !url
    if (url) part('open').href = url
    // Without a value the meter shows that it works, not how far it is.
    if (state === 'confirming' || state === 'waiting') part('meter').removeAttribute('value')
  }

  progress(id, fraction) {
    const entry = this.#rows.get(id)
    if (!entry || entry.row.dataset.state !== 'sending') return
    const percent = Math.round(fraction * 100)
    entry.part('meter').value = percent
    entry.part('state').textContent = `${WORDS.sending}, ${percent} %`
  }
}
