// The list of chosen files: one row per file, drawn from the <template> of the page.

import { formatBytes } from './checks.js'
import { timeLeft } from './speed.js'

const WORDS = {
  ready: 'Ready to upload',
  asks: 'Needs your answer',
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
  #count = 0

  constructor(list, template, handlers) {
    this.#list = list
    this.#template = template
    this.#handlers = handlers
  }

  add(id, { name, size }) {
    const row = this.#template.content.firstElementChild.cloneNode(true)
    const part = (kind) => row.querySelector(`[data-part="${kind}"]`)
    part('name').textContent = name
    part('size').textContent = formatBytes(size)
    part('meter').setAttribute('aria-label', `Upload of ${name}`)
    part('remove').setAttribute('aria-label', `Remove ${name} from the list`)
    part('remove').addEventListener('click', () => this.#handlers.remove(id))
    part('retry').setAttribute('aria-label', `Try ${name} again`)
    part('retry').addEventListener('click', () => this.#handlers.retry(id))
    part('open').setAttribute('aria-label', `Open the job of ${name}`)
    this.#build(id, name, part)
    this.#rows.set(id, { row, part })
    this.#list.append(row)
    this.#list.hidden = false
  }

  // Each row has a choice and a box of its own, so their names need ids.
  #build(id, name, part) {
    const number = (this.#count += 1)
    for (const [label, field] of [
      ['build-label', 'build-reference'],
      ['build-box-label', 'build-box'],
    ]) {
      part(field).id = `${field}-${number}`
      part(label).htmlFor = part(field).id
      part(field).setAttribute('aria-describedby', `build-text-${number}`)
    }
    part('build-text').id = `build-text-${number}`
    part('build').setAttribute('role', 'group')
    part('build').setAttribute('aria-label', `Genome build of ${name}`)
    part('build-reference').addEventListener('change', (event) => this.#handlers.choose(id, event.target.value))
    part('build-box').addEventListener('change', (event) => this.#handlers.confirm(id, event.target.checked))
  }

  /** Show the genome build of the file, see Builds.view. */
  showBuild(id, { text, warns, asks, choice, chosen, box, checked }) {
    const entry = this.#rows.get(id)
    if (!entry) return
    const { row, part } = entry
    row.dataset.build = warns ? 'warns' : 'tells'
    part('build').hidden = !text
    part('build-text').textContent = text
    part('build-choice').hidden = choice.length === 0
    const select = part('build-reference')
    const options = choice.map((name) => new Option(name, name, false, name === chosen))
    if (!chosen) options.unshift(new Option('Choose the reference', '', true, true))
    select.replaceChildren(...options)
    part('build-confirm').hidden = !box
    part('build-box-label').textContent = box
    part('build-box').checked = checked
    part('build-box').required = asks
    if (row.dataset.state === 'ready') part('state').textContent = asks ? WORDS.asks : WORDS.ready
  }

  has(id) {
    return this.#rows.has(id)
  }

  remove(id) {
    this.#rows.get(id)?.row.remove()
    this.#rows.delete(id)
    this.#list.hidden = this.#rows.size === 0
  }

  /** state: a key of WORDS; note: a sentence to show below it; url: the job's page; again, signIn: the offers. */
  show(id, state, { note = '', url = '', again = false, signIn = false } = {}) {
    const entry = this.#rows.get(id)
    if (!entry) return
    const { row, part } = entry
    row.dataset.state = state
    part('build-reference').disabled = part('build-box').disabled = state !== 'ready'
    part('state').textContent = WORDS[state]
    part('note').textContent = note
    part('note').hidden = !note
    part('meter').hidden = !['waiting', 'sending', 'confirming'].includes(state)
    part('remove').hidden = !['ready', 'refused', 'failed'].includes(state)
    part('retry').hidden = !again
    part('sign-in').hidden = !signIn
    part('open').hidden = !url
    if (url) part('open').href = url
    // Without a value the meter shows that it works, not how far it is.
    if (state === 'confirming' || state === 'waiting') part('meter').removeAttribute('value')
  }

  /** speed: {perSecond, left} in bytes and seconds, or null. */
  progress(id, fraction, speed) {
    const entry = this.#rows.get(id)
    if (!entry || entry.row.dataset.state !== 'sending') return
    const percent = Math.round(fraction * 100)
    entry.part('meter').value = percent
    const pace = speed ? ` · ${formatBytes(speed.perSecond)}/s · ${timeLeft(speed.left)}` : ''
    entry.part('state').textContent = `${WORDS.sending}, ${percent} %${pace}`
  }
}
